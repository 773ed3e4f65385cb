"""Lists of mention tools: read, and taken in batches, by the command line at once and by a worker for the page of imports.

The upload's row is the truth, as for exports: it says how far the list has been taken, so a run that was cut off goes on there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlmodel import Session

from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, GapbridgeError, NotFound
from app.gaps import uploads
from app.gaps.progress import Stopped
from app.log import get_logger
from app.mentions import listfile
from app.mentions.candidates import Rejected, Taken, take_lines, told
from app.models import ImportJob, ImportKind, ImportState, Site
from app.settings import Settings

log = get_logger("mentions")

#: So many lines are one transaction.
_BATCH = 100


def receive(db: Database, settings: Settings, site_id: int, name: str, stream: IO[bytes], *, actor: str) -> ImportJob:
    """Keep an uploaded list until a person has confirmed it; see `uploads.receive`."""
    return uploads.receive(
        db, settings, site_id, name, stream, actor=actor, kind=ImportKind.MENTIONS, look=listfile.look
    )


def get(uow: UnitOfWork, job_id: int) -> ImportJob:
    """One uploaded list. Raises NotFound, also for an upload of another kind."""
    found = uploads.get(uow, job_id)
    if found.kind is not ImportKind.MENTIONS:
        raise NotFound(say("there is no list of mentions {job_id}", job_id=job_id))
    return found


def due(session: Session, now: datetime) -> list[int]:
    """Confirmed lists, runs that were cut off, and lists that nobody has confirmed for a week."""
    return uploads.due(session, now, ImportKind.MENTIONS)


def take_file(db: Database, site_id: int, path: Path, *, actor: str, mapping: Mapping[str, str] | None = None) -> Taken:
    """Take the pages of a list that lies here. Raises BadInput for what is no such list, NotFound for no such site."""
    lines = listfile.read(path, mapping=mapping)
    return _take(db, site_id, lines, path.name, actor, Taken(), 0, lambda _taken, _done: None)


def run(deps: uploads.Deps, job_id: int) -> None:
    """Take a confirmed list; safe to run twice, and again after it was cut off. What is wrong with the file is on its row."""
    begun = uploads.claim(deps, job_id)
    if begun is None:
        return
    path = uploads.folder_of(deps.settings) / begun.path

    def watch(taken: Taken, done: int) -> None:
        with deps.db.work() as uow:
            job = uploads.get(uow, job_id)
            job.rows_done, job.report = done, _as_report(taken)
            job.due_at = uow.now() + uploads.CLAIM
            stopped = job.cancel_asked
        if stopped:
            raise Stopped

    try:
        if not path.is_file():
            raise NotFound(say("{name}: the upload is gone; upload it again", name=path.name))
        lines = listfile.read(path, mapping=begun.mapping)
        with deps.db.work() as uow:
            uploads.get(uow, job_id).rows_total = len(lines)
        known = taken_of(begun.report)
        watch(known, begun.rows_done)
        _take(deps.db, begun.site_id, lines, path.name, begun.created_by, known, begun.rows_done, watch)
        state, error = ImportState.DONE, None
    except Stopped:
        state, error = ImportState.CANCELLED, None
    except GapbridgeError as wrong:
        state, error = ImportState.FAILED, wrong.detail
    uploads.finish(deps, job_id, state, error)
    if state is not ImportState.FAILED:
        shutil.rmtree(path.parent, ignore_errors=True)
    log.info("mentions.list_finished", job_id=job_id, state=state.value)


def taken_of(report: Mapping[str, Any]) -> Taken:
    """What the row of an upload says became of its list."""
    rejected = [Rejected(int(one["line"]), one["reason"], one["text"]) for one in report.get("rejected", [])]
    counts = {name: int(report.get(name, 0)) for name in ("taken", "known", "prospects", "rejected_count")}
    return Taken(**counts, rejected=rejected)


def _as_report(taken: Taken) -> dict[str, Any]:
    return {**asdict(taken), "rejected": [one._asdict() for one in taken.rejected]}


def _take(
    db: Database,
    site_id: int,
    lines: list[listfile.Line],
    name: str,
    actor: str,
    taken: Taken,
    done: int,
    watch: Callable[[Taken, int], None],
) -> Taken:
    with db.read() as uow:
        if uow.session.get(Site, site_id) is None:
            raise NotFound(say("there is no site {site_id}", site_id=site_id))
    if not lines:
        raise BadInput(say("{shown}: the list has no rows", shown=name))
    while done < len(lines):
        batch = lines[done : done + _BATCH]
        with db.work() as uow:
            taken.add(take_lines(uow, site_id, batch, source=f"list: {name}"[:200], actor=actor))
            done += len(batch)
            if done == len(lines):
                told(uow, site_id, f"list: {name}", taken, actor=actor)
        watch(taken, done)
    return taken
