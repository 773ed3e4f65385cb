"""The pages in a real browser, wide and narrow, light and dark: the whole way from sign-in to undo, without errors."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.brokers import until
from tests.support.desk import DOMAINS
from tests.support.screen import Served
from tests.web.conftest import Copies
from tests.web.test_access import PASSWORD

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("GAPBRIDGE_TEST_SCREENSHOTS")


@pytest.fixture
def served(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    """Furnished, and without anybody who could sign in."""
    with copies(tmp_path, more=60) as made:
        yield made


@contextlib.contextmanager
def watched(chromium: Any, width: int, theme: str, *, script: bool = True) -> Iterator[Any]:
    """A page that collects every console error and refused resource, and fails at the end when there was one."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if "127.0.0.1" not in request.url else None)
    yield page
    context.close()
    # Chromium notes the status of the page that refuses an approval; that page is part of the test.
    assert [fault for fault in faults if "409 (Conflict)" not in fault] == []


def look(page: Any, name: str) -> None:
    """No sideways scroll; keeps a picture where GAPBRIDGE_TEST_SCREENSHOTS names a folder."""
    # A click returns when its page is being replaced: for a moment there is no document.
    # (`wait_for_function` evaluates text inside the page, which the pages' own policy forbids.)
    until(lambda: page.evaluate("document.documentElement !== null && document.readyState === 'complete'"))
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} scrolls sideways by {wide} px"


def sign_in(page: Any, house: Any) -> None:
    page.goto(house.url)
    page.get_by_label("Your name").fill("Ana Silva")
    page.get_by_label("E-mail address").fill("ana@acme.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    menu = page.locator("header summary")
    menu.wait_for(state="attached")
    if menu.is_visible():
        menu.click()
    page.get_by_role("link", name="Today").first.click()


@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (320, "dark")])
def test_the_way_from_sign_in_to_undo(served: Served, chromium: Any, width: int, theme: str) -> None:
    ids = served.ids
    with watched(chromium, width, theme) as page:
        tag = f"{width}-{theme}"
        sign_in(page, served)
        look(page, f"today-{tag}")
        if width < 768:
            page.locator("header summary").click()
        page.get_by_role("button", name="Sign out").click()
        look(page, f"signin-{tag}")
        page.get_by_label("E-mail address").fill("ana@acme.test")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/inbox/*")
        page.goto(f"{served.url}/queue/{ids[DOMAINS[0]]}")
        look(page, f"queue-{tag}")
        first = page.get_by_role("heading", level=2).first.inner_text().split()[0]
        assert first == DOMAINS[0]
        page.get_by_role("button", name="Approve and next").click()
        assert page.get_by_role("status").inner_text().startswith(f"Approved {first}")
        look(page, f"approved-{tag}")
        page.get_by_label("Subject").fill("Line [first name]")
        page.get_by_label("Message").fill("word " * 160)
        page.get_by_role("button", name="Approve and next").click()
        expect(page).to_have_title(re.compile("^Error:"))
        assert page.get_by_role("alert").inner_text().count("\n") > 2
        assert page.get_by_label("Subject").input_value() == "Line [first name]"
        look(page, f"refused-{tag}")
        for name, path in (
            ("outbox", "/outbox"),
            ("unsure", "/outbox?tab=ambiguous"),
            ("inbox", "/inbox"),
            ("message", "/inbox/2"),
            ("links", "/links"),
            ("prospect", f"/prospects/{ids['sent.test']}"),
            ("unchecked", f"/queue/{ids[DOMAINS[3]]}"),
            ("nobody", f"/queue/{ids[DOMAINS[4]]}"),
            ("settings", "/settings"),
            ("bot", "/about-this-bot"),
            ("optout", "/u/token"),
        ):
            page.goto(f"{served.url}{path}")
            look(page, f"{name}-{tag}")
        page.goto(f"{served.url}/outbox")
        page.get_by_role("button", name=f"Undo {first}").click()
        assert page.get_by_role("status").inner_text().startswith(f"Taken back: {first}")
        expect(page.get_by_role("button", name="Approve and next")).to_be_visible()
        page.goto(f"{served.url}/outbox")
        expect(page.get_by_text("Nothing waits.")).to_be_visible()


def test_the_way_works_without_script_and_the_theme_is_painted_by_the_server(served: Served, chromium: Any) -> None:
    with watched(chromium, 800, "light", script=False) as page:
        sign_in(page, served)
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/inbox/*")
        page.goto(f"{served.url}/queue")
        page.get_by_role("button", name="Approve and next").click()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Theme: system").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.locator("details[data-menu=s] > summary").click()
        page.get_by_role("button", name="Not relevant").click()
        assert page.get_by_role("status").inner_text().startswith("Skipped")
