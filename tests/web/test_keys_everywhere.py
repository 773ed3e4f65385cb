"""Keys that mean the same on every page: taking back, notes, snoozes of messages, and a selection that is drawn out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.models import Pitch, Role, StageEvent, Triage
from tests.support.brokers import until
from tests.support.desk import DOMAINS
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies
from tests.web.test_pipeline import stage_of
from tests.web.test_queue import at_first, followed, item

pytestmark = pytest.mark.browser


@pytest.fixture
def house(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    with copies(tmp_path) as made:
        yield made


def test_a_decision_is_taken_back_from_whatever_page(house: Served, chromium: Any) -> None:
    number = house.ids[DOMAINS[0]]
    with browse(chromium, house, Role.LEAD) as page:
        page.goto(f"{house.url}/queue/{number}")
        ready(page)
        followed(page)
        page.keyboard.press("s")
        page.keyboard.press("1")
        until(lambda: stage_of(house, number).value == "lost")
        page.goto(f"{house.url}/links")
        ready(page)
        page.keyboard.press("z")
        page.wait_for_url("**did=undone**")
        assert item(page) == DOMAINS[0]
        assert stage_of(house, number).value != "lost"
        # One key for it on each page, and a button for whoever has no keyboard.
        for path in ("/", "/gap", "/links", "/queue", "/inbox", "/pipeline"):
            page.goto(house.url + path)
            assert page.locator("header [data-key=z]").count() == (path not in ("/queue", "/inbox"))
            assert page.locator("[data-key=z]:visible").count() >= 1, path


def test_a_note_is_written_by_key_and_read_by_colleagues(house: Served, chromium: Any) -> None:
    number, text = house.ids[DOMAINS[0]], "Met them in Lisbon; write in autumn."
    with browse(chromium, house) as page:
        at_first(page, house)
        page.keyboard.press("n")
        page.keyboard.type(text)
        # The chord of the page would approve; in a menu that is filled in it sends what stands there.
        page.keyboard.press("Control+Enter")
        page.locator(".evidence").get_by_text(text).wait_for()
        assert item(page) == DOMAINS[0]
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("n")
        page.keyboard.type("A second one.")
        page.keyboard.press("Enter")
        page.locator("section.item").get_by_text("A second one.").wait_for()
    with browse(chromium, house, email="ben@acme.test", script=False) as page:
        page.goto(f"{house.url}/prospects/{number}")
        expect(page.locator(".timeline").get_by_text(text)).to_be_visible()
        page.get_by_label("Note, for colleagues only").fill("")
        page.get_by_role("button", name="Write it down").click()
        expect(page.get_by_role("alert")).to_contain_text("the note is empty or too long")


def test_a_note_that_was_not_sent_is_kept_by_whatever_is_pressed_instead(house: Served, chromium: Any) -> None:
    def noted(number: int) -> list[str]:
        with house.db.read() as uow:
            return [
                line.reason or ""
                for line in uow.session.execute(select(StageEvent).where(StageEvent.prospect_id == number)).scalars()
                if line.event == "noted"
            ]

    def approved(number: int) -> bool:
        with house.db.read() as uow:
            found = uow.session.execute(select(Pitch.state).where(Pitch.prospect_id == number)).scalars()
            return "approved" in [state.value for state in found]

    first, sent = house.ids[DOMAINS[0]], house.ids["sent.test"]
    with browse(chromium, house) as page:
        at_first(page, house)
        followed(page)
        page.keyboard.press("n")
        page.keyboard.type("They move to another system.")
        page.get_by_role("button", name="Approve and next").click()
        until(lambda: noted(first) == ["They move to another system."])
        until(lambda: approved(first))
        assert item(page) != DOMAINS[0]
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("n")
        page.keyboard.type("Call her on Monday.")
        page.get_by_role("button", name="Done").click()
        page.wait_for_url("**did=done**")
        assert noted(sent) == ["Call her on Monday."]
        # Pressed by its own button, it says so on the page that it was written on.
        for path in (f"/queue/{first}?tier=1", "/inbox/1?tab=done"):
            page.goto(house.url + path)
            ready(page)
            page.keyboard.press("n")
            page.keyboard.type("And this.")
            page.keyboard.press("Enter")
            page.get_by_text("Written down, for colleagues only.").wait_for()
            assert page.url.startswith(house.url + path)
            assert page.url.endswith("did=noted")
        assert [noted(first)[-1], noted(sent)[-1]] == ["And this."] * 2


def test_a_note_that_cannot_be_written_down_is_said_and_stands_where_it_can_be_read(
    house: Served, chromium: Any
) -> None:
    with browse(chromium, house, allowed=("net::ERR_FAILED",)) as page:
        at_first(page, house)
        followed(page)
        page.route("**/note", lambda route: route.abort())
        page.keyboard.press("n")
        page.keyboard.type("They move to another system.")
        page.get_by_role("button", name="Approve and next").click()
        # The next item has taken its field away.
        expect(page.locator("#cards textarea")).to_have_value("They move to another system.")
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("n")
        page.keyboard.type("Call her on Monday.")
        page.get_by_role("button", name="Done").click()
        expect(page.locator("details.note [data-unkept]")).to_be_visible()
        expect(page.get_by_label("Note, for colleagues only")).to_have_value("Call her on Monday.")
        page.get_by_role("link", name="Waiting").click()
        page.wait_for_timeout(300)
        assert "/inbox/1" in page.url, "no link takes it away, either"
        page.unroute("**/note")
        page.get_by_role("link", name="Waiting").click()
        page.wait_for_url("**/inbox?tab=waiting*")
        with house.db.read() as uow:
            events = uow.session.execute(
                select(StageEvent.reason).where(StageEvent.prospect_id == house.ids["sent.test"])
            ).scalars()
            assert "Call her on Monday." in list(events)


def test_a_message_is_put_aside_by_key_and_taken_back(house: Served, chromium: Any) -> None:
    def line() -> tuple[bool, bool]:
        with house.db.read() as uow:
            found = uow.session.get_one(Triage, 1)
            return found.waits, found.sleeps

    with browse(chromium, house) as page:
        before = line()
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("h")
        page.keyboard.press("1")
        page.get_by_text("Put aside.").wait_for()
        assert line() == (True, True)
        page.goto(f"{house.url}/inbox")
        assert page.locator("#messages > li[data-row='1']").count() == 0
        ready(page)
        page.keyboard.press("z")
        page.wait_for_url("**did=undone**")
        assert "/inbox/1?" in page.url
        assert line() == before


def test_a_selection_is_drawn_out_with_shift_and_an_arrow(house: Served, chromium: Any) -> None:
    with browse(chromium, house, Role.LEAD) as page:
        page.goto(f"{house.url}/gap")
        ready(page)
        page.keyboard.press("j")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        assert page.locator("[data-row] input[type=checkbox]:checked, tr:has([data-row]) input:checked").count() == 3


def test_a_list_is_one_stop_of_the_tab_key_and_a_grid_of_rows(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[1]]}")
        ready(page)
        links = page.locator("#rows a")
        stops = (
            "links => links.filter((link) => link.tabIndex === 0).map((link) => link.innerText.split('\\n')[0].trim())"
        )
        assert links.count() > 30
        assert links.evaluate_all(stops) == [DOMAINS[1]]
        assert page.get_by_role("grid", name="Prospects").get_by_role("row").count() == links.count()
        page.locator("#rows a[tabindex='0']").focus()
        focused = "links => links.indexOf(document.activeElement)"
        for key, at in (("Home", 0), ("ArrowDown", 1), ("PageDown", 11), ("ArrowUp", 10), ("PageUp", 0), ("End", -1)):
            page.keyboard.press(key)
            assert links.evaluate_all(focused) == (at if at >= 0 else links.count() - 1), key
        assert len(links.evaluate_all(stops)) == 1
        # The list may have grown meanwhile: its end was shown.
        last = links.evaluate_all(focused)
        page.keyboard.press("Tab")
        assert links.evaluate_all(focused) == -1, "one Tab leaves the list"
        page.keyboard.press("Shift+Tab")
        assert links.evaluate_all(focused) == last, "and one comes back to where one was"


def test_who_else_has_a_message_open_is_shown(house: Served, chromium: Any) -> None:
    with browse(chromium, house, email="ana@acme.test") as ana, browse(chromium, house, email="ben@acme.test") as ben:
        for page in (ana, ben):
            page.clock.install()
            page.goto(f"{house.url}/inbox/1")
            ready(page)
        expect(ben.locator("#others")).to_have_text("Ana has this open.")
        with ana.expect_response("**/keep"):
            ana.get_by_label("Answer").fill("We have three.")
            ana.clock.run_for(1_000)
        ben.clock.run_for(21_000)
        expect(ben.locator("#others")).to_have_text("Ana is writing an answer.")
        ana.goto(f"{house.url}/me")
        house.clock.advance(timedelta(seconds=61))  # type: ignore[attr-defined]
        ben.clock.run_for(21_000)
        expect(ben.locator("#others")).to_have_text("")
