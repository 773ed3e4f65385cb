"""The other mails to staff: who gets which, when, and each but once, by a real SMTP server, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.clock import FixedClock
from app.digest import content, notices, service
from app.domain.delivery import OutboundState
from app.domain.digest import DigestState, Kind
from app.errors import BadInput
from app.models import Inbound, InboundState, Link, LinkState, Mailbox, Role, Triage, User, UserSetting
from app.team import preferences
from tests.slices.test_digest import Desk, desk
from tests.support.campaign import Campaign
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
            stored_at=min(due_at, uow.now()),
        )
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(Triage(inbound_id=row.id, waits=True, due_at=due_at, late_at=max(due_at, row.stored_at)))
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


def an_unsure_mail(desk: Desk, written_at: datetime, domain: str) -> None:
    with desk.db.work() as uow:
        mailbox = uow.session.get(Mailbox, 1) or a_mailbox(uow)
        campaign = Campaign(uow, a_site(uow, name=f"Site {domain}", domains=[f"of-{domain}"]), mailbox)
        campaign.pitch(campaign.prospect(domain=domain), written_at, state=OutboundState.AMBIGUOUS)


def test_a_mail_that_stays_unsure_after_the_last_look_is_told_once(desk: Desk, clock: FixedClock) -> None:
    desk.wish(mail_late=True)
    clock.at = clock.at.replace(hour=3, minute=50)
    an_unsure_mail(desk, clock.now() - timedelta(days=3), "long-ago.test")
    an_unsure_mail(desk, clock.now() - timedelta(hours=23, minutes=58), "unsure.test")
    assert run(desk) == [], "the machine still looks for the one, and the other is no news"
    clock.advance(timedelta(minutes=3))
    assert run(desk) == ["Gapbridge: one mail may not have arrived"]
    text = desk.mails()[0].get_content()
    assert "https://gapbridge.acme.test/outbox?tab=ambiguous" in text
    assert "- unsure.test: s" in text
    assert "long-ago.test" not in text
    assert desk.rows()[-1].counts == {"count": 0, "unsure": 1}
    clock.advance(timedelta(hours=1))
    assert run(desk) == []
    a_reply(desk, clock.now() - timedelta(minutes=5))
    an_unsure_mail(desk, clock.now() - timedelta(hours=24, minutes=5), "another.test")
    assert run(desk) == ["Gapbridge: one message waits too long"]
    text = desk.mails()[-1].get_content()
    assert "Dana Ruiz" in text
    assert "- another.test: s" in text


def test_the_digest_counts_what_is_unsure(desk: Desk, clock: FixedClock) -> None:
    an_unsure_mail(desk, clock.now() - timedelta(days=3), "long-ago.test")
    an_unsure_mail(desk, clock.now() - timedelta(hours=3), "unsure.test")
    with desk.db.read() as look:
        told = content.collect(look.session, clock.now() - timedelta(days=1), clock.now())
    assert (told.unsure, told.is_empty) == (1, False)
    assert "https://gapbridge.acme.test/outbox?tab=ambiguous" in told.text("https://gapbridge.acme.test/")


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
    readers = {Role.OUTREACH, Role.LEAD, Role.OPERATOR}
    assert {
        Kind.REPLIES: readers,
        Kind.LATE: readers,
        Kind.LINKS: readers,
        Kind.MAILBOXES: {Role.OPERATOR},
    } == notices.TOLD_TO


def test_wishes_are_kept(desk: Desk) -> None:
    wanted = preferences.Preferences(mail_late=True, digest="weekly")
    with desk.db.work() as uow:
        assert preferences.of(preferences.save(uow, 1, wanted)) == wanted
        with pytest.raises(BadInput):
            preferences.save(uow, 1, preferences.Preferences(digest="yearly"))


def test_what_a_person_has_seen_is_never_less_than_before(desk: Desk) -> None:
    """Also for one without a row of settings, whose first two pages mark at once: the later mark holds."""
    now = desk.db.clock.now()
    with desk.db.work() as uow:
        uow.session.execute(delete(UserSetting))
    with desk.db.work() as uow:
        assert preferences.led_to_pause(uow, 1, 7)
        assert not preferences.led_to_pause(uow, 1, 7)
        for until in (now, now - timedelta(hours=1)):
            preferences.read_notices(uow, 1, until)
        assert preferences.led_to_pause(uow, 1, 8)
        assert not preferences.led_to_pause(uow, 1, 6)
    with desk.db.read() as uow:
        row = uow.session.get_one(UserSetting, 1)
        assert (row.notices_seen_at, row.pause_seen, preferences.of(row)) == (now, 8, preferences.Preferences())


def test_two_first_marks_at_once_are_both_kept(desk: Desk) -> None:
    with desk.db.work() as uow:
        uow.session.execute(delete(UserSetting))
    now, start = desk.db.clock.now(), threading.Barrier(4)

    def mark(minutes: int) -> None:
        start.wait()
        with desk.db.work() as uow:
            preferences.read_notices(uow, 1, now - timedelta(minutes=minutes))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(mark, range(4)))
    with desk.db.read() as uow:
        assert uow.session.get_one(UserSetting, 1).notices_seen_at == now


def a_lost_link(desk: Desk, domain: str, lost_at: datetime | None, **values: Any) -> int:
    with desk.db.work() as uow:
        site = a_site(uow, name=f"Site {domain}", domains=[f"ours-of-{domain}"])
        prospect = a_prospect(uow, site, domain, tier=values.pop("tier", 1))
        uow.session.add(
            Link(
                **{
                    "site_id": site.id,
                    "prospect_id": prospect.id,
                    "source_url": f"https://{domain}/page",
                    "state": LinkState.LOST,
                    "verified": True,
                    "first_seen_at": uow.now(),
                    "lost_at": lost_at,
                    **values,
                }
            )
        )
        return int(prospect.id)


def test_a_lost_link_of_tier_one_is_told_within_the_hour_and_once(desk: Desk, clock: FixedClock) -> None:
    desk.wish(mail_links=True)
    now = clock.now()
    number = a_lost_link(desk, "best.test", now - timedelta(minutes=5))
    a_lost_link(desk, "small.test", now - timedelta(minutes=5), tier=2)
    a_lost_link(desk, "word.test", now - timedelta(minutes=5), verified=False)
    a_lost_link(desk, "blocked.test", None, state=LinkState.UNKNOWN)
    a_lost_link(desk, "old.test", now - timedelta(days=2))
    assert run(desk) == ["Gapbridge: a link of tier 1 was lost"]
    text = desk.mails()[0].get_content()
    assert "- best.test: https://best.test/page (lost " in text
    assert f"https://gapbridge.acme.test/prospects/{number}" in text
    for other in ("small.test", "word.test", "blocked.test", "old.test"):
        assert other not in text
    clock.advance(timedelta(hours=2))
    assert run(desk) == [], "each link once"
    a_lost_link(desk, "next.test", clock.now())
    assert run(desk) == ["Gapbridge: a link of tier 1 was lost"]
    desk.wish(mail_links=False)
    a_lost_link(desk, "silent.test", clock.now())
    clock.advance(timedelta(hours=2))
    assert run(desk) == []


def test_an_hourly_digest_tells_each_hour_what_is_new(desk: Desk, clock: FixedClock) -> None:
    desk.wish(digest="hourly")
    clock.at = clock.at.replace(hour=3, minute=10)
    a_lost_link(desk, "night.test", clock.now() - timedelta(minutes=5))
    assert len(run(desk)) == 1, "at night, too"
    assert run(desk) == []
    clock.advance(timedelta(hours=1))
    assert run(desk) == [], "nothing new"
    clock.advance(timedelta(hours=1))
    a_lost_link(desk, "later.test", clock.now() - timedelta(minutes=1))
    assert len(run(desk)) == 1
    assert "night.test" not in desk.mails()[-1].get_content()
