"""A sign of life of this process every 20 seconds, and what its jobs have failed at: for the page of the system."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from contextlib import suppress

from sqlalchemy import delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

import app as package
from app.container import Container
from app.jobs import Job
from app.log import correlation_id, get_logger
from app.models import JobFault, WorkerBeat

log = get_logger("workers.heartbeat")

EVERY_SECONDS = 20.0


class Heartbeat:
    """Writes the row of this process from the start on, and takes it away at an orderly stop."""

    def __init__(self, container: Container, threads: int) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._container, self._threads = container, threads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and take the row away: a process that ended in order is not missed."""
        self._stop.set()
        self._thread.join(10)
        with suppress(Exception), self._container.db.work() as uow:
            uow.session.execute(delete(WorkerBeat).where(col(WorkerBeat.name) == self.name))

    def beat(self) -> None:
        """One sign of life."""
        db = self._container.db
        with db.work(durable=False) as uow:
            now, skew = uow.now(), None
            if not db.is_sqlite:
                there = uow.session.execute(text("SELECT clock_timestamp()")).scalar_one()
                skew = (now - there).total_seconds()
            row = uow.session.get(WorkerBeat, self.name)
            if row is None:
                row = WorkerBeat(
                    name=self.name, version=package.__version__, threads=self._threads, started_at=now, seen_at=now
                )
                uow.session.add(row)
            row.seen_at, row.skew = now, skew

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - a database that is away is what the other loops report
                log.warning("heartbeat.failed", error=type(error).__name__)
            self._stop.wait(EVERY_SECONDS)


class Faults:
    """Remembers which jobs failed at what; a job that succeeds again is forgotten."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._known: set[tuple[str, int]] = set()
        self._read_at = -EVERY_SECONDS
        self._lock = threading.Lock()

    def failed(self, job: Job, row_id: int, error: BaseException) -> None:
        """Keep a failure that nobody foresaw."""
        said = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:500]
        with suppress(Exception), self._container.db.work() as uow:
            insert = sqlite.insert if self._container.db.is_sqlite else postgresql.insert
            now = uow.now()
            values = {"error": said, "correlation_id": correlation_id(), "last_at": now}
            made = insert(JobFault).values(job=job.value, row_id=row_id, times=1, first_at=now, **values)
            uow.session.execute(
                made.on_conflict_do_update(
                    index_elements=["job", "row_id"], set_={**values, "times": col(JobFault.times) + 1}
                )
            )
        with self._lock:
            self._known.add((job.value, row_id))

    def succeeded(self, job: Job, row_id: int) -> None:
        """Forget an earlier failure; what other processes have noted is looked up every 20 seconds."""
        with self._lock, suppress(Exception):
            if time.monotonic() - self._read_at >= EVERY_SECONDS:
                self._read_at = time.monotonic()
                with self._container.db.read() as look:
                    found = look.session.execute(select(col(JobFault.job), col(JobFault.row_id))).all()
                self._known = {(name, number) for name, number in found}
            if (job.value, row_id) not in self._known:
                return
            with self._container.db.work() as uow:
                mine = (col(JobFault.job) == job.value, col(JobFault.row_id) == row_id)
                uow.session.execute(delete(JobFault).where(*mine))
            self._known.discard((job.value, row_id))
