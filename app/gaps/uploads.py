"""Uploads from the pages: kept in the data folder, looked at, confirmed by a person, and imported by a worker that can be stopped.

The row is the truth: it survives a reload and a restart, and a run that was cut off is taken up again when its claim is over.
"""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

import duckdb
from sqlalchemy import select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say, without
from app.errors import BadInput, Conflict, GapbridgeError, NotFound
from app.gaps import imports, service
from app.gaps.detect import as_of_date
from app.gaps.engine import Engine, lists_in
from app.gaps.formats.any_tool import GENERIC
from app.gaps.profiles import normal_header
from app.gaps.progress import Stopped, Watch
from app.gaps.snapshots import Said, prepare
from app.gaps.textfile import open_texts
from app.jobs import Job
from app.log import get_logger
from app.models import ImportJob, ImportKind, ImportState
from app.settings import Settings

log = get_logger("gaps")

#: So many rows are shown before an import.
SHOWN = 20
#: How long a run has its row for itself.
CLAIM = timedelta(hours=1)
_KEPT = timedelta(days=7)
OVER = (ImportState.DONE, ImportState.CANCELLED)
#: Kinds that have a file in the data folder until they are over.
_WITH_FILE = (ImportKind.LINKS, ImportKind.MENTIONS)
#: How the audit says that a run was stopped; others are uploads.
_STOPPED = {
    ImportKind.TAKEBACK: "takeback.cancelled",
    ImportKind.PULL: "pull.cancelled",
    ImportKind.DISCOVER: "discovery.cancelled",
}


class Deps(Protocol):
    """The wired dependencies that a run uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def settings(self) -> Settings:
        """The settings, with the data folder."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file seems to be. `format` is None where it is of no known tool; `problem` says what keeps it from being read."""

    title: str | None
    format: str | None
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    fields: Mapping[str, str]  # field -> header
    target: str | None
    problem: str | None
    as_of: date | None = None  # as its name says


def safe_name(name: str | None) -> str:
    """The name of an upload as it is kept: shown in reports and looked at; as a path it would be somebody else's choice."""
    kept = re.sub(r"[^\w .()-]", "_", Path((name or "").replace("\\", "/")).name, flags=re.ASCII).strip(" .")
    return kept[-120:] or "export.csv"


def folder_of(settings: Settings) -> Path:
    """Where uploads lie until they are imported."""
    return settings.data_dir / "uploads"


def receive(
    db: Database,
    settings: Settings,
    site_id: int,
    name: str,
    stream: IO[bytes],
    *,
    actor: str,
    kind: ImportKind = ImportKind.LINKS,
    look: Callable[[Path], Look] | None = None,
) -> ImportJob:
    """Keep an upload and note what its headers are; `name` is safe as a file name. Raises NotFound for an unknown site.

    The file is copied and looked at between two transactions: nobody waits for a slow upload. `look` reads a file of another kind
    than an export of links.
    """
    with db.read() as uow:
        service.whose(uow, site_id)
    place = folder_of(settings) / uuid.uuid4().hex
    place.mkdir(parents=True)
    path = place / name
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
        found = (look or look_at)(path)
        signature = hashlib.sha256("\n".join(found.headers).encode()).hexdigest() if found.headers else ""
        with db.work() as uow:
            mapping, format = _remembered(uow, site_id, kind, signature) if signature else ({}, None)
            made = ImportJob(
                site_id=site_id,
                kind=kind,
                filename=name,
                path=f"{place.name}/{name}",
                signature=signature,
                target=found.target,
                mapping=mapping if found.format is None or format == GENERIC else {},
                format=format,
                created_by=actor,
                created_at=uow.now(),
                due_at=uow.now() + _KEPT,
            )
            uow.session.add(made)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return made


def _remembered(uow: UnitOfWork, site_id: int, kind: ImportKind, signature: str) -> tuple[dict[str, str], str | None]:
    """The mapping of the latest import with the same headers, and the format that somebody chose for it."""
    statement = (
        select(col(ImportJob.mapping), col(ImportJob.format))
        .where(
            col(ImportJob.site_id) == site_id,
            col(ImportJob.kind) == kind,
            col(ImportJob.signature) == signature,
            col(ImportJob.state) == ImportState.DONE,
        )
        .order_by(col(ImportJob.id).desc())
        .limit(1)
    )
    found = uow.session.execute(statement).one_or_none()
    return (dict(found[0]), found[1]) if found else ({}, None)


def look_at(path: Path, *, mapping: Mapping[str, str] | None = None, format: str | None = None) -> Look:
    """What a file is, with its first rows. A file that nobody can read as text raises BadInput; an unknown table does not.

    `format` (a name of FORMAT_NAMES) is what somebody says that it is; `problem` is then why it cannot be that.
    """
    with tempfile.TemporaryDirectory(prefix="gapbridge-look-") as folder:
        text = open_texts(path, Path(folder))[0]
        lines = text.head.split("\n")
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(("\t", ",", ";", "|"), key=first.count)
    headers = tuple(normal_header(cell) for cell in next(csv.reader([first], delimiter=delimiter), []))
    skip = lines.index(first) + 1
    title, seen, fields, target, problem, as_of = None, None, dict[str, str](), None, None, as_of_date(path)
    try:
        with Engine() as engine:
            wanted = GENERIC if mapping else format
            export = engine.open(path, role="ours", target=None, wanted=wanted, mapping=mapping)
            layout = export.layout
            title, seen = layout.profile.title, layout.profile.name
            headers, skip, delimiter = layout.headers, layout.skip, layout.delimiter
            fields = {name: headers[column] for name, column in layout.fields.items()}
            target, as_of = export.target_seen() or export.report.target, export.report.as_of
            lines = export.text.head.split("\n")
    except BadInput as wrong:
        problem = without(wrong.detail, re.escape(f"{path.parent}/"))
    cells = csv.reader(lines[skip : skip + SHOWN * 5], delimiter=delimiter)
    rows: list[tuple[str, ...]] = []
    try:
        rows += [tuple(row) for row in cells if row][:SHOWN]
    except csv.Error:
        problem = problem or f"{path.name}: a row cannot be read as cells."
    return Look(title, seen, headers, tuple(rows), fields, target, problem, as_of)


def get(uow: UnitOfWork, job_id: int) -> ImportJob:
    """One upload. Raises NotFound."""
    found = uow.session.get(ImportJob, job_id)
    if found is None:
        raise NotFound(say("there is no upload {job_id}", job_id=job_id))
    return found


def unfinished(uow: UnitOfWork) -> list[ImportJob]:
    """Uploads that wait, run or failed, the newest first."""
    statement = select(ImportJob).where(col(ImportJob.state).not_in(OVER)).order_by(col(ImportJob.id).desc()).limit(20)
    return list(uow.session.execute(statement).scalars())


def finished_lists(uow: UnitOfWork) -> list[ImportJob]:
    """The latest lists of mentions that are over, the newest first."""
    statement = select(ImportJob).where(
        col(ImportJob.kind) == ImportKind.MENTIONS, col(ImportJob.state) == ImportState.DONE
    )
    return list(uow.session.execute(statement.order_by(col(ImportJob.id).desc()).limit(20)).scalars())


def start(
    uow: UnitOfWork,
    job_id: int,
    *,
    target: str | None,
    mapping: Mapping[str, str],
    as_of: date | None = None,
    format: str | None = None,
) -> ImportJob:
    """A person has confirmed what the file is, or says it. Raises Conflict where it runs or is over."""
    job = get(uow, job_id)
    if job.state not in (ImportState.UPLOADED, ImportState.FAILED):
        raise Conflict(say("this upload is {value} already", value=job.state.value))
    job.state, job.target, job.mapping, job.as_of = ImportState.QUEUED, target, dict(mapping), as_of
    job.format = format
    job.due_at, job.error, job.cancel_asked, job.rows_done, job.report = uow.now(), None, False, 0, {}
    uow.session.flush()
    audit.record(
        uow, "upload.started", "upload", job.id, name=job.filename, after={"site": job.site_id, "target": target}
    )
    uow.ring(Job.MENTIONS_LIST if job.kind is ImportKind.MENTIONS else Job.GAPS_IMPORT, job.id)
    return job


def cancel(uow: UnitOfWork, settings: Settings, job_id: int) -> ImportJob:
    """Stop it: at once where nothing runs, else at the next second. What was stored before stays."""
    job = get(uow, job_id)
    if job.state in OVER:
        return job
    if not job.cancel_asked:
        audit.record(uow, _STOPPED.get(job.kind, "upload.cancelled"), "upload", job.id, name=job.filename)
    job.cancel_asked = True
    if job.state is not ImportState.RUNNING:
        job.state, job.finished_at, job.due_at = ImportState.CANCELLED, uow.now(), None
        if job.kind in _WITH_FILE:
            shutil.rmtree((folder_of(settings) / job.path).parent, ignore_errors=True)
    return job


def latest(
    uow: UnitOfWork,
    kind: ImportKind | None = None,
    *,
    site_id: int | None = None,
    before_id: int | None = None,
    limit: int = 20,
) -> list[ImportJob]:
    """The latest of one kind or of all, of a site or of all, the newest first."""
    statement = select(ImportJob)
    if kind is not None:
        statement = statement.where(col(ImportJob.kind) == kind)
    if site_id is not None:
        statement = statement.where(col(ImportJob.site_id) == site_id)
    if before_id is not None:
        statement = statement.where(col(ImportJob.id) < before_id)
    return list(uow.session.execute(statement.order_by(col(ImportJob.id).desc()).limit(limit)).scalars())


def due(session: Session, now: datetime, kind: ImportKind = ImportKind.LINKS) -> list[int]:
    """Confirmed uploads, runs that were cut off, and uploads that nobody has confirmed for a week."""
    statement = select(col(ImportJob.id)).where(col(ImportJob.due_at) <= now, col(ImportJob.kind) == kind)
    return list(session.execute(statement.order_by(col(ImportJob.due_at))).scalars())


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was claimed, with what its row said then; `cut_off` where an earlier worker had begun it and is gone."""

    site_id: int
    cut_off: bool
    path: str
    target: str | None
    mapping: dict[str, str]
    as_of: date | None
    format: str | None
    created_by: str
    rows_done: int
    report: dict[str, Any]
    snapshots: list[int]
    asked: dict[str, Any]


def claim(deps: Deps, job_id: int) -> Begun | None:
    """Take a due upload by compare-and-set; None where there is nothing to run. What nobody wanted for a week is cancelled."""
    with deps.db.work() as uow:
        now = uow.now()
        claimed = uow.session.execute(
            update(ImportJob)
            .where(col(ImportJob.id) == job_id, col(ImportJob.due_at) <= now)
            .values(due_at=now + CLAIM)
            .returning(col(ImportJob.state))
        ).scalar_one_or_none()
        if claimed is None:
            return None
        job = get(uow, job_id)
        uow.session.refresh(job)
        if claimed in (ImportState.UPLOADED, ImportState.FAILED):
            cancel(uow, deps.settings, job_id)
            return None
        if job.kind is not ImportKind.MENTIONS:
            # From this the page tells how long it may still take; a run that was cut off begins anew.
            job.report = {"begun_at": now.isoformat()}
        job.state = ImportState.RUNNING
        return Begun(
            job.site_id,
            claimed is ImportState.RUNNING,
            job.path,
            job.target,
            dict(job.mapping),
            job.as_of,
            job.format,
            job.created_by,
            job.rows_done,
            dict(job.report),
            list(job.snapshots),
            dict(job.asked),
        )


def finish(deps: Deps, job_id: int, state: ImportState, error: str | None) -> ImportState:
    """Note the end of a run; the state that stands then."""
    with deps.db.work() as uow:
        job = get(uow, job_id)
        stored = bool(job.snapshots) and job.kind is ImportKind.LINKS
        # A file that is stored although the gap cannot be computed yet (another list is missing) is imported.
        job.state = ImportState.DONE if state is ImportState.FAILED and stored else state
        job.error, job.finished_at = error, uow.now()
        job.due_at = uow.now() + _KEPT if job.state is ImportState.FAILED else None
        return job.state


def run(deps: Deps, job_id: int) -> None:
    """Import a confirmed upload and refresh the prospects; safe to run twice. What is wrong with the file is on its row."""
    begun = claim(deps, job_id)
    if begun is None:
        return
    path = folder_of(deps.settings) / begun.path
    watch = Watch(deps, job_id)
    try:
        mapping = begun.mapping or None
        said = Said(begun.target, None, GENERIC if mapping else begun.format, mapping, begun.as_of)
        _import(deps, watch, begun.site_id, path, said, begun.created_by)
        state, error = ImportState.DONE, None
    except (duckdb.InterruptException, Stopped):
        state, error = ImportState.CANCELLED, None
    except GapbridgeError as wrong:
        state, error = ImportState.FAILED, without(wrong.detail, re.escape(f"{path.parent}/"))
    state = finish(deps, job_id, state, error)
    if state in OVER:
        shutil.rmtree(path.parent, ignore_errors=True)
    log.info("import.finished", job_id=job_id, state=state.value)


def _import(deps: Deps, watch: Watch, site_id: int, path: Path, said: Said, actor: str) -> None:
    folder = service.snapshot_folder(deps.settings)
    if not path.is_file():
        raise NotFound(say("{name}: the upload is gone; upload it again", name=path.name))
    kept: list[int] = []
    for member in lists_in(path, said.format, said.mapping):
        imported = _import_list(deps, watch, site_id, path, replace(said, member=member), actor)
        kept += [one.id for one in imported.snapshots]
        with deps.db.work() as uow:
            get(uow, watch.job_id).snapshots = kept
    counts, _summary = service.refresh(deps.db, site_id, folder=folder, actor=actor)
    with deps.db.work() as uow:
        get(uow, watch.job_id).counts = counts


def _import_list(deps: Deps, watch: Watch, site_id: int, path: Path, said: Said, actor: str) -> imports.Imported:
    folder = service.snapshot_folder(deps.settings)
    with deps.db.read() as uow:
        whose, today = service.whose(uow, site_id), uow.now().date()
        imported = imports.known(uow, site_id, path, whose, said)
    if imported is not None:
        watch.total = imported.snapshots[0].rows_read
        watch.note(watch.total)
        with deps.db.work() as uow:
            imports.redate(uow, imported.snapshots, said.as_of, actor=actor)
        return imported
    try:
        prepared = prepare(path, whose, folder, said, today=today, watch=watch.begin)
    finally:
        watch.end()
    # The last moment at which it can be cancelled: what is stored is imported, and a file may be read within one look.
    watch.total = prepared.report.read
    watch.note(watch.total)
    with deps.db.work() as uow:
        return imports.store(uow, site_id, prepared, folder=folder, actor=actor)
