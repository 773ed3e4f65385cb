"""The board: every move of the table that a person may make, by menu and keyboard, with and without script."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.domain.delivery import OutboundState
from app.domain.pipeline import TRANSITIONS, Event, LostReason, Stage
from app.models import DomainLease, Outbound, Prospect, Role, StageEvent
from app.prospects import service as prospects
from app.reports import pipeline
from app.team import users
from tests.support.campaign import Campaign
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.support.screen import Served, browse, ready
from tests.support.world import a_mailbox, a_prospect, a_site
from tests.web.test_access import csrf_of
from tests.web.test_pages import draft_form, post


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
    assert "it stands at “lost” now, where giving up is not possible" in again.text
    post(browser, f"/pipeline/{number}/move", to="reopen", why="they wrote")
    # Its pages were looked at before: it can be worked on at once.
    assert stage_of(house, number) is Stage.CHECKED_MENTION
    assert "approved" in browser.get("/pipeline?badge=approved&view=table").text
    assert 'name="to"' not in house.browser(Role.VIEWER).get("/pipeline").text


def test_a_card_says_whose_pitch_it_is_and_each_persons_are_found(house: House) -> None:
    ids = furnish(house)
    outreach, lead = house.browser(Role.OUTREACH), house.browser(Role.LEAD)
    mine, theirs = (ids[name] for name in DOMAINS[:2])
    for browser, number in ((outreach, mine), (outreach, theirs), (lead, theirs)):
        form = draft_form(browser.get(f"/queue/{number}").text)
        assert post(browser, f"/queue/{number}/decide", do="approve", **form).status_code == 303
        if browser is outreach and number == theirs:
            # What was taken back is nobody's, until somebody else approves it.
            assert post(outreach, "/queue/undo").status_code == 303
            assert post(outreach, f"/queue/{number}/leave").status_code == 303
    with house.db.work() as uow:
        uow.session.execute(delete(DomainLease))
        people = {one.email: one for one in users.list_users(uow)}
    me, her = people["outreach@acme.test"], people["lead@acme.test"]

    def cards(query: str) -> dict[int, str]:
        page = html.unescape(lead.get(f"/pipeline?{query}").text)
        return {
            int(number): card
            for number, card in re.findall(r'<h3><a href="/prospects/(\d+)"(.*?)</article>', page, re.S)
        }

    shown = cards("")
    assert (f"· {me.name}" in shown[mine], f"· {her.name}" in shown[theirs]) == (True, True)
    assert set(cards(f"person={me.id}")) == {mine}
    assert set(cards(f"person={her.id}")) == {theirs}
    assert set(cards("person=x")) == set(shown)
    table = lead.get(f"/pipeline?view=table&person={her.id}").text
    assert re.findall(r'<tr data-row="(\d+)"', table) == [str(theirs)]
    assert f"<td>{her.name}</td>" in table
    assert f'name="person" value="{her.id}"' in table, "a move stays in the filter"
    # While somebody has a domain open, that one is named.
    assert post(outreach, f"/queue/{theirs}/hold").status_code == 200
    assert f"· {me.name} has this" in cards("")[theirs]


def test_a_move_is_taken_back_before_the_decision_that_came_before_it(house: House) -> None:
    """The last decision is the last one, wherever it was made; what cannot be taken back says so once."""
    ids = furnish(house)
    browser = house.browser(Role.OUTREACH)
    approved, moved = ids[DOMAINS[0]], ids[DOMAINS[1]]
    form = draft_form(browser.get(f"/queue/{approved}").text)
    assert post(browser, f"/queue/{approved}/decide", do="approve", **form).status_code == 303

    def back(at: str = "/queue/undo") -> str:
        return str(post(browser, at).headers["location"])

    def waits() -> bool:
        with house.db.read() as uow:
            statement = select(Outbound.state).where(Outbound.prospect_id == approved)
            return uow.session.execute(statement).scalar_one() is OutboundState.QUEUED

    undo = 'action="/queue/undo"'
    for where, fields in ((f"/pipeline/{moved}/move", {"to": "give_up"}), (f"/prospects/{moved}/give-up", {})):
        done = post(browser, where, reason="weak-site", **fields).headers["location"]
        assert stage_of(house, moved) is Stage.LOST
        assert undo in browser.get(done).text.partition("<main")[2]
        assert back() == f"/prospects/{moved}?did=undone"
        assert (stage_of(house, moved), waits()) == (Stage.CHECKED_MENTION, True)
    # A reopening goes back to lost, and only then the loss before it.
    post(browser, f"/prospects/{moved}/give-up", reason="weak-site")
    done = post(browser, f"/prospects/{moved}/reopen", why="they wrote").headers["location"]
    assert undo in browser.get(done).text.partition("<main")[2]
    assert back("/inbox/undo") == f"/prospects/{moved}?did=undone"
    assert stage_of(house, moved) is Stage.LOST
    back()
    assert stage_of(house, moved) is Stage.CHECKED_MENTION
    # What has moved on since stays where it is.
    post(browser, f"/prospects/{moved}/give-up", reason="weak-site")
    with house.db.work() as uow:
        prospects.reopen(uow, moved, "put back", actor="ben")
    assert "did=final" in back()
    assert stage_of(house, moved) is Stage.PROSPECT
    # A win that was vouched for stays won, says so, and leaves the way to the decision before it.
    done = post(browser, f"/pipeline/{moved}/move", to="link_seen", url=f"https://{DOMAINS[1]}/a", why="print").headers[
        "location"
    ]
    assert undo not in browser.get(done).text.partition("<main")[2]
    assert "vouched for by hand and cannot be taken back" in browser.get(back()).text
    assert (stage_of(house, moved), waits()) == (Stage.WON, True)
    assert back() == f"/queue/{approved}?did=undone&about={approved}"
    assert not waits()


def test_a_refused_move_keeps_what_was_typed_and_leads_to_its_field(house: House) -> None:
    ids = furnish(house)
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    for view in ("", "table"):
        sent = {"to": "link_seen", "id": str(number), "url": "https://x.test/a", "view": view}
        page = post(browser, f"/pipeline/{number}/move", **sent).text
        field = f"f-why-link_seen-{number}"
        assert f'<a href="#{field}">Say why</a>' in page
        assert re.search(f'id="{field}"[^>]* aria-invalid="true"', page)
        card = page.split(f'href="/prospects/{number}"')[1].split("</details>")[0]
        assert '<details class="menu move" open>' in card
        assert f'id="f-url-link_seen-{number}" name="url" type="url" value="https://x.test/a"' in card
        # What was typed into one card stands in no other, and no id stands twice.
        assert page.count('value="https://x.test/a"') == 1
    post(browser, f"/pipeline/{number}/move", to="give_up", reason="weak-site")
    page = post(browser, f"/pipeline/{number}/move", to="reopen", id=str(number)).text
    assert f'<a href="#f-why-reopen-{number}">Say why</a>' in page
    marks = re.findall(r' id="(f-[^"]+)"', page)
    assert len(marks) == len(set(marks))


def test_an_import_does_not_make_a_card_young_again(house: House) -> None:
    with house.db.work() as uow:
        now, site = uow.now(), a_site(uow)
        row = a_prospect(uow, site, "old.test", tier=2, rank_key="2")
        row.created_at = now - timedelta(days=40)
        uow.session.flush()
        prospects.give_up(uow, row.id, LostReason.WEAK_SITE, actor="ana")
    with house.db.work() as uow:
        moved = uow.session.execute(select(StageEvent)).scalars().one().at
        uow.session.execute(update(Prospect).values(updated_at=now + timedelta(days=30)))
    with house.db.read() as uow:
        card = pipeline.cards(uow)[Stage.LOST][0]
        assert card["since"] == moved
        assert pipeline.table(uow)[0][0]["since"] == moved


def test_the_table_is_walked_to_its_end(house: House) -> None:
    """Every prospect once, stage by stage, over pages of twenty-five; each page costs the same."""
    with house.db.work() as uow:
        site = a_site(uow)
        for number in range(230):
            stage = (Stage.PROSPECT, Stage.CHECKED_MENTION, Stage.LOST)[number % 3]
            # Half of them share a key, so that the id has to tell them apart.
            a_prospect(uow, site, f"p-{number:03}.test", stage=stage, tier=2, rank_key=f"2{number % 4}")
    browser = house.browser(Role.OUTREACH)

    def walk(address: str) -> list[list[tuple[str, str]]]:
        found = []
        while address:
            page = browser.get(address).text
            found.append(re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a></th><td>([\w-]+)', page))
            onward = re.search(r'class="more" id="more"><a class="button" href="([^"]+)"', page)
            address = html.unescape(onward[1]) if onward else ""
        return found

    pages = walk("/pipeline?view=table")
    assert [len(page) for page in pages] == [25] * 9 + [5]
    whole = [line for page in pages for line in page]
    assert len(set(whole)) == 230
    stages = [stage for _domain, stage in whole]
    assert stages == sorted(stages, key=["prospect", "checked-mention", "lost"].index)
    lost = walk("/pipeline?view=table&stage=lost")
    assert [stage for page in lost for _domain, stage in page] == ["lost"] * 76
    for nonsense in ("x", "lost.%00.1", "lost.1.x", "won", "sold.1.1"):
        assert browser.get(f"/pipeline?view=table&after={nonsense}").status_code == 200, nonsense
    assert "No link yet." in browser.get("/pipeline?view=table&stage=won").text


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
        # Esc closes it, also from inside a field, and the focus goes back to where it was opened.
        page.keyboard.press("Escape")
        assert menu.evaluate("summary => [summary.parentElement.open, document.activeElement === summary]") == [
            False,
            True,
        ]
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("w")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**did=moved**")
    assert stage_of(served_module, number) is Stage.LOST


def test_the_filter_by_person_shows_what_the_cards_call_theirs(house: House) -> None:
    """The newest pitch says whose it is: a former one of somebody else does not."""
    with house.db.work() as uow:
        campaign = Campaign(uow, a_site(uow), a_mailbox(uow))
        prospect = campaign.prospect(domain="shared.test")
        campaign.pitch(prospect, uow.now())
        campaign.pitch(prospect, uow.now()).approved_by = "ben@acme.test"
    with house.db.read() as uow:
        [card] = [one for cards in pipeline.cards(uow).values() for one in cards]
        assert card["owner"] == "ben@acme.test"
        assert sum(pipeline.counts(uow, owner="ben@acme.test").values()) == 1
        assert sum(pipeline.counts(uow, owner="ana@acme.test").values()) == 0


def test_a_win_by_hand_is_a_page_of_theirs(house: House) -> None:
    number = furnish(house)[DOMAINS[0]]
    browser = house.browser(Role.OUTREACH)
    win = {"to": "link_seen", "id": str(number), "why": "it is in their menu"}
    refused = post(browser, f"/pipeline/{number}/move", **win, url="https://elsewhere.test/page")
    assert (refused.status_code, f'href="#f-url-link_seen-{number}"' in refused.text) == (422, True)
    assert f"Enter an address on {DOMAINS[0]}" in refused.text
    assert stage_of(house, number) is not Stage.WON
    post(browser, f"/pipeline/{number}/move", **win, url=f"https://{DOMAINS[0]}/page")
    assert stage_of(house, number) is Stage.WON


def test_a_refused_move_leads_back_to_the_page_of_its_form(house: House) -> None:
    """The address of the answer takes forms only: the button for the theme, and the sign-in, may not lead there."""
    move = f"/pipeline/{furnish(house)[DOMAINS[0]]}/move"
    browser, at = house.browser(Role.OUTREACH), "http://127.0.0.1:8321"
    form = {"csrf": csrf_of(browser.get("/pipeline")), "to": "give_up"}
    for referer, back in (
        (f"{at}/pipeline?tier=1&did=moved", "/pipeline?tier=1"),
        (f"{at}{move}", "/"),
        ("http://elsewhere.test/pipeline", "/"),
        (None, "/"),
    ):
        refused = browser.post(move, data=form, headers={"referer": referer} if referer else {})
        assert (refused.status_code, f'name="back" value="{back}"' in refused.text) == (422, True), referer
    gone = house.stranger()
    for referer, link in ((f"{at}{move}", "/signin"), (f"{at}/pipeline?tier=1", "/signin?next=/pipeline%3Ftier%3D1")):
        assert gone.post(move, data=form, headers={"referer": referer}).headers["location"] == link


def test_what_a_colleague_is_writing_to_is_not_given_up_beside_them(house: House) -> None:
    number = furnish(house)[DOMAINS[0]]
    outreach, lead = house.browser(Role.OUTREACH), house.browser(Role.LEAD)
    assert post(outreach, f"/queue/{number}/hold").status_code == 200
    for path, form in (
        (f"/pipeline/{number}/move", {"to": "give_up"}),
        (f"/prospects/{number}/give-up", {}),
    ):
        refused = post(lead, path, reason="weak-site", **form)
        assert (refused.status_code, f"works on {DOMAINS[0]} now" in refused.text) == (409, True), path
    assert stage_of(house, number) is Stage.CHECKED_MENTION
    assert post(outreach, f"/prospects/{number}/give-up", reason="weak-site").status_code == 303
