"""Where the hands are after a part of a page was exchanged: the focus, the keys, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.models import Role
from tests.support.brokers import until
from tests.support.desk import DOMAINS
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies

pytestmark = pytest.mark.browser

HERE = "document.activeElement.closest('[data-row]')?.dataset.row ?? document.activeElement.outerHTML.slice(0, 80)"


@pytest.fixture
def house(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    with copies(tmp_path, more=30) as made:
        yield made


def test_a_choice_that_is_refused_says_so(house: Served, chromium: Any) -> None:
    """Two tabs on one item: the second is told, and shows the draft of the first."""
    number = house.ids[DOMAINS[0]]
    with browse(chromium, house) as page:
        other = page.context.new_page()
        for tab in (page, other):
            tab.goto(f"{house.url}/queue/{number}")
            ready(tab)
        version = other.locator("#decide input[name=version]").input_value()
        for tab in (page, other):
            with tab.expect_response("**/choose"):
                tab.get_by_role("button", name="Write it again").click()
        other.wait_for_selector("#problems")
        assert other.evaluate("document.activeElement.id") == "problems"
        assert other.locator("#decide input[name=version]").input_value() != version
        # What it shows now can be chosen again.
        with other.expect_response("**/choose") as answer:
            other.get_by_role("button", name="Write it again").click()
        assert answer.value.status in (200, 303)


def test_the_focus_goes_on_with_the_first_of_the_rows_that_came(house: Served, chromium: Any) -> None:
    with browse(chromium, house, Role.LEAD) as page:
        page.goto(f"{house.url}/gap")
        ready(page)
        shown = page.locator("#gap-rows [data-row]").count()
        page.locator("#more a").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#gap-rows [data-row]").nth(shown).locator("a")).to_be_focused()
        # A box that the mouse has ticked leaves the keys alive: on to the next row, and back to this one.
        page.locator("#gap-rows input[type=checkbox]").nth(2).check(force=True)
        rows = [row.get_attribute("data-row") for row in page.locator("#gap-rows [data-row]").all()]
        page.keyboard.press("j")
        assert page.evaluate(HERE) == rows[3]
        page.keyboard.press("k")
        assert page.evaluate(HERE) == rows[2]
        page.goto(f"{house.url}/outbox?tab=sent")
        ready(page)
        page.keyboard.press("j")
        assert page.evaluate(HERE) == page.locator("[data-row]").first.get_attribute("data-row")


def test_the_narrow_bar_has_what_the_wide_one_has(house: Served, chromium: Any) -> None:
    with browse(chromium, house, Role.LEAD, width=320) as page:
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
        ready(page)
        page.get_by_text("More", exact=True).click()
        for name in ("Save the text", "Pin", "Not me"):
            assert page.get_by_role("button", name=name, exact=True).is_visible(), name
        page.get_by_label("Message").fill("Written on the train.")
        page.get_by_role("button", name="Not me", exact=True).click()
        expect(page.locator("#item-title")).not_to_have_text(DOMAINS[0])

        def kept() -> bool:
            page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
            return bool(page.get_by_label("Message").input_value() == "Written on the train.")

        # The next item is shown before what was sent has arrived, and an address that is typed meanwhile is asked for beside it.
        until(kept)
