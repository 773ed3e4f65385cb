"""The notices in the pages: who is told what, what is unread, and that reading them is one person's own."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event

from app.clock import FixedClock
from app.models import Inbound, InboundState, Link, LinkState, Mailbox, Role, Triage
from tests.support.http import House
from tests.support.world import a_mailbox, a_prospect, a_site
from tests.web.test_access import csrf_of


def a_late_reply(house: House, due_at: datetime, who: str) -> None:
    with house.db.work() as uow:
        mailbox = uow.session.get(Mailbox, 1) or a_mailbox(uow)
        prospect = a_prospect(uow, a_site(uow, name=f"Site of {who}"), f"{who.lower()}.test")
        row = Inbound(
            mailbox_id=mailbox.id, content_key=who, state=InboundState.DONE, size=1, from_name=who,
            from_address=f"{who.lower()}@x.test", prospect_id=prospect.id, stored_at=uow.now(),
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(Triage(inbound_id=row.id, waits=True, due_at=due_at, late_at=max(due_at, row.stored_at)))


def a_lost_link(house: House, tier: int, domain: str) -> None:
    with house.db.work() as uow:
        prospect = a_prospect(uow, a_site(uow, name=f"Site of {domain}"), domain, tier=tier)
        uow.session.add(
            Link(
                site_id=prospect.site_id, prospect_id=prospect.id, source_url=f"https://{domain}/x", verified=True,
                state=LinkState.LOST, lost_at=uow.now(), first_seen_at=uow.now(),
            )
        )  # fmt: skip


def unread(browser: Any) -> str:
    found = re.search(
        r'href="/notices"[^>]*>.*?</svg>(?: <span class="count">(\d+)</span>)?</a>', browser.get("/pipeline").text
    )
    assert found
    assert browser.get("/live").json()["/notices"] == (found[1] or "")
    return found[1] or ""


def read_all(browser: Any, clock: FixedClock) -> None:
    until = re.search(r'name="until" value="([^"]+)"', browser.get("/notices").text)
    assert until
    clock.advance(timedelta(minutes=5))
    answer = browser.post("/notices/read", data={"csrf": csrf_of(browser.get("/")), "until": until[1]})
    assert answer.headers["location"] == "/notices?did=read"


def test_each_is_told_what_concerns_them_and_reads_it_alone(house: House, clock: FixedClock) -> None:
    ana, boss, viewer = (house.browser(role) for role in (Role.OUTREACH, Role.OPERATOR, Role.VIEWER))
    assert "Nothing to tell you." in ana.get("/notices").text
    a_late_reply(house, clock.now() + timedelta(hours=1), "Dana")
    assert unread(ana) == "", "its time has not run out"
    a_lost_link(house, 2, "small.test")
    assert unread(ana) == ""
    clock.advance(timedelta(hours=2))
    a_lost_link(house, 1, "big.test")
    with house.db.work() as uow:
        uow.session.get_one(Mailbox, 1).paused_reason = "the sign-in was refused"
    assert (unread(ana), unread(boss), unread(viewer)) == ("2", "3", "")
    page = ana.get("/notices").text
    assert re.search(r'href="/inbox/1">Dana</a></span><span class="tag warn">new', page)
    assert "https://big.test/x" in page
    assert "small.test" not in page
    assert "sign-in was refused" not in page
    assert page.index("big.test") < page.index("Dana"), "the newest first"
    assert "Dana" not in viewer.get("/notices").text

    read_all(ana, clock)
    assert (unread(ana), unread(boss)) == ("", "3")
    assert 'tag tier3">read' in ana.get("/notices").text
    read_all(boss, clock)
    assert unread(boss) == "1", "a mailbox counts until it works again"
    a_late_reply(house, clock.now() - timedelta(minutes=1), "Tom")
    assert (unread(ana), unread(boss)) == ("1", "2")
    with house.db.work() as uow:
        uow.session.get_one(Mailbox, 1).paused_reason = None
        uow.session.get_one(Triage, 2).waits = False
    assert (unread(ana), unread(boss)) == ("", "")
    assert "Tom" not in ana.get("/notices").text, "it was dealt with"
    for text in ("", "yesterday", "2026-01-01T00:00:00"):
        assert ana.post("/notices/read", data={"csrf": csrf_of(ana.get("/")), "until": text}).status_code == 422


def test_what_comes_while_the_list_is_open_stays_unread(house: House, clock: FixedClock) -> None:
    """Marking up to the future is marking up to now; marking up to an earlier moment takes nothing back."""
    ana = house.browser(Role.OUTREACH)
    token = csrf_of(ana.get("/"))
    a_late_reply(house, clock.now() - timedelta(minutes=1), "Dana")
    ana.post("/notices/read", data={"csrf": token, "until": (clock.now() + timedelta(days=9)).isoformat()})
    ana.post("/notices/read", data={"csrf": token, "until": (clock.now() - timedelta(days=9)).isoformat()})
    assert unread(ana) == ""
    clock.advance(timedelta(minutes=5))
    a_lost_link(house, 1, "big.test")
    assert unread(ana) == "1"


def test_what_was_late_before_it_could_be_read_is_new(house: House, clock: FixedClock) -> None:
    """A mailbox that could not be read brings messages whose time ran out before anybody looked at the list."""
    ana = house.browser(Role.OUTREACH)
    a_lost_link(house, 1, "big.test")
    read_all(ana, clock)
    a_late_reply(house, clock.now() - timedelta(hours=3), "Dana")
    assert unread(ana) == "1"
    assert 'tag warn">new' in ana.get("/notices").text
    read_all(ana, clock)
    assert unread(ana) == ""


def test_the_count_reads_no_mail(house: House, clock: FixedClock) -> None:
    """A row of `inbound` holds the bytes of the mail, and every page and every look of an open one counts."""
    ana = house.browser(Role.OUTREACH)
    a_late_reply(house, clock.now() - timedelta(hours=3), "Dana")
    asked: list[str] = []
    event.listen(house.db.read_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert ana.get("/live").json()["/notices"] == "1"
    [counted] = [one for one in asked if "late_at" in one]
    assert not re.search(r"(FROM|JOIN) inbound\b", counted)
