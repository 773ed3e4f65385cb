"""The bar on a narrow page: one line, with a menu that needs no script, and keys that reach what is folded away."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from app.models import Role
from tests.support.desk import furnish
from tests.support.screen import Served, browse, ready

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def furnished(served_module: Served) -> Served:
    furnish(served_module, more=5)
    return served_module


@pytest.mark.parametrize("path", ["/", "/gap", "/links", "/reports", "/settings", "/suppression", "/templates"])
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
        expect(page.get_by_role("link", name="Links", exact=True)).to_be_hidden()
        page.locator("header summary").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
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
        expect(page.locator("header summary")).to_be_hidden()
        expect(page.get_by_role("navigation").get_by_role("link", name="Gap")).to_be_visible()


def test_the_way_between_the_settings_and_the_figures_of_a_folded_table(furnished: Served, chromium: Any) -> None:
    with browse(chromium, furnished, Role.OPERATOR, width=320) as page:
        page.goto(f"{furnished.url}/sequences")
        ways = page.get_by_role("navigation", name="Settings").get_by_role("link")
        assert ways.all_inner_texts() == ["Overview", "Sequences"]
        figures = page.locator(".fold td.num")
        assert set(figures.evaluate_all("cells => cells.map((cell) => getComputedStyle(cell).textAlign)")) == {"start"}
        page.set_viewport_size({"width": 1400, "height": 900})
        assert ways.count() == 11
        page.goto(f"{furnished.url}/audit")
        assert page.get_by_role("button", name="Filter").bounding_box()["width"] < 200
