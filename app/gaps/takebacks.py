"""Imports that are taken back: a person asks for it, a worker computes the gap without it, and until that is written nothing has changed."""

from __future__ import annotations

from datetime import datetime

import duckdb
from sqlalchemy import select
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.errors import GapbridgeError, NotFound
from app.gaps import imports, service, uploads
from app.gaps.progress import Stopped, Watch
from app.jobs import Job
from app.log import get_logger
from app.models import ImportJob, ImportKind, ImportState, Snapshot

log = get_logger("gaps")


def ask(uow: UnitOfWork, snapshot_id: int, *, actor: str) -> ImportJob:
    """Let a worker take an import back; asked twice, it is the same run. Raises NotFound."""
    one = imports.snapshot(uow, snapshot_id)
    job = _earlier(uow, one)
    if job is None:
        job = ImportJob(
            site_id=one.site_id,
            kind=ImportKind.TAKEBACK,
            filename=one.filename,
            path="",
            target=one.target,
            snapshots=[snapshot_id],
            created_by=actor,
            created_at=uow.now(),
        )
        uow.session.add(job)
    if job.state in (ImportState.UPLOADED, ImportState.FAILED):
        job.state, job.error, job.due_at, job.cancel_asked = ImportState.QUEUED, None, uow.now(), False
        job.created_by = actor
        uow.session.flush()
        audit.record(
            uow, "takeback.asked", "upload", job.id, name=job.filename, after={"import": snapshot_id}, actor=actor
        )
        uow.ring(Job.GAPS_TAKEBACK, job.id)
    return job


def left(uow: UnitOfWork, job: ImportJob) -> int | None:
    """The import that a failed run was to take back, where it is still there and can be asked for again; else None."""
    failed = job.kind is ImportKind.TAKEBACK and job.state is ImportState.FAILED
    return _asked_for(uow, job) if failed else None


def _asked_for(uow: UnitOfWork, job: ImportJob) -> int | None:
    found = uow.session.get(Snapshot, job.snapshots[0]) if job.snapshots else None
    # SQLite gives the number of a deleted import to a later one, which nobody has asked to take back.
    return found.id if found is not None and found.created_at <= job.created_at else None


def _earlier(uow: UnitOfWork, one: Snapshot) -> ImportJob | None:
    statement = select(ImportJob).where(
        col(ImportJob.kind) == ImportKind.TAKEBACK,
        col(ImportJob.state).not_in(uploads.OVER),
        col(ImportJob.site_id) == one.site_id,
    )
    jobs = uow.session.execute(statement.order_by(col(ImportJob.id))).scalars()
    return next((job for job in jobs if _asked_for(uow, job) == one.id), None)


def due(session: Session, now: datetime) -> list[int]:
    """What was asked for, and runs that were cut off."""
    return uploads.due(session, now, ImportKind.TAKEBACK)


def run(deps: uploads.Deps, job_id: int) -> None:
    """Take the import back and write the gap without it, in one transaction; safe to run twice. What is wrong is on the row."""
    begun = uploads.claim(deps, job_id)
    if begun is None:
        return
    watch = Watch(deps, job_id)
    folder = service.snapshot_folder(deps.settings)
    state, error, counts = ImportState.DONE, None, dict[str, int]()
    try:
        with deps.db.read() as uow:
            number = _asked_for(uow, uploads.get(uow, job_id))
        if number is not None:
            done = service.remove_import(deps.db, number, folder=folder, actor=begun.created_by, watch=watch)
            error, counts = done.not_yet, done.counts
    except (duckdb.InterruptException, Stopped):
        state = ImportState.CANCELLED
    except NotFound as wrong:
        # Somebody else has taken it back meanwhile, or it is there and something else is missing.
        with deps.db.read() as uow:
            if _asked_for(uow, uploads.get(uow, job_id)) is not None:
                state, error = ImportState.FAILED, wrong.detail
    except GapbridgeError as wrong:
        state, error = ImportState.FAILED, wrong.detail
    finally:
        watch.end()
    if counts:
        with deps.db.work() as uow:
            uploads.get(uow, job_id).counts = counts
    uploads.finish(deps, job_id, state, error)
    log.info("takeback.finished", job_id=job_id, state=state.value)
