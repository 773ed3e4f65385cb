"""The other mails to staff: who gets which, when, and each but once, by a real SMTP server, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from app.clock import FixedClock
from app.digest import notices, service
from app.domain.digest import DigestState, Kind
from app.errors import BadInput
from app.models import Inbound, InboundState, Mailbox, Role, Triage, User
from app.team import preferences
from app.team.principal import ROLE_SCOPES
from tests.slices.test_digest import Desk, desk
from tests.support.world import a_mailbox, a_prospect, a_site

__all__ = ["desk"]


@pytest.fixture(autouse=True)
def _no_digest(desk: Desk) -> None:
    desk.wish(digest="off")


def a_reply(desk: Desk, due_at: datetime, who: str = "Dana Ruiz") -> int:
    with desk.db.work() as uow:
        mailbox = uow.session.get(Mailbox, 1) or a_mailbox(uow)
        number = len(desk.rows()) + int(due_at.timestamp())
        prospect = a_prospect(uow, a_site(uow, name=f"Site {who} {number}"), f"{who.split(maxsplit=1)[0].lower()}.test")
        row = Inbound(
            mailbox_id=mailbox.id,
            content_key=f"{who}{number}",
            state=InboundState.DONE,
            size=1,
            from_address=f"{who.split(maxsplit=1)[0].lower()}@x.test",
            from_name=who,
            prospect_id=prospect.id,
            stored_at=uow.now(),
        )
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(Triage(inbound_id=row.id, waits=True, due_at=due_at))
        return int(row.id)


def run(desk: Desk) -> list[str]:
    """What a look of the clock sends: the subjects."""
    before = len(desk.mails())
    # In a thread, as workers do: a browser of other tests may keep a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda user_id: service.send(desk, user_id), desk.due()))
    return [str(mail["Subject"]) for mail in desk.mails()[before:]]


def test_replies_that_wait_are_told_each_morning(desk: Desk, clock: FixedClock) -> None:
    desk.wish(mail_replies=True)
    clock.at = clock.at.replace(hour=6, minute=59)
    first = a_reply(desk, clock.now() + timedelta(hours=3))
    a_reply(desk, clock.now() + timedelta(hours=5), "Eve Stone")
    assert run(desk) == []
    clock.advance(timedelta(minutes=1))
    assert run(desk) == ["Gapbridge: 2 replies wait"]
    assert run(desk) == [], "once for a day"
    text = desk.mails()[0].get_content()
    assert "- Dana Ruiz: dana.test (due " in text
    assert f"https://gapbridge.acme.test/inbox/{first}" in text
    assert text.index("Dana") < text.index("Eve")
    assert "Dana" not in str(desk.rows()[0].counts)
    with desk.db.work() as uow:
        uow.session.execute(update(Triage).values(waits=False))
    clock.advance(timedelta(days=1))
    assert run(desk) == []
    assert [row.state for row in desk.rows()] == [DigestState.SENT, DigestState.EMPTY]


def test_what_is_late_is_told_once_and_at_most_once_an_hour(desk: Desk, clock: FixedClock) -> None:
    desk.wish(mail_late=True)
    clock.at = clock.at.replace(hour=3, minute=50)
    a_reply(desk, clock.now() - timedelta(days=2), "Old One")
    a_reply(desk, clock.now() + timedelta(minutes=5))
    a_reply(desk, clock.now() + timedelta(minutes=8), "Eve Stone")
    assert run(desk) == [], "not late yet, and what was late before somebody asked for it is no news"
    assert desk.rows() == [], "an hour without news leaves no row"
    clock.advance(timedelta(minutes=6))
    assert run(desk) == ["Gapbridge: one message waits too long"]
    clock.advance(timedelta(minutes=3))
    assert run(desk) == [], "once an hour"
    clock.advance(timedelta(minutes=1))
    assert run(desk) == ["Gapbridge: one message waits too long"]
    assert ["Dana" in mail.get_content() for mail in desk.mails()] == [True, False]
    clock.advance(timedelta(hours=1))
    assert run(desk) == []


def test_a_mailbox_that_needs_somebody_is_told_to_operators_at_once_and_daily(desk: Desk, clock: FixedClock) -> None:
    desk.wish(mail_mailboxes=True)
    clock.at = clock.at.replace(hour=22)
    with desk.db.work() as uow:
        box = a_mailbox(uow)
        box.paused_reason, box.paused_until = "5.7.1 policy", uow.now() + timedelta(hours=1)
        box.poll_error, box.poll_failures = "the connection was refused", 2
    with desk.db.work() as uow:
        uow.session.get_one(User, 1).role = Role.OPERATOR
    assert run(desk) == [], "it goes on by itself"
    with desk.db.work() as uow:
        uow.session.get_one(Mailbox, box.id).paused_until = None
    with desk.db.work() as uow:
        uow.session.get_one(User, 1).role = Role.LEAD
    assert run(desk) == [], "a lead cannot mend it"
    with desk.db.work() as uow:
        uow.session.get_one(User, 1).role = Role.OPERATOR
    assert run(desk) == ["Gapbridge: a mailbox needs you"]
    assert f"5.7.1 policy\r\n  https://gapbridge.acme.test/mailboxes/{box.id}" in desk.mails()[0].get_content()
    clock.advance(timedelta(hours=8))
    assert run(desk) == []
    clock.advance(timedelta(hours=1))
    assert run(desk) == ["Gapbridge: a mailbox needs you"], "seven o'clock"
    with desk.db.work() as uow:
        uow.session.get_one(Mailbox, box.id).active = False
    clock.advance(timedelta(days=1))
    assert run(desk) == []


def test_kinds_do_not_stand_in_each_others_way_and_eight_workers_send_each_once(desk: Desk, clock: FixedClock) -> None:
    desk.wish(digest="daily", mail_replies=True, mail_late=True)
    desk.change()
    a_reply(desk, clock.now() - timedelta(minutes=1))
    ready = threading.Barrier(8)

    def go() -> None:
        ready.wait()
        service.send(desk, 1)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.kind for row in desk.rows()) == [Kind.DIGEST, Kind.LATE, Kind.REPLIES]
    assert len(desk.mails()) == 3
    assert desk.due() == []


def test_roles_are_told_what_they_may_see() -> None:
    for kind, scope in (
        (Kind.REPLIES, "messages:read"),
        (Kind.LATE, "messages:read"),
        (Kind.MAILBOXES, "mailboxes:write"),
    ):
        assert {role for role in Role if scope in ROLE_SCOPES[role]} == notices.TOLD_TO[kind]


def test_wishes_are_kept(desk: Desk) -> None:
    wanted = preferences.Preferences(mail_late=True, digest="weekly")
    with desk.db.work() as uow:
        assert preferences.of(preferences.save(uow, 1, wanted)) == wanted
        with pytest.raises(BadInput):
            preferences.save(uow, 1, preferences.Preferences(digest="hourly"))
