"""Pulls that a person has asked for: refused before anything is spent, run by a worker that can be stopped, with a report at the end.

A run that is cut off is not begun again by itself, because what it asks for costs money: it says so, and what came waits for the next.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
from sqlalchemy import select
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import Conflict, GapbridgeError
from app.gaps import prices, pulls, uploads
from app.gaps.progress import Stopped, Watch
from app.jobs import Job
from app.log import get_logger
from app.models import ImportJob, ImportKind, ImportState, Site
from app.settings import Settings

log = get_logger("gaps")


def ask(
    uow: UnitOfWork,
    settings: Settings,
    site_id: int,
    provider: str,
    rows: int,
    *,
    most: float | None = None,
    actor: str,
) -> ImportJob:
    """Let a worker pull `rows` of every target of a site. `most`, in the provider's unit, is the price that somebody has agreed to.

    Raises BadInput (see `prices.plan`), Refused where the budget or `most` does not hold the estimate, and Conflict where the same
    provider is asked for the same site already.
    """
    planned = prices.plan(uow, settings, site_id, provider, rows)
    planned.affordable(most)
    # Two that ask at once: the second sees the first.
    uow.session.execute(select(col(Site.id)).where(col(Site.id) == site_id).with_for_update(key_share=True))
    running = select(ImportJob).where(
        col(ImportJob.kind) == ImportKind.PULL,
        col(ImportJob.site_id) == site_id,
        col(ImportJob.state).in_((ImportState.QUEUED, ImportState.RUNNING)),
    )
    for job in uow.session.execute(running).scalars():
        if job.asked.get("provider") == provider:
            raise Conflict(say("{provider} is asked for this site already", provider=provider))
    job = ImportJob(
        site_id=site_id,
        kind=ImportKind.PULL,
        filename=prices.provider_by_name(provider).title,
        path="",
        state=ImportState.QUEUED,
        # What was shown is what was agreed to, whatever changes until a worker begins.
        asked={"provider": provider, "rows": rows, "most": planned.cost, "unit": planned.unit},
        due_at=uow.now(),
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(job)
    uow.session.flush()
    after = {"site": site_id, "rows": rows, "most": planned.cost}
    audit.record(uow, "pull.asked", "upload", job.id, name=provider, after=after, actor=actor)
    uow.ring(Job.GAPS_ASKED_PULL, job.id)
    return job


def due(session: Session, now: datetime) -> list[int]:
    """What was asked for, and runs that were cut off."""
    return uploads.due(session, now, ImportKind.PULL)


def run(deps: pulls.Deps, job_id: int) -> None:
    """Pull, import and compute the gap; what is wrong is on the row, with what the provider says of it."""
    begun = uploads.claim(deps, job_id)
    if begun is None:
        return
    if begun.cut_off:
        error = say("its process ended before it was done; what came is used by the next pull, without cost")
        uploads.finish(deps, job_id, ImportState.FAILED, error)
        return
    provider, rows = str(begun.asked["provider"]), int(begun.asked["rows"])
    watch = Watch(deps, job_id, claim=uploads.CLAIM)
    state, words = ImportState.FAILED, None
    try:
        with deps.db.read() as uow:
            planned = prices.plan(uow, deps.settings, begun.site_id, provider, rows)
        watch.total = rows * (len(planned.targets) - len(planned.kept))
        watch.note(0)
        done = pulls.pull(
            deps,
            begun.site_id,
            provider,
            rows,
            actor=begun.created_by,
            progress=watch.note,
            watch=watch,
            most=float(begun.asked["most"]),
        )
        state = ImportState.DONE
        with deps.db.work() as uow:
            job = uploads.get(uow, job_id)
            job.snapshots = done.pop("snapshots")
            job.report = {**job.report, **{name: done.pop(name) for name in ("cost", "unit", "rows")}}
            job.counts, job.rows_total, job.rows_done = done, job.report["rows"], job.report["rows"]
    except (duckdb.InterruptException, Stopped):
        state = ImportState.CANCELLED
    except GapbridgeError as wrong:
        words = wrong.detail
    except BaseException as error:
        words = f"{type(error).__name__}: {error}"
        raise
    finally:
        watch.end()
        uploads.finish(deps, job_id, state, words)
        log.info("pull.finished", job_id=job_id, state=state.value)
