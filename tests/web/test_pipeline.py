"""The board: every move of the table that a person may make, by menu and keyboard, with and without script."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.pipeline import TRANSITIONS, Event, Stage
from app.models import Role
from app.prospects import service as prospects
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.support.screen import Served, browse, ready
from tests.web.test_pages import post


def stage_of(house: Any, number: int) -> Stage:
    with house.db.read() as uow:
        return prospects.get(uow, number).stage


def test_the_menu_offers_what_the_table_allows_and_no_more(house: House) -> None:
    ids = furnish(house)
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    by_hand = {Event.GIVE_UP, Event.REOPEN, Event.LINK_SEEN}
    for stage in (Stage.CHECKED_MENTION, Stage.LOST):
        if stage is Stage.LOST:
            assert post(browser, f"/pipeline/{number}/move", to="give_up").status_code == 422
            done = post(browser, f"/pipeline/{number}/move", to="give_up", reason="weak-site", view="table")
            assert done.headers["location"] == "/pipeline?view=table&did=moved"
        assert stage_of(house, number) is stage
        page = browser.get("/pipeline").text
        card = page.split(f'href="/prospects/{number}"')[1].split("</article>")[0]
        offered = {event for event in Event if f'name="to" value="{event.value}"' in card}
        assert offered == by_hand & set(TRANSITIONS[stage])
    again = post(browser, f"/pipeline/{number}/move", to="give_up", reason="weak-site")
    assert again.status_code == 409
    assert "cannot happen in the stage" in again.text
    post(browser, f"/pipeline/{number}/move", to="reopen", why="they wrote")
    assert stage_of(house, number) is Stage.PROSPECT
    assert "approved" in browser.get("/pipeline?badge=approved&view=table").text
    assert 'name="to"' not in house.browser(Role.VIEWER).get("/pipeline").text


@pytest.mark.browser
def test_a_card_is_moved_by_keyboard_alone(served_module: Served, chromium: Any) -> None:
    """U26: no drag is needed."""
    number = furnish(served_module)[DOMAINS[1]]
    with browse(chromium, served_module) as page:
        page.goto(f"{served_module.url}/pipeline")
        ready(page)
        menu = page.locator(f"article:has(a[href='/prospects/{number}']) summary")
        menu.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("w")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**did=moved**")
    assert stage_of(served_module, number) is Stage.LOST
