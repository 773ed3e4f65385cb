"""The clock: finds due rows in the database and rings for them. One process ticks, held by a lease row.

Work is a row with a due time; the broker only wakes. So whatever bells were lost (a broker that was away, a process
that was killed, a queue that was purged), the next sweep rings again. Two clocks at once would do no harm, only double
the bells; the lease saves that work.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from dramatiq import Broker
from sqlalchemy import CursorResult, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.container import Container
from app.installation import hold
from app.log import correlated, get_logger
from app.models import Lease
from workers.broker import backlog, queue_of, queues
from workers.metrics import DUE, SWEEPS
from workers.work import Work

log = get_logger("workers.clock")

LEASE = "clock"
# More than this many messages waiting in a queue: the workers have enough, and ringing again would only pile up copies.
BACKLOG = 500
# Rows that one sweep rings for at most, of one kind.
AT_ONCE = 500


def take_lease(session: Session, owner: str, now: datetime, term: timedelta, name: str = LEASE) -> int | None:
    """Take or renew the lease `name` until `now + term`; the fence when `owner` holds it now, None when another does.

    Compare-and-set in one statement: of two that try at once, one wins. The fence grows with each new holder.
    """
    insert = sqlite.insert(Lease) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(Lease)
    session.execute(
        insert.values(name=name, owner=owner, until=now + term, fence=1).on_conflict_do_nothing(index_elements=["name"])
    )
    renewed = session.execute(
        update(Lease)
        .where(col(Lease.name) == name, col(Lease.owner) == owner)
        .values(until=now + term)
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if renewed is not None:
        return int(renewed)
    taken = session.execute(
        update(Lease)
        .where(col(Lease.name) == name, col(Lease.until) < now)
        .values(owner=owner, until=now + term, fence=col(Lease.fence) + 1)
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return None if taken is None else int(taken)


def give_back_lease(session: Session, owner: str, now: datetime, name: str = LEASE) -> bool:
    """End the lease of `owner` now, so that the next clock need not wait for it; False when it was not the holder."""
    result = session.execute(
        update(Lease)
        .where(col(Lease.name) == name, col(Lease.owner) == owner)
        .values(until=now - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )
    return isinstance(result, CursorResult) and result.rowcount > 0


def lease_term(sweep_seconds: float) -> timedelta:
    """How long a clock holds the lease: three sweeps and at least five seconds, so that a slow one loses nothing."""
    return timedelta(seconds=max(3 * sweep_seconds, 5.0))


class ClockThread:
    """Ticks every `sweep_seconds` in its own thread, from the start on, as long as it holds the lease."""

    def __init__(self, container: Container, broker: Broker, table: Sequence[Work]) -> None:
        self.owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._container = container
        self._broker = broker
        self._table = table
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._ticking = False

    def start(self) -> None:
        """Begin with a sweep at once: whatever was due while nobody ran is found at boot."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop, and give the lease back for the next clock."""
        self._stop.set()
        self._thread.join(timeout)
        try:
            with self._container.db.work() as uow:
                give_back_lease(uow.session, self.owner, uow.now())
        except Exception as error:  # noqa: BLE001 - the database may be what made us stop; the lease then runs out
            log.warning("clock.lease_kept", error=str(error))

    def tick(self) -> int | None:
        """One sweep: how many bells were rung, or None when another clock holds the lease."""
        with self._container.db.work() as uow:
            fence = take_lease(uow.session, self.owner, uow.now(), lease_term(self._container.settings.sweep_seconds))
        if fence is None:
            self._ticking = False
            hold.standing(self._container.db, self._container.settings)
            SWEEPS.labels("idle").inc()
            return None
        if not self._ticking:
            self._ticking = True
            log.info("clock.holds", owner=self.owner, fence=fence)
        hold.beat(self._container.db, self._container.settings)
        # Looked at before the first bell: what one kind of work rings for must not keep its neighbours out.
        namespace = self._container.settings.broker_namespace
        full = {name for name in queues(namespace) if self._full(name)}
        rung = sum(self._sweep(work, queue_of(work.job, namespace) in full) for work in self._table)
        SWEEPS.labels("done").inc()
        return rung

    def _sweep(self, work: Work, full: bool) -> int:
        try:
            with self._container.db.read() as look:
                due = list(work.due(look.session, look.now()))
            DUE.labels(work.job).set(len(due))
            if full:
                return 0
            for row_id in due[:AT_ONCE]:
                # Each job that nobody asked for is a trace of its own.
                with correlated():
                    self._container.dispatcher.ring(work.job, row_id)
            return len(due[:AT_ONCE])
        except Exception:  # One kind of work that cannot be swept must not hold up the others.
            SWEEPS.labels("failed").inc()
            log.exception("clock.sweep_failed", job=work.job.value)
            return 0

    def _full(self, queue_name: str) -> bool:
        try:
            return backlog(self._broker, queue_name) > BACKLOG
        except Exception as error:  # noqa: BLE001 - the broker is away; ringing will say so and count it
            log.debug("clock.backlog_unknown", queue=queue_name, error=str(error))
            return False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.tick()
            except Exception:
                SWEEPS.labels("failed").inc()
                log.exception("clock.tick_failed")
            self._stop.wait(self._container.settings.sweep_seconds)
