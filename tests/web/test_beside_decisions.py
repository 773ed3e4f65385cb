"""What stands beside the decisions of the desk: the text that is written, the lane, the lists, and who is there at all."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.link_watch import DayState
from app.evidence import repository as evidence
from app.links import repository as links
from app.models import AngleEvidence, Link, LinkCheck, Prospect, Role, UserSession
from app.team import service as team
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.support.screen import browse, ready
from tests.support.world import a_site
from tests.web.conftest import Copies
from tests.web.test_foundation import TEMPLATES
from tests.web.test_pages import draft_form, post


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return furnish(house, more=3)


def test_a_text_that_is_being_written_outlives_whatever_is_decided_beside_it(house: House, ids: dict[str, int]) -> None:
    """The form that holds the text carries it, so a page without a script keeps it, too; a draft that nobody touched is not kept."""
    browser = house.browser(Role.LEAD)
    for path, more in (("skip", {"reason": "weak-site"}), ("snooze", {"preset": "tomorrow"}), ("leave", {})):
        number = ids[DOMAINS[0]]
        page = browser.get(f"/queue/{number}").text
        assert f'form="decide" formaction="/queue/{number}/{path}"' in page
        form = draft_form(page)
        assert post(browser, f"/queue/{number}/{path}", **form, **more).status_code == 303
        assert post(browser, "/queue/undo").status_code == 303
        assert "the text that you were writing" not in browser.get(f"/queue/{number}").text
        mine = {**form, "body_text": f"An hour of work, then {path}."}
        assert post(browser, f"/queue/{number}/{path}", **mine, **more).status_code == 303
        assert post(browser, "/queue/undo").status_code == 303
        page = browser.get(f"/queue/{number}").text
        assert f"An hour of work, then {path}." in page
        assert "the text that you were writing" in page
        post(browser, f"/queue/{number}/forget")
    # Enter in a field of the text presses the first button of its form, and in a day none of these.
    buttons = re.findall(r'<button[^>]* form="decide"[^>]*>', page)
    assert 'value="approve"' in buttons[0]
    assert f'<form method="post" action="/queue/{number}/snooze"' in page
    assert 'form="answer" formaction="/inbox/1/snooze"' in browser.get("/inbox/1").text


def test_the_day_of_a_refused_snooze_stands_in_its_field(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    for path in (f"/queue/{ids[DOMAINS[0]]}", "/inbox/1"):
        refused = post(browser, f"{path}/snooze", until="2020-01-31")
        assert refused.status_code == 422
        menu = refused.text.split('data-menu="h"')[1].split("</details>")[0]
        assert menu.partition(">")[0].endswith(" open")
        assert 'value="2020-01-31" aria-invalid="true"' in menu


def test_an_address_that_no_route_knows_still_knows_who_asks(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    post(browser, "/me", language="de", time_zone="UTC", density="comfortable", single_keys="on")
    page = browser.get("/no-such-page")
    assert page.status_code == 404
    assert "Diese Seite gibt es nicht." in page.text
    assert 'href="/pipeline"' in page.text
    assert 'href="/pipeline"' not in house.stranger().get("/no-such-page").text


def test_the_queue_stays_in_the_lane_of_a_site(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    assert 'id="f-lane"' not in browser.get("/queue").text
    with house.db.work() as uow:
        number = uow.session.get_one(Prospect, ids[DOMAINS[0]]).site_id
        a_site(uow, name="Other", domains=["other.test"])
    page = browser.get(f"/queue?site={number}").text
    assert f'<option value="{number}" selected>Acme' in page
    assert f'href="/queue?site={number}&amp;tier=2"' in page
    assert "<kbd>1</kbd>–<kbd>6</kbd>" in browser.get("/keys").text


def test_an_approval_says_when_it_may_leave(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    form = draft_form(browser.get(f"/queue/{number}").text)
    answer = post(browser, f"/queue/{number}/decide", do="approve", **form)
    assert "It leaves" in browser.get(answer.headers["location"]).text


def test_what_a_worker_was_asked_to_look_at_is_asked_for_until_it_is_done(house: House, ids: dict[str, int]) -> None:
    """The one row or part that waits asks again by itself, and stops when it is done; a link does the same by hand."""
    browser = house.browser(Role.OUTREACH)
    asks = 'hx-trigger="every 5s"'
    assert asks not in browser.get("/links").text
    assert post(browser, "/links/1/check", tab="all").status_code == 303
    page = browser.get("/links").text
    assert re.search(r'<tr id="l-1"[^>]*>', page)
    assert f'<tr hidden hx-get="/links/rows?tab=all&amp;ids=1" {asks}' in page
    assert 'action="/links/1/check"' not in page
    number = ids[DOMAINS[0]]
    assert asks not in browser.get(f"/queue/{number}").text
    assert post(browser, f"/queue/{number}/look").status_code == 303
    for path in (f"/queue/{number}", f"/prospects/{number}"):
        page = browser.get(path).text
        assert f'<section id="reasons" hx-get="{path}" {asks}' in page
        assert f'action="/queue/{number}/look"' not in page
    with house.db.work() as uow:
        uow.session.get_one(Link, 1).check_due_at = uow.now() + timedelta(days=1)
        row = uow.session.execute(select(AngleEvidence).where(AngleEvidence.prospect_id == number)).scalar_one()
        row.due_at = None
    assert [path for path in ("/links", f"/queue/{number}") if asks in browser.get(path).text] == []


def test_what_is_waited_for_is_over_when_it_is_recorded_and_not_when_a_worker_begins(
    house: House, ids: dict[str, int]
) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    waits = {
        "/links": "waits for a look",
        f"/queue/{number}": "are being read",
        f"/prospects/{number}": "are being read",
    }
    post(browser, "/links/1/check", tab="all")
    post(browser, f"/queue/{number}/look")
    with house.db.work() as uow:
        now = uow.now()
        assert links.claim(uow.session, 1, now, now + timedelta(minutes=15))
        assert evidence.claim(uow.session, number, now, now + timedelta(minutes=15))
    for path, words in waits.items():
        assert words in browser.get(path).text, path
    with house.db.work() as uow:
        uow.session.get_one(Link, 1).check_due_at = uow.now() + timedelta(hours=1)
        row = uow.session.execute(select(AngleEvidence).where(AngleEvidence.prospect_id == number)).scalar_one()
        row.due_at = uow.now() + timedelta(days=1)
    assert [path for path, words in waits.items() if words in browser.get(path).text] == []


def test_rows_that_wait_are_asked_for_at_once_and_leave_with_the_last(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    with house.db.work() as uow:
        first = uow.session.get_one(Link, 1)
        kept = {name: getattr(first, name) for name in ("site_id", "prospect_id", "state", "verified", "first_seen_at")}
        more = Link(**kept, source_url="https://won.test/other", check_due_at=uow.now())
        uow.session.add(more)
        first.check_due_at = uow.now()
        uow.session.flush()
        other = more.id
    htmx = {"HX-Request": "true"}
    page = browser.get("/links?tab=live").text
    asked = re.findall(r'hx-get="([^"]*)" hx-trigger="every', page)
    assert [html.unescape(one) for one in asked] == [f"/links/rows?tab=live&ids={other}.1"]
    rows = browser.get(html.unescape(asked[0]), headers=htmx).text
    assert re.findall(r'<tr id="l-(\d+)"[^>]* hx-swap-oob="true"', rows) == [str(other), "1"]
    assert f"ids={other}.1" in rows
    with house.db.work() as uow:
        uow.session.get_one(Link, 1).check_due_at = uow.now() + timedelta(days=1)
    assert f"ids={other}&#34;" not in (rows := browser.get(html.unescape(asked[0]), headers=htmx).text)
    assert f'ids={other}"' in rows
    with house.db.work() as uow:
        uow.session.get_one(Link, other).check_due_at = uow.now() + timedelta(days=1)
    rows = browser.get(html.unescape(asked[0]), headers=htmx).text
    assert rows.count("<tr") == 2, "no line asks any more"
    for nothing in ("/links/rows", "/links/rows?ids=", "/links/rows?ids=x.0." + "9" * 5000):
        assert "<tr" not in browser.get(nothing, headers=htmx).text
        assert browser.get(nothing).headers["location"] == "/links?tab=all"


def test_what_a_page_asks_for_by_itself_keeps_no_session_alive(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    paths = ("/links/rows?ids=1", f"/queue/{number}", f"/prospects/{number}", "/imports/jobs/1", "/imports/web-graph")
    house.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]

    def seen() -> set[datetime]:
        with house.db.read() as uow:
            return set(uow.session.execute(select(UserSession.seen_at)).scalars())

    before = seen()
    for path in paths:
        browser.get(path, headers={"X-Unattended": "1"})
        assert house.stranger().get(path, headers={"X-Unattended": "1"}).status_code == 204, "no page to sign in at"
    assert seen() == before
    # What somebody sends is something that somebody does, whatever it says of itself.
    browser.post("/queue/undo", headers={"X-Unattended": "1"})
    assert seen() != before
    for template in sorted(TEMPLATES.rglob("*.html")):
        assert template.name == "parts.html" or not re.search("hx-trigger=.every", template.read_text("utf-8")), (
            template
        )


def test_the_rows_that_wait_are_shown_anew_in_the_page(copies: Copies, tmp_path: Path, chromium: Any) -> None:
    with copies(tmp_path) as house:
        with house.db.work() as uow:
            uow.session.get_one(Link, 1).check_due_at = uow.now()
        with browse(chromium, house) as page:
            page.goto(f"{house.url}/links")
            ready(page)
            page.locator("#look-1").focus()
            assert "waits for a look" in page.locator("#l-1").inner_text()
            with house.db.work() as uow:
                uow.session.get_one(Link, 1).check_due_at = uow.now() + timedelta(days=1)
            page.locator("#l-1").get_by_role("button", name="Recheck").wait_for(timeout=15_000)
            assert page.locator("#link-rows tr[hidden]").count() == 0
            assert page.evaluate("document.activeElement.id") == "look-1", "where the focus was, it is"


def test_who_asks_is_found_out_once(house: House, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    resume = team.resume
    monkeypatch.setattr(team, "resume", lambda *given, **more: asked.append(given) or resume(*given, **more))
    # No number: a route has taken the request and found nobody behind it. No such page: no route has.
    for turn, path in enumerate(("/queue/none", "/none"), 1):
        assert house.stranger().get(path).status_code == 404
        assert len(asked) == turn, path


def test_equal_looks_at_a_link_are_one_line(house: House, ids: dict[str, int]) -> None:
    with house.db.work() as uow:
        link = uow.session.get_one(Link, 1)
        number = link.prospect_id
        for day, verdict in enumerate(("linked", "linked", "linked", "no-mention", "linked")):
            at = uow.now() + timedelta(days=day)
            state = DayState.LIVE if verdict == "linked" else DayState.MISSING
            uow.session.add(LinkCheck(link_id=1, verdict=verdict, good_fetch=True, state=state, at=at))
    page = house.browser(Role.OUTREACH).get(f"/prospects/{number}").text
    assert page.count("Link checked:") == 3
    assert "3 times" in page


def test_every_list_can_be_walked(house: House, ids: dict[str, int]) -> None:
    """The list of keys promises j and k everywhere: they walk what is marked as a row."""
    browser = house.browser(Role.OPERATOR)
    post(browser, "/suppression", kind="domain", value="never.test", reason="asked")
    pages = (
        "/queue",
        "/inbox",
        "/outbox?tab=sent",
        "/links",
        "/gap",
        "/pipeline?view=table",
        "/imports",
        "/suppression",
        "/audit",
    )
    assert [path for path in pages if "data-row=" not in browser.get(path).text] == []
