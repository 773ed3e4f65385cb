"""A mail leaves exactly once: the protocol against a real SMTP server, with the wire broken at every point."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database, UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.domain.reputation import Incident
from app.domain.said import Sentence
from app.errors import Conflict, Refused, Skip
from app.mail import mime
from app.models import (
    BlockingEvent,
    Conversation,
    Mailbox,
    MailboxDay,
    MailboxIncident,
    MailboxPause,
    Outbound,
    OutboundAlias,
    OutboundKind,
    Site,
    SuppressionKind,
)
from app.outbox import repository, service
from app.outbox.committing import Committed
from app.outbox.delivery import Report, Turn, drain
from app.prospects import service as prospects
from app.prospects import suppression
from app.settings import Settings
from tests.support.smtp_sink import Break, Sink, breaking, proxy, sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


@dataclass(frozen=True)
class Gate:
    current: bool = True
    reason: str = ""
    seen_event_id: int = 0

    def __call__(self, mailbox_id: int) -> Gate:
        return self


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@dataclass
class World:
    db: Database
    settings: Settings
    clock: FixedClock

    def enqueue(
        self, domain: str = "editor.test", kind: OutboundKind = OutboundKind.PITCH, stage: Stage = Stage.CHECKED_MENTION
    ) -> int:
        with self.db.work() as uow:
            mailbox = uow.session.get(Mailbox, 1)
            site = uow.session.get(Site, 1)
            assert mailbox is not None
            assert site is not None
            prospect = a_prospect(uow, site, domain, stage=stage)
            conversation = a_conversation(uow, prospect, a_contact(uow, prospect), mailbox)
            return self.add(uow, conversation, kind)

    def add(self, uow: UnitOfWork, conversation: Conversation, kind: OutboundKind, step: int = 0) -> int:
        row = service.enqueue(
            uow,
            VAULT,
            self.settings,
            conversation=conversation,
            kind=kind,
            subject="Your checklist",
            body_text="Hello Dana,\n\nyour page https://editor.test/blog/checklist names us.\n",
            body_html=None,
            approved_by="ana",
            not_before=self.clock.now(),
            step_no=step,
        )
        return row.id

    def run(self, gate: Gate | None = None, **changes: object) -> Report:
        return drain(self.db, self.settings.model_copy(update=changes), VAULT, gate or Gate(), 1)

    def row(self, row_id: int) -> Outbound:
        with self.db.read() as uow:
            return service.get(uow, row_id)

    def point_to(self, port: int) -> None:
        with self.db.work() as uow:
            uow.session.execute(update(Mailbox).values(smtp_port=port))

    def used(self) -> int:
        with self.db.read() as uow:
            day = uow.session.get(MailboxDay, (1, self.clock.now().date()))
            return day.used if day else 0

    def outcomes(self, row_id: int) -> list[str]:
        with self.db.read() as uow:
            return [attempt.outcome for attempt in service.attempts(uow, row_id)]


@pytest.fixture
def world(db: Database, settings: Settings, clock: FixedClock, smtp: Sink) -> World:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, smtp_port=smtp.port, polled_at=clock.now())
    return World(db, settings, clock)


def test_a_pitch_leaves_byte_for_byte_and_moves_its_prospect(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    report = world.run()
    assert (report.sent, report.stopped) == (1, "nothing is due")
    row = world.row(row_id)
    assert row.state is OutboundState.SENT
    assert smtp.messages == [("ana@acme.test", ["dana@editor.test"], row.raw)]
    assert world.outcomes(row_id) == ["committed", "accepted"]
    assert world.used() == 1
    with world.db.read() as uow:
        assert prospects.get(uow, row.prospect_id).stage is Stage.PITCHED
    # A second bell, a third: nothing more leaves.
    assert world.run().sent == 0
    assert len(smtp.messages) == 1


def test_what_was_approved_days_ago_is_dated_when_it_leaves(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    approved = world.row(row_id)
    world.clock.advance(timedelta(days=3, minutes=7))
    assert world.run().sent == 1
    [(_, _, arrived)] = smtp.messages
    assert b"\r\nDate: Thu, 04 Jun 2026 09:07:00 +0000\r\n" in arrived
    # Dated as the approval was, it is what was approved, to the last byte.
    assert mime.dated(arrived, approved.created_at) == approved.raw
    assert hashlib.sha256(mime.dated(arrived, approved.created_at)).hexdigest() == world.row(row_id).raw_sha256
    assert service.wire_bytes(world.row(row_id)) == arrived


def test_one_session_carries_many_mails(world: World, smtp: Sink) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(10)]
    assert world.run().sent == 10
    assert [world.row(row).state for row in rows] == [OutboundState.SENT] * 10
    assert set(smtp.ids().values()) == {1}


SAFE = "QUEUED"
CASES = [
    # where the wire breaks, how, the state that must follow, whether the server had taken the mail
    ("CONNECT", "reset", SAFE, False),
    ("CONNECT", "garble", SAFE, False),
    ("CONNECT", "say 421 4.3.2 busy", SAFE, False),
    ("EHLO", "drop-reply", SAFE, False),
    ("MAIL", "drop-command", SAFE, False),
    ("MAIL", "drop-reply", SAFE, False),
    ("MAIL", "garble", SAFE, False),
    ("RCPT", "drop-command", SAFE, False),
    ("RCPT", "drop-reply", SAFE, False),
    ("RCPT", "reset", SAFE, False),
    ("DATA", "drop-command", SAFE, False),
    ("DATA", "drop-reply", SAFE, False),
    ("DATA", "garble", SAFE, False),
    ("DATA", "say 250 odd", SAFE, False),
    ("BODY", "close-early", "AMBIGUOUS", False),
    ("DOT", "drop-command", "AMBIGUOUS", False),
    ("DOT", "drop-reply", "AMBIGUOUS", True),
    ("DOT", "reset", "AMBIGUOUS", True),
    ("DOT", "garble", "AMBIGUOUS", True),
    ("DOT", "cut", "AMBIGUOUS", True),
    ("DOT", "hang", "AMBIGUOUS", True),
    ("DOT", "say 252 taken", "SENT", True),
]


@pytest.mark.parametrize(("verb", "how", "state", "taken"), CASES, ids=[f"{verb}-{how}" for verb, how, _, _ in CASES])
def test_a_broken_wire_is_classified_and_never_repeated_after_the_dot(
    world: World, smtp: Sink, verb: str, how: str, state: str, taken: bool
) -> None:
    row_id = world.enqueue()
    with proxy(smtp.port, breaking(Break(verb, how))) as port:
        world.point_to(port)
        world.run(smtp_dot_timeout=timedelta(seconds=1), smtp_timeout=timedelta(seconds=2))
    assert world.row(row_id).state == state
    assert len(smtp.messages) == taken
    # Whatever it was, a later turn over a good wire sends it once in all, and never again what may have arrived.
    world.point_to(smtp.port)
    world.clock.advance(timedelta(days=1))
    world.run()
    assert len(smtp.messages) == (taken or state == SAFE)
    assert world.row(row_id).state == ("AMBIGUOUS" if state == "AMBIGUOUS" else "SENT")
    spent = 0 if state == SAFE else 1
    with world.db.read() as uow:
        day = uow.session.get(MailboxDay, (1, (world.clock.now() - timedelta(days=1)).date()))
        assert (day.used if day else 0) == spent


@pytest.mark.parametrize(
    ("verb", "answer", "state", "outcomes"),
    [
        ("RCPT", "450 4.2.0 greylisted", "QUEUED", ["deferred"]),
        ("RCPT", "550 5.1.1 unknown user", "REJECTED", ["rejected"]),
        ("MAIL", "550 5.7.1 not yours", "QUEUED", ["mailbox-paused"]),
        ("RCPT", "450 4.7.1 too many", "QUEUED", ["mailbox-deferred"]),
        ("DOT", "451 4.3.0 later", "QUEUED", ["committed", "deferred"]),
        ("DOT", "554 5.7.1 spam", "REJECTED", ["committed", "rejected"]),
    ],
)
def test_a_refusal_is_recorded_and_gives_the_cap_back(
    world: World, smtp: Sink, verb: str, answer: str, state: str, outcomes: list[str]
) -> None:
    row_id = world.enqueue()
    smtp.answers[verb] = answer
    world.run()
    row = world.row(row_id)
    assert row.state == state
    assert world.outcomes(row_id) == outcomes
    assert world.used() == 0
    assert row.attempt_no == (2 if outcomes == ["committed", "deferred"] else 1)
    with world.db.read() as uow:
        mailbox = uow.session.get(Mailbox, 1)
        assert mailbox is not None
        assert (mailbox.paused_reason is not None) == outcomes[-1].startswith("mailbox")
        waits = service.why_waiting(uow, row, world.settings)
        assert (waits is not None) == (state == "QUEUED")


LIMIT = "550 5.4.5 Daily user sending limit exceeded"


@pytest.mark.parametrize("verb", ["RCPT", "DOT"])
def test_a_refusal_of_us_costs_nobody_and_the_others_wait(world: World, smtp: Sink, verb: str) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(5)]
    smtp.answers[verb] = LIMIT
    world.run()
    found = [world.row(row) for row in rows]
    assert [row.state for row in found] == [OutboundState.QUEUED] * 5
    # One was tried, and the mailbox rests before the next.
    assert [len(world.outcomes(row)) for row in rows] == [1 if verb == "RCPT" else 2, 0, 0, 0, 0]
    assert world.used() == 0
    with world.db.read() as uow:
        assert uow.session.get_one(Mailbox, 1).paused_until == world.clock.now() + timedelta(minutes=15)
        assert [prospects.get(uow, row.prospect_id).stage for row in found] == [Stage.CHECKED_MENTION] * 5
        assert list(uow.session.execute(select(BlockingEvent)).scalars()) == []
        assert list(uow.session.execute(select(MailboxIncident)).scalars()) == []
        assert suppression.refusal(uow.session, VAULT, found[0].to_address) is None
    del smtp.answers[verb]
    world.clock.advance(timedelta(minutes=16))
    # What was refused is not in front of the others again, and it leaves once.
    assert world.run().sent == 4
    assert world.row(rows[0]).state is OutboundState.QUEUED
    world.clock.advance(timedelta(minutes=30))
    assert world.run().sent == 1
    assert len(smtp.messages) == 5


def rest(world: World) -> Mailbox:
    with world.db.read() as uow:
        return uow.session.get_one(Mailbox, 1)


ODD = "550 5.7.1 Sender verify failed"


@pytest.mark.parametrize("verb", ["RCPT", "DOT"])
def test_one_door_that_refuses_us_keeps_its_own_message_and_no_other(world: World, smtp: Sink, verb: str) -> None:
    odd, *others = [world.enqueue(f"site{number}.test") for number in range(3)]
    smtp.answers[f"{verb} {world.row(odd).to_address}"] = ODD
    assert world.run().sent == 2
    assert [world.row(row).state for row in others] == [OutboundState.SENT] * 2
    # However often it is tried, the mailbox does not rest for it, and the page says why it waits.
    for _ in range(3):
        row = world.row(odd)
        assert (row.state, rest(world).paused_reason, rest(world).failures) == (OutboundState.QUEUED, None, 0)
        with world.db.read() as uow:
            waits = service.why_waiting(uow, row, world.settings)
        assert waits is not None
        assert waits.sentence == f"the server refuses us, and not the recipient: {ODD}"
        world.clock.at = row.not_before + timedelta(seconds=1)
        assert world.run().sent == 0
    with world.db.read() as uow:
        # It counts, and stops nothing by itself.
        assert list(uow.session.execute(select(col(MailboxIncident.kind))).scalars()) == [Incident.SENDER_REFUSED]
        assert uow.session.get_one(MailboxDay, (1, world.clock.now().date())).used == 2
    smtp.answers.clear()
    world.clock.at = world.row(odd).not_before
    assert world.run().sent == 1


def test_a_second_door_that_refuses_us_lets_the_mailbox_rest(world: World, smtp: Sink) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(4)]
    smtp.answers["RCPT"] = ODD
    world.run()
    assert [world.outcomes(row) for row in rows] == [["sender-refused"], ["sender-refused"], [], []]
    assert rest(world).paused_reason == f"servers of 2 recipients refuse us: {ODD}"
    assert rest(world).paused_until == world.clock.now() + timedelta(minutes=15)
    del smtp.answers["RCPT"]
    world.clock.advance(timedelta(minutes=16))
    assert world.run().sent == 2
    # Mail was taken in between: the next refusal is a first one again.
    smtp.answers["RCPT"] = ODD
    world.clock.advance(timedelta(minutes=30))
    fresh = world.enqueue("fresh.test")
    smtp.answers[f"RCPT {world.row(rows[0]).to_address}"] = smtp.answers[f"RCPT {world.row(rows[1]).to_address}"] = (
        "250 2.1.5 ok"
    )
    world.run()
    assert world.outcomes(fresh) == ["sender-refused"]
    assert rest(world).paused_until is None


BLOCKED = "550 5.7.1 you are on our blocklist"


@pytest.mark.parametrize(("first", "second"), [(ODD, BLOCKED), (BLOCKED, ODD)])
def test_a_refusal_of_us_and_one_of_our_mail_are_two(world: World, smtp: Sink, first: str, second: str) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(3)]
    for row, answer in zip(rows, (first, second), strict=False):
        smtp.answers[f"RCPT {world.row(row).to_address}"] = answer
    assert world.run().tried == 2
    assert rest(world).paused_reason == f"servers of 2 recipients refuse us: {second}"
    assert rest(world).paused_until == world.clock.now() + timedelta(minutes=60 if second == BLOCKED else 15)


def test_a_refusal_that_is_repeated_counts_from_its_last_time_and_from_the_last_resumption(
    world: World, smtp: Sink
) -> None:
    first, taken, second = (world.enqueue(f"site{number}.test") for number in range(3))
    for row in (first, second):
        smtp.answers[f"RCPT {world.row(row).to_address}"] = ODD
    later = update(Outbound).where(col(Outbound.id) == second)
    with world.db.work() as uow:
        uow.session.execute(later.values(not_before=uow.now() + timedelta(days=1)))
    # It is refused, another is taken, and it is refused again: that one would stand.
    assert world.run().sent == 1
    assert world.row(taken).state is OutboundState.SENT
    world.clock.at = world.row(first).not_before + timedelta(minutes=1)
    world.run()
    assert world.outcomes(first) == ["sender-refused"] * 2
    with world.db.work() as uow:
        # A person has looked since, and it counts no more.
        pause = MailboxPause(mailbox_id=1, kind=Incident.POLICY, reason="x", incidents=3, sends=0, at=uow.now())
        pause.ended_at = uow.now() + timedelta(minutes=1)
        uow.session.add(pause)
        uow.session.execute(later.values(not_before=uow.now() + timedelta(minutes=2)))
    world.clock.advance(timedelta(minutes=3))
    world.run()
    assert (world.outcomes(second), rest(world).paused_reason) == (["sender-refused"], None)
    world.clock.at = world.row(first).not_before
    world.run()
    assert world.outcomes(first) == ["sender-refused"] * 3
    assert rest(world).paused_reason == f"servers of 2 recipients refuse us: {ODD}"


def test_a_full_mailbox_is_tried_again_and_blamed_for_nothing(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    smtp.answers["RCPT"] = "552 5.2.2 mailbox full"
    world.run()
    row = world.row(row_id)
    assert (row.state, row.deferrals) == (OutboundState.QUEUED, 1)
    with world.db.read() as uow:
        assert uow.session.get_one(Mailbox, 1).paused_reason is None
        assert prospects.get(uow, row.prospect_id).stage is Stage.CHECKED_MENTION
    del smtp.answers["RCPT"]
    world.clock.advance(timedelta(minutes=10))
    assert world.run().sent == 1


@pytest.mark.parametrize("kind", [OutboundKind.PITCH, OutboundKind.REPLY])
def test_a_message_at_which_the_mailbox_was_put_off_says_so_when_the_rest_is_over(
    world: World, smtp: Sink, kind: OutboundKind
) -> None:
    row_id = world.enqueue(kind=kind)
    smtp.answers["RCPT"] = "421 4.7.0 too many mails from you"
    world.run()
    world.clock.advance(timedelta(minutes=16))
    row = world.row(row_id)
    assert row.not_before > world.clock.now()
    with world.db.read() as uow:
        waits = service.why_waiting(uow, row, world.settings)
    assert waits is not None
    assert (waits.reason, waits.until) == ("deferred", row.not_before.isoformat())
    assert "421 4.7.0 too many mails from you" in waits.sentence


@pytest.mark.parametrize("verb", ["RCPT", "DOT"])
def test_a_refusal_by_policy_loses_nobody(world: World, smtp: Sink, verb: str) -> None:
    row_id, other = world.enqueue(), world.enqueue("other.test")
    smtp.answers[f"{verb} {world.row(row_id).to_address}"] = "550 5.7.1 message rejected under suspicion of SPAM"
    # It may be this text, or this server's taste: the others leave.
    assert world.run().sent == 1
    assert world.row(other).state is OutboundState.SENT
    row = world.row(row_id)
    assert (row.state, row.reply_text) == (OutboundState.REJECTED, "5.7.1 message rejected under suspicion of SPAM")
    with world.db.read() as uow:
        assert prospects.get(uow, row.prospect_id).stage is Stage.CHECKED_MENTION
        assert uow.session.get_one(Mailbox, 1).paused_reason is None
        assert list(uow.session.execute(select(BlockingEvent)).scalars()) == []
        assert list(uow.session.execute(select(col(MailboxIncident.kind))).scalars()) == [Incident.POLICY]
        assert suppression.refusal(uow.session, VAULT, row.to_address) is None


@pytest.mark.parametrize(
    ("state", "reason"), [(OutboundState.AMBIGUOUS, "unsure-before"), (OutboundState.CLAIMED, "sending-before")]
)
def test_what_stands_behind_a_mail_that_is_not_done_with_says_so(
    world: World, smtp: Sink, state: OutboundState, reason: str
) -> None:
    first = world.enqueue()
    with world.db.work() as uow:
        service.get(uow, first).state = state
        conversation = uow.session.get_one(Conversation, service.get(uow, first).conversation_id)
        second = world.add(uow, conversation, OutboundKind.REPLY)
    world.clock.advance(timedelta(days=2))

    def told() -> Skip:
        with world.db.read() as uow:
            found = service.why_waiting(uow, service.get(uow, second), world.settings)
            assert found is not None
            return found

    assert (told().reason, told().until) == (reason, None)
    assert (f"message {first}" in told().sentence) is (state is OutboundState.AMBIGUOUS)
    if state is OutboundState.AMBIGUOUS:
        assert world.run().sent == 0
        with world.db.work() as uow:
            service.treat_as_sent(uow, first, actor="ana")
        assert told().reason == "next"
        assert world.run().sent == 1


def test_an_old_reason_is_no_reason_once_its_time_has_passed(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    smtp.answers["RCPT"] = "450 4.2.0 greylisted"
    world.run()
    row = world.row(row_id)

    def told() -> tuple[str, str | None]:
        with world.db.read() as uow:
            found = service.why_waiting(uow, row, world.settings)
            assert found is not None
            return found.reason, found.until

    assert told() == ("deferred", row.not_before.isoformat())
    world.clock.at = row.not_before
    assert told() == ("next", world.clock.now().isoformat())


def test_an_unknown_user_is_suppressed_and_lost_as_bounced(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    smtp.answers["RCPT"] = "550 5.1.1 unknown user"
    world.run()
    with world.db.read() as uow:
        row = service.get(uow, row_id)
        assert prospects.get(uow, row.prospect_id).stage is Stage.LOST
        skip = suppression.refusal(uow.session, VAULT, "dana@editor.test")
        assert skip is not None
        assert "bounced" in skip.sentence


def test_a_deferred_mail_waits_longer_each_time_and_expires(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    smtp.answers["RCPT"] = "450 4.2.0 greylisted"
    waits = []
    for _ in range(6):
        world.run()
        row = world.row(row_id)
        waits.append(row.not_before - world.clock.now())
        world.clock.advance(waits[-1])
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(minutes=4)
    world.clock.advance(timedelta(hours=48))
    world.run()
    assert world.row(row_id).state is OutboundState.CANCELLED
    assert smtp.messages == []


def test_the_cap_is_never_passed_and_the_rest_goes_tomorrow(world: World, smtp: Sink) -> None:
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(daily_cap=3))
    rows = [world.enqueue(f"site{number}.test") for number in range(5)]
    assert world.run().stopped == "the cap of today is reached"
    assert (len(smtp.messages), world.used()) == (3, 3)
    with world.db.read() as uow:
        waits = service.why_waiting(uow, service.get(uow, rows[4]), world.settings)
        assert waits is not None
        assert waits.reason == "cap"
        assert waits.until is not None
    world.clock.advance(timedelta(days=1))
    world.run()
    assert len(smtp.messages) == 5


def test_a_pause_stands_between_mails_and_survives_a_restart(world: World, smtp: Sink) -> None:
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(gap_min_seconds=60, gap_max_seconds=120))
    for number in range(2):
        world.enqueue(f"site{number}.test")
    assert world.run().sent == 1
    assert world.run().stopped == "mails leave with a pause between them"
    with world.db.read() as uow:
        assert repository.due_mailboxes(uow.session, world.clock.now()) == []
    world.clock.advance(timedelta(seconds=121))
    assert world.run().sent == 1
    assert len(smtp.messages) == 2


@pytest.mark.parametrize("kind", [kind for kind in Blocking if kind is not Blocking.POSSIBLE_REPLY])
def test_what_ends_a_conversation_cancels_what_waits(world: World, smtp: Sink, kind: Blocking) -> None:
    row_id = world.enqueue()
    with world.db.work() as uow:
        prospects.block(uow, service.get(uow, row_id).prospect_id, kind)
    with world.db.read() as uow:
        # Nobody is asked to say what is certain.
        waits = service.why_waiting(uow, service.get(uow, row_id), world.settings)
        assert waits is not None
        assert waits.reason == "stopped"
    world.run()
    assert world.row(row_id).state is OutboundState.CANCELLED
    assert smtp.messages == []


def test_a_possible_reply_only_pauses(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    with world.db.work() as uow:
        possible = prospects.block(uow, service.get(uow, row_id).prospect_id, Blocking.POSSIBLE_REPLY)
    world.run()
    with world.db.read() as uow:
        waits = service.why_waiting(uow, service.get(uow, row_id), world.settings)
        assert waits is not None
        assert waits.reason == "possible-reply"
    assert smtp.messages == []
    with world.db.work() as uow:
        prospects.clear_block(uow, possible.id, actor="ana")
    world.run()
    assert len(smtp.messages) == 1


class Late(Turn):
    """A turn in which something happens between the 354 and the commit: the last moment at which it can be stopped."""

    happens: object = None

    def _commit(self, *args: object) -> Committed | None:  # type: ignore[override]
        self.happens()  # type: ignore[operator]
        return super()._commit(*args)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["reply", "suppressed", "fence", "undo"])
def test_what_happens_right_before_the_commit_still_stops_it(world: World, smtp: Sink, what: str) -> None:
    row_id = world.enqueue()

    def happens() -> None:
        with world.db.work() as uow:
            row = service.get(uow, row_id)
            if what == "reply":
                prospects.block(uow, row.prospect_id, Blocking.REPLY)
            elif what == "suppressed":
                suppression.suppress(
                    uow, VAULT, "editor.test", kind=SuppressionKind.DOMAIN, reason="asked", source="phone", actor="ana"
                )
            elif what == "fence":
                uow.session.execute(update(Mailbox).values(fence=col(Mailbox.fence) + 1))
            else:
                with pytest.raises(Conflict, match="is claimed"):
                    service.cancel(uow, row_id, actor="ana")
                prospects.block(uow, row.prospect_id, Blocking.STAFF_STOP)

    turn = Late(world.db, world.settings, VAULT, Gate(), 1)
    turn.happens = happens
    turn.run()
    assert smtp.messages == []
    assert world.used() == 0
    assert world.row(row_id).state is (OutboundState.QUEUED if what == "fence" else OutboundState.CANCELLED)
    if what == "fence":
        world.clock.advance(timedelta(minutes=5))
        world.run()
        assert len(smtp.messages) == 1


def test_a_late_answer_is_evidence_for_what_became_ambiguous_meanwhile(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()

    class Slow(Turn):
        async def _write(self, session: object, row: Outbound, committed_at: float) -> object:  # type: ignore[override]
            done = await super()._write(session, row, committed_at)  # type: ignore[arg-type]
            # While this process waited for the answer, another took the mailbox and cleaned up after it.
            with world.db.work() as uow:
                fence = uow.session.get_one(Mailbox, 1).fence + 1
                uow.session.execute(update(Mailbox).values(fence=fence))
                assert repository.recover(uow.session, 1, fence, uow.now()) == [(row_id, 1)]
            return done

    assert Slow(world.db, world.settings, VAULT, Gate(), 1).run().stopped == "another worker took the mailbox"
    row = world.row(row_id)
    assert row.state is OutboundState.SENT
    assert "late answer: 250" in (row.evidence or "")
    assert len(smtp.messages) == 1
    with world.db.read() as uow:
        assert prospects.get(uow, row.prospect_id).stage is Stage.PITCHED


def test_a_follow_up_waits_while_the_mailbox_cannot_be_read(world: World, smtp: Sink) -> None:
    row_id = world.enqueue(kind=OutboundKind.FOLLOW_UP, stage=Stage.PITCHED)
    world.run(Gate(current=False, reason="IMAP does not answer"))
    row = world.row(row_id)
    assert row.state is OutboundState.QUEUED
    assert "IMAP does not answer" in (row.hold_reason or "")
    assert isinstance(row.hold_reason, Sentence)
    assert smtp.messages == []
    world.clock.advance(timedelta(minutes=6))
    world.run()
    assert world.row(row_id).state is OutboundState.SENT
    with world.db.read() as uow:
        assert prospects.get(uow, row.prospect_id).stage is Stage.FOLLOWED_UP


def test_a_mailbox_that_cannot_be_read_is_asked_once_and_less_often_with_each_failure(world: World, smtp: Sink) -> None:
    rows = [world.enqueue(f"site{number}.test", OutboundKind.FOLLOW_UP, Stage.PITCHED) for number in range(20)]
    pitch = world.enqueue("new.test")
    asked: list[timedelta] = []
    began = world.clock.now()

    def down(mailbox_id: int) -> Gate:
        asked.append(world.clock.now() - began)
        # As the look of the inbox notes it (app.inbox.service).
        with world.db.work() as uow:
            box = uow.session.get_one(Mailbox, mailbox_id)
            box.poll_failures, box.poll_error = box.poll_failures + 1, "too many connections"
            box.poll_due_at = uow.now() + timedelta(minutes=2 ** (box.poll_failures - 1))
        return Gate(current=False, reason="too many connections")

    def turn() -> Report:
        return drain(world.db, world.settings, VAULT, down, 1)

    assert turn().sent == 1
    assert world.row(pitch).state is OutboundState.SENT
    # One mail asked and the others did not; each says the truth, and until when.
    assert (asked, smtp.connections) == ([timedelta(0)], 2)
    with world.db.read() as uow:
        told = [service.why_waiting(uow, service.get(uow, row), world.settings) for row in rows]
    assert {(skip.reason, "too many connections" in skip.sentence) for skip in told if skip} == {("deferred", True)}
    assert {skip.until for skip in told if skip} == {(began + timedelta(minutes=1, seconds=15)).isoformat()}
    for _ in range(40):
        world.clock.advance(timedelta(seconds=30))
        late = world.enqueue(f"late{world.clock.now():%H-%M-%S}.test", OutboundKind.FOLLOW_UP, Stage.PITCHED)
        turn()
        assert world.row(late).not_before > world.clock.now()
    # In twenty minutes: after 1, 2, 4 and 8 minutes, though mail fell due all the time.
    assert [round(at.total_seconds() / 60) for at in asked] == [0, 2, 4, 8, 17]
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(poll_failures=0, poll_error=None))
    world.clock.advance(timedelta(minutes=17))
    assert world.run().sent == 60


@pytest.mark.parametrize("ago", [timedelta(minutes=6), timedelta(days=-10)], ids=["old", "in the future"])
def test_a_pitch_asks_the_gate_when_the_last_look_says_nothing(world: World, smtp: Sink, ago: timedelta) -> None:
    world.enqueue()
    with world.db.work() as uow:
        # A clock that was ahead has noted a look in the future.
        uow.session.execute(update(Mailbox).values(polled_at=uow.now() - ago))
    world.run(Gate(current=False, reason="IMAP does not answer"))
    assert smtp.messages == []


def test_a_paused_process_does_not_write_after_its_commit(
    world: World, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = world.enqueue()
    monkeypatch.setattr("app.outbox.delivery.PAUSED_TOO_LONG", -1.0)
    # It would go round for ever with this clock, so the turn is told to end after the first attempt.
    original, rounds = Turn._record_and_claim, iter([False])
    monkeypatch.setattr(
        Turn, "_record_and_claim", lambda self, done, *, last: original(self, done, last=next(rounds, True))
    )
    world.run()
    assert smtp.messages == []
    row = world.row(row_id)
    assert (row.state, row.attempt_no) == (OutboundState.QUEUED, 2)
    assert world.outcomes(row_id) == ["committed", "unwritten"]
    assert world.used() == 0


def test_an_ambiguous_mail_is_decided_by_evidence_or_by_a_person(world: World, smtp: Sink) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(2)]
    with proxy(smtp.port, breaking(Break("DOT", "drop-reply"))) as port:
        world.point_to(port)
        world.run()
    world.point_to(smtp.port)
    assert [world.row(row).state for row in rows] == ["AMBIGUOUS", "AMBIGUOUS"]
    with world.db.work() as uow:
        service.treat_as_sent(uow, rows[0], actor="ana")
        assert prospects.get(uow, service.get(uow, rows[0]).prospect_id).stage is Stage.PITCHED
        service.send_again(uow, rows[1], actor="ana")
    with pytest.raises(Conflict), world.db.work() as uow:
        service.send_again(uow, rows[0], actor="ana")
    world.run()
    assert world.row(rows[1]).state is OutboundState.SENT
    # The same bytes under the same Message-ID: mail programs fold the two into one.
    assert smtp.ids()[world.row(rows[1]).message_id] == 2


def test_nothing_else_goes_to_a_person_while_one_mail_is_ambiguous(world: World, smtp: Sink) -> None:
    first = world.enqueue()
    with proxy(smtp.port, breaking(Break("DOT", "drop-reply"))) as port:
        world.point_to(port)
        world.run()
    world.point_to(smtp.port)
    with world.db.work() as uow:
        conversation = uow.session.get(Conversation, 1)
        assert conversation is not None
        second = world.add(uow, conversation, OutboundKind.FOLLOW_UP, 1)
    world.run()
    assert world.row(second).state is OutboundState.QUEUED
    with world.db.work() as uow:
        service.treat_as_sent(uow, first, actor="ana")
    world.run()
    assert world.row(second).state is OutboundState.SENT
    raw = world.row(second).raw.decode()
    assert f"In-Reply-To: {world.row(first).message_id}" in raw
    assert f"References: {world.row(first).message_id}" in raw


def test_undo_works_until_a_worker_holds_it(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    with world.db.work() as uow:
        service.cancel(uow, row_id, actor="ana")
    world.run()
    assert smtp.messages == []
    other = world.enqueue("other.test")
    world.run()
    with pytest.raises(Conflict, match="cannot be taken back"), world.db.work() as uow:
        service.cancel(uow, other, actor="ana")


def test_what_a_server_says_of_people_is_no_other_id_of_the_mail(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    smtp.answers["DOT"] = "250 Ok <q1@mx.test> accepted for <other@editor.test> <Dana@editor.test> from <ana@acme.test>"
    world.run()
    assert world.row(row_id).state is OutboundState.SENT
    with world.db.read() as uow:
        assert list(uow.session.execute(select(col(OutboundAlias.message_id))).scalars()) == ["<q1@mx.test>"]


def test_a_long_thread_keeps_its_root_and_its_newest(world: World, smtp: Sink) -> None:
    rows = [world.enqueue()]
    for step in range(1, 14):
        world.run()
        with world.db.work() as uow:
            conversation = uow.session.get_one(Conversation, world.row(rows[0]).conversation_id)
            rows.append(world.add(uow, conversation, OutboundKind.REPLY, step))
    ids = [world.row(row).message_id for row in rows]
    headers = world.row(rows[-1]).raw.decode().replace("\r\n ", " ")
    [line] = [line for line in headers.splitlines() if line.startswith("References:")]
    assert line.split()[1:] == [ids[0], *ids[-10:-1]]


def test_a_suppressed_address_is_refused_at_the_door(world: World) -> None:
    with world.db.work() as uow:
        suppression.suppress(
            uow,
            VAULT,
            "dana@editor.test",
            kind=SuppressionKind.ADDRESS,
            reason="unsubscribed",
            source="mail",
            actor="x",
        )
    with pytest.raises(Refused) as refused:
        world.enqueue()
    assert refused.value.skips[0].reason == "suppressed"


def test_the_opt_out_link_stops_everything_at_once(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    token = world.row(row_id).token
    with world.db.work() as uow:
        assert not service.opt_out(uow, VAULT, "x" * 24, source="link")
        assert service.opt_out(uow, VAULT, token, source="one-click")
    world.run()
    assert smtp.messages == []
    assert world.row(row_id).state is OutboundState.CANCELLED


def test_a_mailbox_that_refuses_sign_in_rests_until_a_person_acts(world: World) -> None:
    row_id = world.enqueue()
    with sink() as strict:
        strict.answers["MAIL"] = "530 5.7.0 authentication required"
        world.point_to(strict.port)
        world.run()
    with world.db.read() as uow:
        mailbox = uow.session.get(Mailbox, 1)
        assert mailbox is not None
        assert mailbox.paused_reason is not None
        assert mailbox.paused_until is None
    world.clock.advance(timedelta(days=3))
    assert world.run().stopped == "the mailbox is switched off, or rests"
    assert world.row(row_id).state is OutboundState.QUEUED


def test_the_bytes_are_those_that_were_approved(world: World, smtp: Sink) -> None:
    row_id = world.enqueue()
    with world.db.work() as uow:
        row = service.get(uow, row_id)
        row.raw = row.raw.replace(b"Dana", b"Tom!")
    world.run()
    assert smtp.messages == []
    assert "have changed" in (world.row(row_id).hold_reason or "")
