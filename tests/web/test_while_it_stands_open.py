"""What a page does while it stands open: it says that its list has changed, that a button works, and that an editor is not saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.models import Prospect, Role, Triage
from tests.support.brokers import until
from tests.support.desk import furnish
from tests.support.http import House
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies
from tests.web.test_broken_lines import slow
from tests.web.test_pages import post
from tests.web.test_queue import at_first, followed, item

LISTED = "[...document.querySelectorAll('#rows [data-row]')].map(row => Number(row.dataset.row))"


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return furnish(house, more=60)


@pytest.fixture
def served(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    with copies(tmp_path) as made:
        yield made


def put_aside(house: Any, *numbers: int) -> None:
    with house.db.work() as uow:
        for number in numbers:
            uow.session.get_one(Prospect, number).snoozed_until = uow.now() + timedelta(days=1)


def listed(page: str) -> list[str]:
    import re

    return re.findall(r'<li data-row="(\d+)"', page)


def test_a_list_is_compared_with_what_is_there_now(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    first = listed(browser.get("/queue").text)
    assert len(first) == 50

    def changed(shown: list[str], query: str = "") -> str | None:
        answer = browser.get(f"/queue/changed?shown={'.'.join(shown)}{query}", headers={"X-Unattended": "1"})
        return str(answer.json()["words"]) or None

    assert changed(first) is None
    # What this person has decided is not in the page any more, and what moved up behind it is no change.
    assert post(browser, f"/queue/{first[0]}/leave").status_code == 303
    assert changed(first[1:]) is None
    put_aside(house, int(first[4]))
    assert changed(first[1:]) == "One line has changed."
    put_aside(house, int(first[6]), int(first[7]))
    assert changed(first[1:]) == "3 lines have changed."
    rest = listed(browser.get("/queue").text)
    assert changed(rest) is None
    # Somebody's snooze is over: a line more, in its place.
    with house.db.work() as uow:
        uow.session.get_one(Prospect, int(first[4])).snoozed_until = None
    assert changed(rest) == "One line has changed."
    assert changed([], "&tier=1") is None
    for odd in (["x"], ["9" * 5000], [""]):
        assert changed(odd) is None
    browser.headers["Accept-Language"] = "de"
    assert changed(rest) == "Eine Zeile hat sich geändert."


@pytest.mark.browser
def test_a_list_that_others_have_changed_says_so_and_stays(served: Served, chromium: Any) -> None:
    with browse(chromium, served) as page:
        at_first(page, served)
        before, first = page.evaluate(LISTED), item(page)
        note = page.locator("#stale")
        look = "document.dispatchEvent(new Event('visibilitychange'))"
        page.evaluate(look)
        page.wait_for_timeout(300)
        expect(note).to_be_hidden()
        put_aside(served, before[2], before[3])
        page.evaluate(look)
        expect(note).to_be_visible()
        assert note.inner_text().startswith("2 lines have changed.")
        assert (page.evaluate(LISTED), item(page)) == (before, first), "nothing moves under the cursor"
        # The list is asked for anew, and the open item stays open.
        note.get_by_role("link", name="Refresh").click()
        ready(page)
        assert item(page) == first
        assert page.evaluate(LISTED)[:4] == [before[0], before[1], *before[4:6]]
        # A decision of one's own is no change of others.
        followed(page)
        page.keyboard.press("s")
        page.keyboard.press("1")
        followed(page)
        page.evaluate(look)
        page.wait_for_timeout(300)
        expect(note).to_be_hidden()


def asleep(house: Any, number: int, *, on: bool) -> None:
    with house.db.work() as uow:
        row = uow.session.get_one(Triage, number)
        row.sleeps, row.due_at = on, uow.now() + timedelta(days=2 if on else 1)


def test_the_inbox_says_what_came_behind_its_last_line(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    waiting = listed(browser.get("/inbox").text)
    assert sorted(waiting) == ["1", "2"]

    def changed(shown: list[str], tab: str = "waiting") -> str:
        answer = browser.get(f"/inbox/changed?tab={tab}&shown={'.'.join(shown)}", headers={"X-Unattended": "1"})
        return str(answer.json()["words"])

    assert changed(waiting) == changed(listed(browser.get("/inbox?tab=done").text), "done") == ""
    # The list is shown to its end: what is due last is told, too, and so is the first that comes into an empty one.
    assert changed(waiting[:1]) == "One line has changed."
    assert changed([]) == "2 lines have changed."
    asleep(house, 1, on=True)
    assert changed(waiting) == "One line has changed."
    assert changed(["2"]) == ""
    assert changed(["x", "9" * 5000], "no-such-tab") == "One line has changed."


@pytest.mark.browser
def test_an_inbox_that_stands_open_says_that_something_came(served: Served, chromium: Any) -> None:
    asleep(served, 2, on=True)
    with browse(chromium, served) as page:
        look = "document.dispatchEvent(new Event('visibilitychange'))"
        page.goto(f"{served.url}/inbox")
        ready(page)
        note, refresh = page.locator("#stale"), page.locator("#stale").get_by_role("link", name="Refresh")
        page.evaluate(look)
        page.wait_for_timeout(300)
        expect(note).to_be_hidden()
        asleep(served, 2, on=False)
        page.evaluate(look)
        expect(note).to_be_visible()
        assert note.inner_text().startswith("One line has changed.")
        expect(page.locator("#messages > li")).to_have_count(1)
        assert refresh.get_attribute("href") == "/inbox?tab=waiting"
        # Whoever writes an answer goes on with it.
        page.keyboard.press("r")
        page.keyboard.type("Here it is.")
        page.evaluate(look)
        expect(refresh).to_have_attribute("href", "/inbox/1?tab=waiting")
        refresh.click()
        ready(page)
        expect(page.locator("#messages > li")).to_have_count(2)
        assert page.get_by_label("Answer").input_value() == "Here it is."


@pytest.mark.browser
def test_a_button_that_takes_its_time_says_so(served: Served, chromium: Any) -> None:
    with browse(chromium, served) as page:
        at_first(page, served)
        told: list[str] = []
        page.on("console", lambda line: told.append(line.text))
        for path, name in (("**/queue/*/choose", "Write it again"), ("**/queue/*/decide", "Save the text")):
            # The page tells by itself: whoever asks it would wait for the page that follows.
            page.evaluate(
                """new MutationObserver(() => {
                    const busy = document.querySelector("[aria-busy=true]")?.textContent;
                    console.log(`${busy} / ${document.querySelector("#said").textContent}`);
                }).observe(document.body, { subtree: true, childList: true, characterData: true })"""
            )
            held = slow(page, path)
            page.get_by_role("button", name=name).first.click(no_wait_after=True)
            until(lambda name=name: page.wait_for_timeout(50) is None and f"{name} Saving… / Saving…" in told)
            held[0].continue_()
            page.unroute(path)
            expect(page.locator(".saving")).to_have_count(0)
            ready(page)


@pytest.mark.browser
@pytest.mark.parametrize("how", ["typed", "previewed"])
def test_an_editor_with_a_text_that_is_not_saved_is_not_left_without_a_word(
    served: Served, chromium: Any, how: str
) -> None:
    with browse(chromium, served, email="lea@acme.test", role=Role.LEAD) as page:
        asked: list[str] = []
        page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.dismiss())
        page.goto(f"{served.url}/templates/unlinked-mention")
        ready(page)
        text = page.get_by_label("Message")
        kept = text.input_value()
        page.get_by_role("link", name="All templates").click()
        page.wait_for_url("**/templates")
        page.goto(f"{served.url}/templates/unlinked-mention")
        ready(page)
        text.fill(kept + "\nOne line more.")
        if how == "previewed":
            page.get_by_role("button", name="Preview").click()
            page.wait_for_load_state()
            ready(page)
            # A browser asks only those who have touched the page.
            page.get_by_role("heading", level=1).click()
        assert asked == []
        page.get_by_role("link", name="All templates").click(no_wait_after=True)
        page.wait_for_timeout(300)
        assert asked == ["beforeunload"]
        assert text.input_value() == kept + "\nOne line more."
        page.get_by_role("button", name="Save version").click()
        page.wait_for_url("**did=saved")
        ready(page)
        page.get_by_role("link", name="All templates").click()
        page.wait_for_url("**/templates")
        assert asked == ["beforeunload"]


def test_a_refused_version_shows_its_text_as_not_saved(house: House, ids: dict[str, int]) -> None:
    lead, viewer = house.browser(Role.LEAD), house.browser(Role.OUTREACH)
    path = "/templates/unlinked-mention"
    assert 'data-unsaved="no"' in lead.get(path).text
    mine = {"subject": "A line", "body_text": "A text of mine. {{ nobody }}", "after": "0", "case": "", "note": ""}
    refused = post(lead, path, **mine, do="save")
    assert refused.status_code in (409, 422)
    assert "A text of mine." in refused.text
    assert 'data-unsaved="yes"' in refused.text
    assert 'data-unsaved="no"' in post(viewer, path, **mine, do="preview").text
