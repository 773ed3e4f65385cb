"""One kind of work: what runs for a row, and how the clock finds the rows that are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dramatiq
from dramatiq import Broker
from sqlmodel import Session

from app.container import Container
from app.errors import GapbridgeError
from app.jobs import Job
from app.log import get_logger
from workers.broker import queue_of
from workers.heartbeat import Faults
from workers.metrics import JOB_SECONDS, JOBS

log = get_logger("workers")


@dataclass(frozen=True, slots=True)
class Work:
    """`run(container, row_id)` makes its own transactions and must be safe to run twice, late, or not at all;
    `due(session, now)` gives the ids of the rows that want it now, most urgent first (it may read only).

    `time_limit` ends a run that has gone astray: keep it above every time-out inside. A stopping worker waits
    for the end of a run; one that takes minutes looks at `Container.stopping` between two steps and stays due.
    `priority`: of the messages that a worker holds, those with the lower number run first.
    """

    job: Job
    run: Callable[[Container, int], object]
    due: Callable[[Session, datetime], Iterable[int]]
    time_limit: timedelta = timedelta(minutes=15)
    priority: int = 0


def declare(broker: Broker, container: Container, table: Sequence[Work]) -> None:
    """Declare one actor for each work on `broker`; its runs use `container`."""
    faults = Faults(container)
    for work in table:
        dramatiq.actor(
            actor_name=work.job.value,
            queue_name=queue_of(work.job, container.settings.broker_namespace),
            broker=broker,
            priority=work.priority,
            time_limit=work.time_limit.total_seconds() * 1000,
        )(_performer(container, work, faults))


def _performer(container: Container, work: Work, faults: Faults) -> Callable[[int], None]:
    def perform(row_id: int) -> None:
        started = time.monotonic()
        outcome = "failed"
        try:
            work.run(container, row_id)
            outcome = "done"
            faults.succeeded(work.job, row_id)
        except GapbridgeError as error:
            # Known and already on its row; an unknown error goes up to dramatiq, which logs it with its traceback.
            outcome = "refused"
            faults.succeeded(work.job, row_id)
            log.warning("job.refused", job=work.job.value, row_id=row_id, code=error.code, detail=error.detail)
        except Exception as error:
            faults.failed(work.job, row_id, error)
            raise
        finally:
            seconds = time.monotonic() - started
            JOBS.labels(work.job, outcome).inc()
            JOB_SECONDS.labels(work.job).observe(seconds)
            log.debug("job.ran", job=work.job.value, row_id=row_id, outcome=outcome, seconds=round(seconds, 3))

    return perform
