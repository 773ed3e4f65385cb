"""The engine waits for the last job, rings a lost bell again, and says what is stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.clock import SteppedClock
from app.db.work import Database
from app.jobs import Job
from app.sandbox import engine as engine_module
from app.sandbox.engine import Engine


class Threads:
    """Runs each rung job in a thread; loses the first `lost` bells."""

    def __init__(self, lost: int = 0) -> None:
        self.lost, self.rung = lost, 0
        self.run = lambda owner, row_id: None

    def ring(self, job: Job, row_id: int) -> None:
        self.rung += 1
        if self.rung > self.lost:
            threading.Thread(target=self.run, args=(None, row_id)).start()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'x.sqlite'}", SteppedClock(), Threads(lost=1))
    yield made
    made.dispose()


def test_settles_when_the_last_job_has_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_RING_AGAIN_SECONDS", 0.1)
    open_rows, done = {1, 2}, []
    engine = Engine(database, [(Job.OUTBOX_DELIVER, lambda session, now: sorted(open_rows))])

    def work(owner: None, row_id: int) -> None:
        open_rows.discard(row_id)  # no longer due, and still at work
        time.sleep(0.2)
        done.append(row_id)

    database.dispatcher.run = engine.counted(work)
    engine.settle(within=10)
    assert sorted(done) == [1, 2]
    assert database.dispatcher.rung >= 3  # the lost bell was rung again


def test_says_what_is_stuck(database: Database) -> None:
    engine = Engine(database, [(Job.INBOX_POLL, lambda session, now: [7])])
    with pytest.raises(TimeoutError, match=r"inbox\.poll.*7"):
        engine.settle(within=0.1)
