"""The pages that no address of the manifest shows: the first user's form, the enrolment, the recovery codes, the code at sign-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.conftest import START
from tests.slices.test_second_factor import code_of
from tests.support.databases import Templates
from tests.support.screen import axe_faults, browse, ready, serve, wide
from tests.web.test_access import PASSWORD

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_doors_pass_axe_and_fit(templates: Templates, tmp_path: Path, chromium: Any, theme: str) -> None:
    """U01: each at both widths, contrast and targets at both, the whole of axe at 1400 px."""
    faults: list[str] = []
    seen: list[str] = []

    def look(page: Any, name: str, heading: str) -> None:
        ready(page)
        assert page.get_by_role("heading", name=heading).count() == 1, name
        seen.append(name)
        page.set_viewport_size({"width": 320, "height": 900})
        # Before axe opens up what scrolls.
        if wide(page) > 0:
            faults.append(f"{name} at 320 px scrolls sideways by {wide(page)} px")
        for width, rules in ((320, ["color-contrast", "target-size"]), (1400, None)):
            page.set_viewport_size({"width": width, "height": 900})
            faults.extend(f"{name} {theme} {width}: {line}" for line in axe_faults(page, rules=rules))

    with templates.copy("sqlite", tmp_path) as url:
        settings = Settings(_env_file=None, data_dir=tmp_path / "data", database_url=url)
        with serve(settings, START) as house:
            with browse(chromium, house, None, theme=theme) as page:
                page.goto(f"{house.url}/setup")
                look(page, "first user", "Set up Gapbridge")
                page.get_by_label("Your name").fill("Ana Silva")
                page.get_by_label("E-mail address").fill("ana@acme.test")
                page.get_by_label("Password", exact=True).fill(PASSWORD)
                page.get_by_label("The same password again").fill(PASSWORD)
                page.get_by_role("button", name="Create the account").click()
                page.locator("header nav").wait_for(state="attached")
                page.goto(f"{house.url}/me/second-factor")
                page.get_by_label("Your password, once more").fill(PASSWORD)
                page.get_by_role("button", name="Set it up").click()
                page.locator("code.secret").wait_for()
                look(page, "enrolment", "Add it to your app")
                secret = page.locator("code.secret").inner_text()
                page.get_by_label("The code that the app shows now").fill(code_of(secret, house.clock.now()))
                page.get_by_role("button", name="Confirm").click()
                page.locator(".codes").wait_for()
                look(page, "recovery codes", "Your recovery codes")
            with browse(chromium, house, None, theme=theme) as page:
                page.goto(f"{house.url}/signin")
                page.get_by_label("E-mail address").fill("ana@acme.test")
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url("**/signin/code*")
                look(page, "code", "One more step")
    assert seen == ["first user", "enrolment", "recovery codes", "code"]
    assert faults == [], "\n".join(faults)
