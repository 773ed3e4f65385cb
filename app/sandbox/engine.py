"""Lets the demo wait until nothing is due: the jobs run in the embedded workers as in production, the demo only rings and waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from app.db.work import Database
from app.jobs import Job

Due = Callable[[Session, datetime], Iterable[int]]
Owner = TypeVar("Owner")
_RING_AGAIN_SECONDS = 2.0


class Engine:
    """Rings for every due row until none is left and no job runs. `dues` is what the clock of the workers sweeps by."""

    def __init__(self, db: Database, dues: Sequence[tuple[Job, Due]]) -> None:
        self._db = db
        self._dues = dues
        self._lock = threading.Lock()
        self._running = 0

    def counted(self, run: Callable[[Owner, int], object]) -> Callable[[Owner, int], object]:
        """`run`, counted while it runs."""

        def counting(owner: Owner, row_id: int) -> object:
            with self._lock:
                self._running += 1
            try:
                return run(owner, row_id)
            finally:
                with self._lock:
                    self._running -= 1

        return counting

    def due(self) -> list[tuple[Job, int]]:
        """Every row that wants work now."""
        with self._db.read() as look:
            return [(job, row_id) for job, find in self._dues for row_id in find(look.session, look.now())]

    def settle(self, within: float = 120.0) -> None:
        """Return when nothing is due and nothing runs; raises TimeoutError naming what is left after `within` seconds."""
        rung: dict[tuple[Job, int], float] = {}
        until = time.monotonic() + within
        quiet = 0
        while quiet < 2:
            due = self.due()
            with self._lock:
                busy = self._running
            quiet = 0 if due or busy else quiet + 1
            now = time.monotonic()
            if now > until:
                raise TimeoutError(f"still due after {within:g} seconds: {due[:5]}; running: {busy}")
            for bell in due:
                # A bell may get lost, so it is rung again; but not so often that the queue fills with copies.
                if now - rung.get(bell, -_RING_AGAIN_SECONDS) >= _RING_AGAIN_SECONDS:
                    rung[bell] = now
                    self._db.dispatcher.ring(*bell)
            time.sleep(0.02 if not due else 0.05)
