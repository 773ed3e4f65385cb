"""What waits too long: a rest does not count, a switched-off mailbox locks nothing, and no clock that leaps loses mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlmodel import col

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.installation import hold, steady
from app.mail import accounts, resting, upkeep
from app.models import Conversation, ConversationState, Mailbox, MailboxPacing, Outbound, OutboundKind
from app.outbox import expiry, repository, service
from app.prospects import service as prospects
from tests.conftest import START
from tests.slices.test_outbox import Gate, World, smtp, world
from tests.support.smtp_sink import Sink
from tests.support.world import VAULT

__all__ = ["smtp", "world"]


def why(world: World, row_id: int) -> tuple[str, str]:
    with world.db.read() as uow:
        found = service.why_waiting(uow, service.get(uow, row_id), world.settings)
        assert found is not None
        return found.reason, found.sentence


def due(world: World) -> list[int]:
    with world.db.read() as uow:
        return repository.due_mailboxes(uow.session, world.clock.now())


def look(world: World, **found: object) -> None:
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(**found))


def beat(world: World) -> None:
    # A process that has run all the time.
    hold.beat(world.db, world.settings, START)


def test_a_rest_does_not_count_against_what_waits(world: World, smtp: Sink) -> None:
    old = world.enqueue("old.test")
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="its permission has ended")
    # The sweep finds it once, and notes when the rest began.
    assert due(world) == [1]
    assert (world.run().tried, due(world)) == (0, [])
    world.clock.advance(timedelta(days=20))
    young = world.enqueue("young.test")
    assert why(world, old) == (
        "mailbox-paused",
        "its mailbox rests: its permission has ended; the time that it may wait stands still meanwhile, until 14 August 2026 at the latest",
    )
    world.clock.advance(timedelta(days=5))
    world.run()
    with world.db.work() as uow:
        accounts.resume(uow, VAULT, "ana@acme.test")
        uow.session.get_one(Mailbox, 1).daily_cap = 1
    expires = [world.row(row).expires_at for row in (old, young)]
    assert world.run().sent == 1
    assert world.row(old).state is OutboundState.SENT
    assert world.row(young).expires_at - expires[1] == timedelta(days=5)


def test_a_rest_that_ended_by_itself_counts_to_its_end(world: World, smtp: Sink) -> None:
    rows = [world.enqueue(f"site{number}.test") for number in range(2)]
    look(world, paused_reason="451 later", paused_until=world.clock.now() + timedelta(hours=2), daily_cap=1)
    world.run()
    expires = world.row(rows[1]).expires_at
    # Nothing was due for twelve days.
    world.clock.advance(timedelta(days=12))
    late = world.enqueue("late.test")
    given = world.row(late).expires_at
    assert world.run().sent == 1
    assert world.row(rows[1]).expires_at - expires == timedelta(hours=2)
    assert world.row(late).expires_at == given


def test_the_time_between_two_rests_is_none(world: World, smtp: Sink) -> None:
    row = world.enqueue()
    expires = world.row(row).expires_at
    look(world, paused_reason="451 later", paused_until=world.clock.now() + timedelta(hours=2))
    world.run()
    # No turn came before it was put to rest again, ten days later.
    world.clock.advance(timedelta(days=10))
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="its password has changed")
    world.clock.advance(timedelta(days=1))
    with world.db.work() as uow:
        accounts.resume(uow, VAULT, "ana@acme.test")
    world.run()
    assert world.row(row).expires_at - expires == timedelta(days=1, hours=2)


def test_a_rest_that_ends_by_itself_never_takes_the_place_of_one_that_does_not(world: World) -> None:
    with world.db.work() as uow:
        box, now = accounts.pause(uow, 1, reason="we move", actor="ana@acme.test"), uow.now()
        assert not resting.begin(box, "451 later", now + timedelta(hours=1), now)
        assert (box.paused_reason, box.paused_until) == ("we move (ana@acme.test)", None)
        assert resting.begin(box, "535 refused", None, now)
        assert box.paused_reason == "535 refused"


def test_a_long_rest_is_forgiven_in_one_statement(world: World, smtp: Sink) -> None:
    began = world.clock.now()
    rows = [world.enqueue(f"site{number}.test") for number in range(3)]
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="nobody signs in")
    world.run()
    given = [world.row(row).expires_at for row in rows]
    world.clock.at = began + timedelta(days=70, seconds=7)
    rows.append(world.enqueue("late.test"))
    given.append(world.row(rows[3]).expires_at)
    world.clock.at += timedelta(days=1, hours=1)
    wrote: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE outbound SET expires_at"):
            wrote.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", seen)
    with world.db.work() as uow:
        expiry.forgive(uow, 1, began, None)
    assert len(wrote) == 1
    # Sixty days at most; what came during the rest has waited through a part of it.
    most = [timedelta(days=60)] * 3 + [timedelta(days=1, hours=1)]
    assert [world.row(row).expires_at - at for row, at in zip(rows, given, strict=True)] == most
    with world.db.read() as uow:
        # As any other time, also where it is compared as text.
        same = select(Outbound.id).where(col(Outbound.expires_at) == given[0] + most[0])
        assert list(uow.session.execute(same).scalars()) == rows[:3]


def test_a_mailbox_that_rests_for_ever_locks_nothing_for_ever(world: World) -> None:
    row = world.enqueue()
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="nobody signs in")
    world.run()
    world.clock.advance(timedelta(days=73))
    world.run()
    assert (world.row(row).state, due(world)) == (OutboundState.QUEUED, [])
    world.clock.advance(timedelta(days=2))
    assert due(world) == [1]
    world.run()
    assert (world.row(row).state, due(world)) == (OutboundState.CANCELLED, [])


@pytest.mark.parametrize("what", ["expired", "closed", "answered"])
def test_what_is_over_is_taken_out_of_a_mailbox_that_is_switched_off(world: World, what: str) -> None:
    row = world.enqueue()
    with world.db.work() as uow:
        upkeep.switch_off(uow, 1, actor="ana")
    assert due(world) == [1]
    world.run()
    assert due(world) == []
    assert "on 15 June 2026 the mail is given up" in why(world, row)[1]
    with world.db.work() as uow:
        if what == "closed":
            uow.session.execute(update(Conversation).values(state=ConversationState.CLOSED, closed_at=uow.now()))
        elif what == "answered":
            prospects.block(uow, world.row(row).prospect_id, Blocking.REPLY)
        else:
            world.clock.advance(timedelta(days=14, minutes=1))
    # Its queue is walked every five minutes, and not at each sweep.
    world.clock.advance(timedelta(minutes=4))
    assert due(world) == ([1] if what == "expired" else [])
    world.clock.advance(timedelta(minutes=1))
    assert due(world) == [1]
    world.run()
    assert (world.row(row).state, due(world)) == (OutboundState.CANCELLED, [])


@pytest.mark.parametrize("away", ["off", "rests"])
def test_what_a_dead_sender_held_is_known_though_its_mailbox_may_not_send(world: World, away: str) -> None:
    unsure, claimed = world.enqueue(), world.enqueue("other.test")
    look(world, fence=1, lease_owner="dead", lease_until=world.clock.now() + timedelta(seconds=60))
    with world.db.work() as uow:
        for row, state in ((unsure, OutboundState.COMMITTED), (claimed, OutboundState.CLAIMED)):
            values = {"state": state, "fence": 1, "committed_at": uow.now() if row == unsure else None}
            uow.session.execute(update(Outbound).where(col(Outbound.id) == row).values(**values))
        if away == "off":
            upkeep.switch_off(uow, 1, actor="ana")
        else:
            accounts.pause(uow, 1, reason="nobody signs in")
    # Its holder may yet live: a server takes its time at the dot.
    world.run()
    assert world.row(unsure).state is OutboundState.COMMITTED
    world.clock.advance(timedelta(seconds=61))
    assert due(world) == [1]
    world.run()
    assert (world.row(unsure).state, world.row(claimed).state) == (OutboundState.AMBIGUOUS, OutboundState.QUEUED)
    assert world.outcomes(unsure) == ["ambiguous"]
    assert due(world) == []
    with world.db.read() as uow:
        assert repository.due_reconciliations(uow.session, world.clock.now() + timedelta(minutes=1)) == [1]
    with world.db.work() as uow:
        # What the dead one would still write finds another fence.
        assert not repository.settle(
            uow.session, unsure, 1, OutboundState.COMMITTED, state=OutboundState.SENT, sent_at=world.clock.now()
        )


def test_a_clock_that_leaps_and_comes_back_costs_nothing(world: World, smtp: Sink) -> None:
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(gap_min_seconds=60, gap_max_seconds=120))
        uow.session.add(MailboxPacing(mailbox_id=1))
    hold.begin(world.db, world.settings)
    rows = [world.enqueue(f"site{number}.test") for number in range(3)]
    beat(world)
    began = world.clock.now()
    # It leaps by ten days for one mail.
    world.clock.at = began + timedelta(days=10)
    assert world.run().sent == 1
    world.clock.at = began + timedelta(minutes=1)
    assert due(world) == [1]
    assert why(world, rows[1])[0] == "next"
    assert world.run().sent == 1
    # By twenty days for one turn, before any heartbeat and after one: everything has expired by that clock.
    world.clock.at = began + timedelta(days=20)
    for _ in range(2):
        assert world.run().sent == 0
        assert why(world, rows[2]) == ("clock-leapt", why(world, rows[2])[1])
        assert "no waiting mail expires" in why(world, rows[2])[1]
        beat(world)
    assert world.row(rows[2]).state is OutboundState.QUEUED
    world.clock.at = began + timedelta(minutes=10)
    beat(world)
    assert world.run().sent == 1
    assert len(smtp.messages) == 3


@pytest.mark.parametrize("noted", [False, True])
def test_no_slot_is_lost_to_a_wrong_clock(world: World, smtp: Sink, noted: bool) -> None:
    world.settings = world.settings.model_copy(update={"send_window": "08:00-18:00"})
    hold.begin(world.db, world.settings)
    row = world.enqueue()
    beat(world)
    began = world.clock.now()
    world.clock.at = began + timedelta(days=20)
    if noted:
        beat(world)
    world.run()
    world.clock.at = began + timedelta(minutes=10)
    beat(world)
    with world.db.read() as uow:
        moved = uow.session.get_one(Outbound, row).not_before
    assert (moved > began + timedelta(days=19)) is noted
    # Nothing is due by it, and its mailbox is found all the same.
    assert due(world) == [1]
    assert world.run().sent == 1
    assert due(world) == []


@pytest.mark.parametrize("noted", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_no_mail_waits_for_the_gate_of_a_wrong_clock(world: World, smtp: Sink, asked: bool, noted: bool) -> None:
    hold.begin(world.db, world.settings)
    rows = [world.enqueue(f"{kind.lower()}.test", kind) for kind in (OutboundKind.REPLY, OutboundKind.FOLLOW_UP)]
    away = world.enqueue("away.test")
    beat(world)
    began = world.clock.now()
    with world.db.work() as uow:
        back = {"wanted_at": began + timedelta(days=9), "not_before": began + timedelta(days=9)}
        uow.session.execute(update(Outbound).where(col(Outbound.id) == away).values(hold_reason="away", **back))
    # Every certificate has run out by that clock.
    world.clock.at = began + timedelta(days=10)
    if noted:
        beat(world)
    if not asked:
        look(world, poll_failures=1, poll_due_at=world.clock.now() + timedelta(minutes=1))
    assert world.run(Gate(current=False, reason="its certificate has run out")).sent == 0
    world.clock.at = began + timedelta(minutes=10)
    beat(world)
    look(world, poll_failures=0, poll_due_at=world.clock.now(), polled_at=world.clock.now())
    assert [(world.row(row).not_before > world.clock.now()) for row in rows] == [noted] * 2
    assert due(world) == [1]
    assert world.run().sent == 2
    assert (world.row(away).not_before, world.row(away).state) == (back["not_before"], OutboundState.QUEUED)
    assert due(world) == []


def test_no_mailbox_rests_by_a_clock_that_was_wrong(world: World, smtp: Sink) -> None:
    row = world.enqueue()
    began = world.clock.now()
    look(world, paused_reason="connect: its certificate has run out", paused_until=began + timedelta(days=1))
    assert (world.run().stopped, world.row(row).state) == ("the mailbox is switched off, or rests", "QUEUED")
    assert why(world, row)[0] == "mailbox-paused"
    look(world, paused_until=began + timedelta(days=365, minutes=15))
    assert (why(world, row)[0], due(world)) == ("next", [1])
    assert world.run().sent == 1


def test_a_mailbox_that_rests_gets_its_slots_back_too(world: World) -> None:
    hold.begin(world.db, world.settings)
    row = world.enqueue()
    beat(world)
    began = world.clock.now()
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="nobody signs in")
        far = {"hold_reason": "the gate", "not_before": began + timedelta(days=365)}
        uow.session.execute(update(Outbound).values(**far))
    world.run()
    world.clock.at = began + timedelta(days=365)
    beat(world)
    world.clock.at = began
    beat(world)
    assert due(world) == [1]
    world.run()
    assert (world.row(row).not_before <= began, due(world)) == (True, [])


def doubted(world: World) -> str | None:
    with world.db.read() as uow:
        found = steady.doubt(uow.session, uow.now())
    return found.reason if found is not None else None


def test_a_stop_is_told_from_a_leap(world: World) -> None:
    hold.begin(world.db, world.settings)
    first = world.clock.now()
    hold.beat(world.db, world.settings, first)
    # The same process goes on, then one that was started meanwhile, and one that was started by a clock that lags.
    for days, began, told in ((20, 0, "clock-leapt"), (30, 30, "long-stop"), (3, 3, "clock-leapt")):
        world.clock.at = first + timedelta(days=days, minutes=1)
        assert doubted(world) == "clock-leapt"
        for _ in range(2):
            hold.beat(world.db, world.settings, first + timedelta(days=began))
            assert doubted(world) == told


def test_where_only_cron_beats_what_is_too_old_is_taken_out_by_the_next_run(world: World) -> None:
    hold.begin(world.db, world.settings)
    row = world.enqueue()
    with world.db.work() as uow:
        accounts.pause(uow, 1, reason="nobody signs in")
    for week, state in ((1, OutboundState.QUEUED), (11, OutboundState.QUEUED), (12, OutboundState.CANCELLED)):
        world.clock.at = START + timedelta(weeks=week)
        hold.beat(world.db, world.settings)
        assert doubted(world) == "long-stop"
        world.run()
        assert world.row(row).state is state
    # A clock that goes back is no stop.
    world.clock.at = START + timedelta(weeks=3)
    hold.beat(world.db, world.settings)
    assert doubted(world) == "clock-leapt"


def test_after_a_long_stop_it_expires_a_day_later(world: World) -> None:
    hold.begin(world.db, world.settings)
    row = world.enqueue()
    beat(world)
    world.clock.advance(timedelta(days=20))
    hold.beat(world.db, world.settings, world.clock.now())
    world.run()
    assert why(world, row)[1].startswith("nothing ran here from 1 June 2026 on")
    assert world.row(row).state is OutboundState.QUEUED
    world.clock.advance(timedelta(hours=13))
    beat(world)
    world.clock.advance(timedelta(hours=13))
    beat(world)
    world.run()
    assert world.row(row).state is OutboundState.CANCELLED
    with world.db.read() as uow:
        assert uow.session.get_one(Outbound, row).hold_reason == "expired: it had waited too long to be worth sending"
