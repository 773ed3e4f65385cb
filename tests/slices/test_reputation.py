"""Too many bad addresses, complaints or refusals stop a mailbox, exactly, until a person lets it go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.reputation import Incident, Limits, judge
from app.inbox.deps import InboxDeps
from app.inbox.parser import MailParser
from app.jobs import RecordingDispatcher
from app.mail import accounts, reputation
from app.models import Mailbox, MailboxIncident, MailboxPause, Outbound
from app.outbox import repository as outbox_repository
from app.outbox import service as outbox
from app.settings import Settings
from tests.slices.test_inbox_acting import World, _no_network
from tests.slices.test_inbox_acting import parser as parser  # noqa: PLC0414 -- a fixture
from tests.slices.test_outbox import World as Outbox
from tests.support.letters import complaint, report
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_mailbox, a_site

LIMITS = Limits(0.02, 0.001, 3, 100, timedelta(days=14))


@pytest.mark.parametrize(
    ("counts", "sends", "kind"),
    [
        ({}, 10_000, None),
        ({Incident.HARD_BOUNCE: 1}, 100, None),
        ({Incident.HARD_BOUNCE: 2}, 100, Incident.HARD_BOUNCE),
        ({Incident.HARD_BOUNCE: 99}, 99, None),  # below the floor
        ({Incident.HARD_BOUNCE: 3}, 151, None),
        ({Incident.HARD_BOUNCE: 3}, 150, Incident.HARD_BOUNCE),
        ({Incident.COMPLAINT: 1}, 1_000, Incident.COMPLAINT),
        ({Incident.COMPLAINT: 1}, 1_001, None),
        ({Incident.COMPLAINT: 3}, 3_000, Incident.COMPLAINT),
        ({Incident.POLICY: 2}, 1, None),
        ({Incident.POLICY: 3}, 0, Incident.POLICY),
        ({Incident.POLICY: 3, Incident.COMPLAINT: 1, Incident.HARD_BOUNCE: 50}, 200, Incident.COMPLAINT),
    ],
)
def test_the_arithmetic(counts: dict[Incident, int], sends: int, kind: Incident | None) -> None:
    stop = judge(counts, sends, LIMITS)
    assert (stop.kind if stop else None) is kind
    if stop is not None:
        assert "resume the mailbox" in stop.sentence


@pytest.fixture
def limits(settings: Settings) -> Settings:
    return settings.model_copy(update={"pause_floor": 20, "bounce_pause_rate": 0.1, "complaint_pause_rate": 0.05})


@pytest.fixture
def world(
    db: Database,
    limits: Settings,
    clock: FixedClock,
    dispatcher: RecordingDispatcher,
    parser: MailParser,
) -> World:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, plus_addressing=True)
    return World(db, InboxDeps(db, VAULT, limits, parser, _no_network), clock, dispatcher)  # type: ignore[arg-type]


def paused(db: Database) -> tuple[str | None, object]:
    with db.read() as look:
        mailbox = look.session.get_one(Mailbox, 1)
        return mailbox.paused_reason, mailbox.paused_until


def pauses(db: Database) -> list[MailboxPause]:
    with db.read() as look:
        return reputation.pauses_of(look.session, 1)


def bounce(out: Outbound, status: str = "5.1.1", diagnostic: str = "550 5.1.1 user unknown") -> bytes:
    return report(out.to_address, status=status, diagnostic=diagnostic, returned=f"Message-ID: {out.message_id}")


def test_bounces_over_several_days_stop_the_mailbox_with_a_reason(world: World, clock: FixedClock) -> None:
    sent = [world.send(f"s{number}.test") for number in range(20)]
    world.receive(bounce(sent[0]))
    assert paused(world.db) == (None, None)
    # Another day, the same window; a second report about the first message counts nothing.
    clock.advance(timedelta(days=3))
    world.receive(bounce(sent[0], diagnostic="550 5.1.1 no such user here"))
    assert paused(world.db) == (None, None)
    world.receive(bounce(sent[1]))
    reason, until = paused(world.db)
    assert (reason or "").startswith("2 of 20 messages of the last 14 days met addresses that do not exist (10.00%")
    assert until is None
    (pause,) = pauses(world.db)
    assert (pause.kind, pause.incidents, pause.sends, pause.ended_at) == (Incident.HARD_BOUNCE, 2, 20, None)
    # No worker takes it, however late; `why` says so.
    clock.advance(timedelta(days=60))
    with world.db.work() as uow:
        assert outbox_repository.take_lease(uow.session, 1, "w", uow.now(), uow.now() + timedelta(minutes=1)) is None
        row = uow.session.get_one(Outbound, sent[5].id)
        row.state = OutboundState.QUEUED
        why = outbox.why_waiting(uow, row, world.deps.settings)
        assert why is not None
        assert (why.reason, "addresses that do not exist" in why.sentence) == ("mailbox-paused", True)


def test_what_is_older_than_the_window_counts_no_more(world: World, clock: FixedClock) -> None:
    first = world.send("first.test")
    world.receive(bounce(first))
    clock.advance(timedelta(days=15))
    sent = [world.send(f"s{number}.test") for number in range(20)]
    world.receive(bounce(sent[0]))
    assert paused(world.db) == (None, None)


def test_a_person_resumes_and_counting_begins_there(world: World, clock: FixedClock) -> None:
    sent = [world.send(f"s{number}.test") for number in range(22)]
    world.receive(bounce(sent[0]), bounce(sent[1]), bounce(sent[2]))
    assert len(pauses(world.db)) == 1
    # Signing in again is no decision about the bounces.
    with world.db.work() as uow:
        accounts.wake(uow, uow.session.get_one(Mailbox, 1))
    assert paused(world.db)[0] is not None
    with world.db.work() as uow:
        accounts.resume(uow, VAULT, "ana@acme.test", actor="ben")
    assert paused(world.db) == (None, None)
    (pause,) = pauses(world.db)
    assert (pause.ended_by, pause.ended_at) == ("ben", clock.now())
    clock.advance(timedelta(hours=1))
    fresh = [world.send(f"t{number}.test") for number in range(20)]
    world.receive(bounce(sent[3]), bounce(fresh[0]))
    # A late report about an old message counts from its arrival: two of the twenty since.
    assert len(pauses(world.db)) == 2
    with world.db.work() as uow:
        accounts.resume(uow, VAULT, "ana@acme.test")
    clock.advance(timedelta(hours=1))
    with world.db.work() as uow:
        assert reputation.settle(uow, world.deps.settings, 1) is None
        assert reputation.standing_of(uow.session, 1, uow.now(), reputation.limits_of(world.deps.settings)).counts == {}


def test_a_complaint_and_refusals_by_policy_stop_it_too(world: World, clock: FixedClock) -> None:
    sent = [world.send(f"s{number}.test") for number in range(20)]
    world.receive(complaint(sent[0].to_address, f"Message-ID: {sent[0].message_id}"))
    assert [pause.kind for pause in pauses(world.db)] == [Incident.COMPLAINT]
    with world.db.work() as uow:
        accounts.resume(uow, VAULT, "ana@acme.test")
    clock.advance(timedelta(hours=2))
    with world.db.work() as uow:
        # Two messages to one house, which refuses both: that is the house.
        uow.session.get_one(Outbound, sent[2].id).recipient = sent[1].recipient
    for number in (1, 2):
        world.receive(bounce(sent[number], "5.7.1", "550 5.7.1 blocked by our policy"))
        assert paused(world.db) == (None, None)
        clock.advance(timedelta(hours=2))
    world.receive(bounce(sent[3], "5.7.1", "550 5.7.1 blocked by our policy"))
    assert "servers refused 3 messages" in (paused(world.db)[0] or "")
    assert paused(world.db)[1] is None
    assert not world.suppressed(sent[3].to_address)


def test_sends_that_reach_the_floor_may_be_the_moment(world: World) -> None:
    sent = [world.send(f"s{number}.test") for number in range(10)]
    world.receive(*[bounce(out) for out in sent[:5]])
    assert paused(world.db) == (None, None)
    for number in range(10):
        world.send(f"t{number}.test")
    with world.db.work() as uow:
        stop = reputation.settle(uow, world.deps.settings, 1)
    assert stop is not None
    assert stop.kind is Incident.HARD_BOUNCE


@pytest.mark.parametrize("reports", [4, 5, 12])
def test_reports_at_one_moment_are_counted_exactly(world: World, reports: int) -> None:
    """Five of twenty are the limit: four at once never stop it, five and more stop it once, and none is lost."""
    settings = world.deps.settings.model_copy(update={"bounce_pause_rate": 0.25})
    sent = [world.send(f"s{number}.test") for number in range(20)]
    start = threading.Barrier(reports)
    stops: list[object] = []

    def tell(out: Outbound) -> None:
        start.wait(10)
        with world.db.work() as uow:
            stops.append(reputation.record(uow, settings, out, Incident.HARD_BOUNCE))

    threads = [threading.Thread(target=tell, args=(out,)) for out in sent[:reports]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with world.db.read() as look:
        assert (
            len(list(look.session.exec(select(MailboxIncident.id).where(col(MailboxIncident.mailbox_id) == 1))))
            == reports
        )
    assert len(stops) == reports
    found = pauses(world.db)
    assert [pause.incidents for pause in found] == ([] if reports < 5 else [5])
    assert sum(stop is not None for stop in stops) == len(found)


# --- refusals on the wire -------------------------------------------------------------------------------------------------


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def box(db: Database, limits: Settings, clock: FixedClock, smtp: Sink) -> Outbox:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, smtp_port=smtp.port, polled_at=clock.now())
    return Outbox(db, limits.model_copy(update={"pause_floor": 3, "bounce_pause_rate": 0.5}), clock)


def test_addresses_that_are_refused_at_once_stop_the_turn(box: Outbox, smtp: Sink) -> None:
    smtp.answers["RCPT"] = "550 5.1.1 no such user"
    rows = [box.enqueue(f"s{number}.test") for number in range(5)]
    report = box.run()
    assert "met addresses that do not exist" in report.stopped
    assert [box.row(row).state.value for row in rows] == ["REJECTED"] * 3 + ["QUEUED"] * 2
    assert box.run().tried == 0


def test_a_second_refusal_by_policy_lets_the_mailbox_rest_and_the_third_stops_it(
    box: Outbox, smtp: Sink, clock: FixedClock
) -> None:
    smtp.answers["RCPT"] = "550 5.7.1 you are on our blocklist"
    rows = [box.enqueue(f"s{number}.test") for number in range(4)]
    # The first may be one server's taste; the second is asked at once, and then all rest for an hour.
    assert box.run().tried == 2
    reason, until = paused(box.db)
    assert "servers of 2 recipients refuse our mail by policy: 550 5.7.1 you are on our blocklist" in (reason or "")
    assert until == clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=1, minutes=1))
    assert box.run().tried == 1
    assert paused(box.db)[1] is None
    assert box.run().tried == 0
    assert box.row(rows[3]).state is OutboundState.QUEUED
    # A rest that ends by itself must not take the place of the stop.
    assert paused(box.db)[1] is None
