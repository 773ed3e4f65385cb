"""The clock's lease and its sweeps, on both databases, with time that is moved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from app.clock import FixedClock
from app.container import Container
from app.db.work import Database
from app.errors import Unavailable
from app.health import check_clock
from app.installation.ticking import give_back_lease, lease_term, take_lease
from app.jobs import Job, RecordingDispatcher
from app.models import Lease
from app.settings import Settings
from tests.conftest import START
from workers.broker import BrokerDispatcher, make_broker
from workers.clock import ClockThread
from workers.work import Work

TERM = timedelta(seconds=45)


def take(db: Database, owner: str) -> int | None:
    with db.work() as uow:
        return take_lease(uow.session, owner, uow.now(), TERM)


def test_one_holder_at_a_time(db: Database, clock: FixedClock) -> None:
    assert take(db, "a") == 1
    assert take(db, "b") is None
    clock.advance(TERM - timedelta(seconds=1))
    assert take(db, "a") == 1  # renewed, the same holder
    clock.advance(TERM - timedelta(seconds=1))
    assert take(db, "b") is None  # over at `until`, not before
    clock.advance(timedelta(seconds=1))
    assert take(db, "b") == 2
    assert take(db, "a") is None


def test_a_lease_that_was_given_back_is_free_at_once(db: Database) -> None:
    assert take(db, "a") == 1
    with db.work() as uow:
        assert not give_back_lease(uow.session, "b", uow.now())
        assert give_back_lease(uow.session, "a", uow.now())
    assert take(db, "b") == 2


def test_a_lease_of_a_clock_that_was_ahead_is_free(container: Container, clock: FixedClock) -> None:
    first, second = ticker(container), ticker(container)
    assert (first.tick(), check_clock(container)) == (0, f"held by {first.owner}")
    clock.advance(timedelta(days=10))
    assert (first.tick(), check_clock(container)) == (0, f"held by {first.owner}")
    # It dies, and the clock is put right.
    clock.advance(timedelta(days=-10))
    with pytest.raises(Unavailable, match="no clock is running"):
        check_clock(container)
    assert second.tick() == 0
    assert check_clock(container) == f"held by {second.owner}"
    assert first.tick() is None


def test_of_many_that_try_together_one_wins(db: Database, clock: FixedClock) -> None:
    for round_no in range(1, 6):
        won: list[int] = []
        barrier = threading.Barrier(8)

        def race(name: str, won: list[int] = won, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            fence = take(db, name)
            if fence is not None:
                won.append(fence)

        racers = [threading.Thread(target=race, args=(f"{round_no}-{number}",)) for number in range(8)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert won == [round_no]
        clock.advance(TERM + timedelta(seconds=1))


@pytest.fixture
def container(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[Container]:
    made = Container(settings, clock=clock, dispatcher=dispatcher)
    yield made
    made.close()


def ticker(container: Container, *table: Work) -> ClockThread:
    return ClockThread(container, make_broker(container.settings), table)


def nothing(container: Container, row_id: int) -> None:
    raise AssertionError("a sweep runs no job")


def test_a_sweep_rings_for_what_is_due(container: Container, dispatcher: RecordingDispatcher) -> None:
    def due(session: Session, now: datetime) -> list[int]:
        assert now == START
        return [3, 1, 2]

    assert ticker(container, Work(Job.LINKS_CHECK, run=nothing, due=due)).tick() == 3
    assert dispatcher.rung == [(Job.LINKS_CHECK, 3), (Job.LINKS_CHECK, 1), (Job.LINKS_CHECK, 2)]


def test_only_the_holder_sweeps(container: Container, dispatcher: RecordingDispatcher, clock: FixedClock) -> None:
    work = Work(Job.LINKS_CHECK, run=nothing, due=lambda session, now: [1])
    first, second = ticker(container, work), ticker(container, work)
    assert first.tick() == 1
    assert second.tick() is None
    assert len(dispatcher.rung) == 1
    clock.advance(lease_term(container.settings.sweep_seconds) + timedelta(seconds=1))
    assert second.tick() == 1
    assert first.tick() is None
    with container.db.read() as look:
        lease = look.session.get(Lease, "clock")
        assert lease is not None
        assert (lease.owner, lease.fence) == (second.owner, 2)


def test_a_sweep_that_fails_or_writes_does_not_hold_up_the_others(
    container: Container, dispatcher: RecordingDispatcher
) -> None:
    def broken(session: Session, now: datetime) -> list[int]:
        raise RuntimeError("no such column")

    def writer(session: Session, now: datetime) -> list[int]:
        session.add(Lease(name="other", owner="x", until=now))
        session.flush()
        return [1]

    table = [
        Work(Job.MENTIONS_CHECK, run=nothing, due=broken),
        Work(Job.INBOX_POLL, run=nothing, due=writer),
        Work(Job.LINKS_CHECK, run=nothing, due=lambda session, now: [9]),
    ]
    assert ticker(container, *table).tick() == 1
    assert dispatcher.rung == [(Job.LINKS_CHECK, 9)]


def test_a_sweep_has_an_upper_end(container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.clock.AT_ONCE", 10)
    work = Work(Job.LINKS_CHECK, run=nothing, due=lambda session, now: range(1000))
    assert ticker(container, work).tick() == 10


def test_a_large_backlog_of_one_kind_does_not_keep_the_others_out(
    settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.clock.BACKLOG", 5)
    broker = make_broker(settings)
    container = Container(settings, clock=clock, dispatcher=BrokerDispatcher(broker, settings.broker_namespace))
    table = [
        Work(job, run=nothing, due=lambda session, now: range(10)) for job in (Job.MENTIONS_CHECK, Job.LINKS_CHECK)
    ]
    clock_thread = ClockThread(container, broker, table)
    assert clock_thread.tick() == 20
    assert clock_thread.tick() == 0
    container.close()
