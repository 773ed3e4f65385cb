"""The bar on a narrow page: one line, with a menu that needs no script, and keys that reach what is folded away."""

from __future__ import annotations

from typing import Any

import pytest

from app.models import Role
from tests.support.desk import furnish
from tests.support.screen import Served, browse, ready

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def furnished(served_module: Served) -> Served:
    furnish(served_module, more=5)
    return served_module


@pytest.mark.parametrize("path", ["/", "/gap", "/links", "/reports", "/settings"])
def test_the_subject_stands_in_the_first_screen(furnished: Served, chromium: Any, path: str) -> None:
    with browse(chromium, furnished, Role.OPERATOR, width=320) as page:
        page.set_viewport_size({"width": 320, "height": 568})
        page.goto(furnished.url + path)
        bar, title = page.locator("header.bar").bounding_box(), page.get_by_role("heading", level=1).bounding_box()
        assert bar["height"] <= 64
        assert title["y"] + title["height"] <= 284


def test_the_menu_opens_without_script(furnished: Served, chromium: Any) -> None:
    with browse(chromium, furnished, width=320, script=False) as page:
        page.goto(f"{furnished.url}/gap")
        assert not page.get_by_role("link", name="Links", exact=True).is_visible()
        page.locator("header summary").click()
        assert page.get_by_role("button", name="Sign out").is_visible()
        page.get_by_role("navigation").get_by_role("link", name="Links").click()
        page.wait_for_url("**/links")


def test_keys_reach_what_is_folded_away_and_wide_pages_have_no_menu(furnished: Served, chromium: Any) -> None:
    """At 400 % a screen is as narrow as that, and has a keyboard."""
    with browse(chromium, furnished, width=320) as page:
        page.goto(f"{furnished.url}/gap")
        ready(page)
        page.keyboard.press("g")
        page.keyboard.press("l")
        page.wait_for_url("**/links")
        page.set_viewport_size({"width": 1400, "height": 900})
        assert not page.locator("header summary").is_visible()
        assert page.get_by_role("navigation").get_by_role("link", name="Gap").is_visible()
