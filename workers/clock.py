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

from dramatiq import Broker

from app.container import Container
from app.installation import hold
from app.installation.ticking import give_back_lease, lease_term, take_lease
from app.log import correlated, get_logger
from workers.broker import backlog, queue_of, queues
from workers.metrics import DUE, SWEEPS
from workers.work import Work

log = get_logger("workers.clock")

# More than this many messages waiting in a queue: the workers have enough, and ringing again would only pile up copies.
BACKLOG = 500
# Rows that one sweep rings for at most, of one kind.
AT_ONCE = 500


class ClockThread:
    """Ticks every `sweep_seconds` in its own thread, from the start on, as long as it holds the lease."""

    def __init__(self, container: Container, broker: Broker, table: Sequence[Work]) -> None:
        self.owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._container = container
        self._began = container.db.clock.now()
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
        hold.beat(self._container.db, self._container.settings, self._began)
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
