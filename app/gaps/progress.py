"""How far a run over links is: written on its row once a second, where a person sees it and can stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import duckdb

from app.db.work import Database, UnitOfWork
from app.gaps.engine import Engine
from app.log import get_logger
from app.models import ImportJob, ImportState

log = get_logger("gaps")

_EVERY_SECONDS = 1.0


class Deps(Protocol):
    """The wired dependencies that a watch uses."""

    @property
    def db(self) -> Database:
        """The database."""


class Stopped(Exception):
    """A person has cancelled it between two steps."""


class Watch:
    """Writes how far the reading is, once a second, and interrupts the engine when a person has cancelled."""

    def __init__(self, deps: Deps, job_id: int, *, claim: timedelta | None = None) -> None:
        """`claim`: how long the run keeps its row after each note, for one that lasts longer than its first claim. Such a run fetches
        what it imports, and its progress is that of the fetching."""
        self.deps, self.job_id, self.total, self._claim = deps, job_id, 0, claim
        self._read = 0
        self._ended = threading.Event()

    def begin(self, engine: Engine, text: Path) -> None:
        """Follow the reading of an unpacked text; the bytes of a workbook or an archive say nothing of its rows."""
        with text.open("rb") as stream:
            self.total = max(0, sum(piece.count(b"\n") for piece in iter(lambda: stream.read(1 << 20), b"")) - 1)
        engine.run("SET enable_progress_bar = true")
        self._follow(engine, lambda: engine.connection.query_progress() / 100)

    def compute(self, engine: Engine, rows: int) -> None:
        """Follow a gap over lists of `rows` rows in all, of which `read` tells."""
        if self._claim is not None:
            self._follow(engine, lambda: 1.0, begin=self.total)
            return
        self.total, self._read = rows, 0
        self._follow(engine, lambda: self._read / max(1, rows))

    def read(self, rows: int) -> None:
        """So many rows more are read."""
        self._read += rows

    def last(self) -> None:
        """Nothing is followed from here on: it can be cancelled at this moment, or at the next call. Raises Stopped."""
        self.end()
        self.note(self.total)

    def end(self) -> None:
        """Nothing is to be followed any more."""
        self._ended.set()

    def note(self, done: int) -> None:
        """Write the progress. Raises Stopped when it was cancelled."""
        with self.deps.db.work() as uow:
            job = uow.session.get_one(ImportJob, self.job_id)
            job.rows_total, job.rows_done = self.total, done
            if self._claim is not None and job.state is ImportState.RUNNING:
                job.due_at = uow.now() + self._claim
            stopped = job.cancel_asked
        if stopped:
            raise Stopped

    def taken_back(self, uow: UnitOfWork) -> None:
        """The import is deleted with this transaction: another one may get its number, and a second run must not take that."""
        uow.session.get_one(ImportJob, self.job_id).snapshots = []

    def _follow(self, engine: Engine, share_of: Callable[[], float], begin: int = 0) -> None:
        self.note(begin)
        # Each reading has an end of its own: a gap may be computed again.
        self._ended = threading.Event()
        threading.Thread(target=self._look, args=(engine, share_of, self._ended), daemon=True).start()

    def _look(self, engine: Engine, share_of: Callable[[], float], ended: threading.Event) -> None:
        share = 0.0
        while not ended.wait(_EVERY_SECONDS):
            try:
                # Each query of the reading begins at nothing again; what a person sees only grows.
                share = max(share, min(share_of(), 1.0))
                try:
                    self.note(round(self.total * share))
                except Stopped:
                    engine.connection.interrupt()
                    return
            except duckdb.ConnectionException:
                return  # The reading has ended between two looks, and its connection is closed.
            except Exception:
                log.warning("import.progress_failed", job_id=self.job_id, exc_info=True)
