"""Uploads from the pages: kept in the data folder, looked at, confirmed by a person, and imported by a worker that can be stopped.

The row is the truth: it survives a reload and a restart, and a run that was cut off is taken up again when its claim is over.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

import duckdb
from sqlalchemy import select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, GapbridgeError, NotFound
from app.gaps import service
from app.gaps.engine import Engine
from app.gaps.formats.any_tool import GENERIC
from app.gaps.profiles import normal_header
from app.gaps.snapshots import prepare
from app.gaps.textfile import open_texts
from app.jobs import Job
from app.log import get_logger
from app.models import ImportJob, ImportKind, ImportState
from app.settings import Settings

log = get_logger("gaps")

#: So many rows are shown before an import.
SHOWN = 20
#: The fields that a person maps for a table of no known tool.
MAPPED = ("source", "target_url", "anchor", "authority", "traffic", "first_seen")
#: How long a run has its row for itself.
CLAIM = timedelta(hours=1)
_KEPT = timedelta(days=7)
_EVERY_SECONDS = 1.0
_OVER = (ImportState.DONE, ImportState.CANCELLED)


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


def folder_of(settings: Settings) -> Path:
    """Where uploads lie until they are imported."""
    return settings.data_dir / "uploads"


def receive(
    uow: UnitOfWork,
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

    `look` reads a file of another kind than an export of links.
    """
    service.whose(uow, site_id)
    place = folder_of(settings) / uuid.uuid4().hex
    place.mkdir(parents=True)
    path = place / name
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
        found = (look or look_at)(path)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    signature = hashlib.sha256("\n".join(found.headers).encode()).hexdigest() if found.headers else ""
    made = ImportJob(
        site_id=site_id,
        kind=kind,
        filename=name,
        path=f"{place.name}/{name}",
        signature=signature,
        target=found.target,
        mapping=_remembered(uow, site_id, kind, signature) if found.format is None else {},
        created_by=actor,
        created_at=uow.now(),
        due_at=uow.now() + _KEPT,
    )
    uow.session.add(made)
    uow.session.flush()
    return made


def _remembered(uow: UnitOfWork, site_id: int, kind: ImportKind, signature: str) -> dict[str, str]:
    """The mapping of the latest import with the same headers."""
    statement = (
        select(col(ImportJob.mapping))
        .where(
            col(ImportJob.site_id) == site_id,
            col(ImportJob.kind) == kind,
            col(ImportJob.signature) == signature,
            col(ImportJob.state) == ImportState.DONE,
        )
        .order_by(col(ImportJob.id).desc())
        .limit(1)
    )
    return dict(uow.session.execute(statement).scalar_one_or_none() or {})


def look_at(path: Path, *, mapping: Mapping[str, str] | None = None) -> Look:
    """What a file is, with its first rows. A file that nobody can read as text raises BadInput; an unknown table does not."""
    with tempfile.TemporaryDirectory(prefix="gapbridge-look-") as folder:
        text = open_texts(path, Path(folder))[0]
        lines = text.head.split("\n")
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(("\t", ",", ";", "|"), key=first.count)
    headers = tuple(normal_header(cell) for cell in next(csv.reader([first], delimiter=delimiter), []))
    skip = lines.index(first) + 1
    title, format, fields, target, problem = None, None, dict[str, str](), None, None
    try:
        with Engine() as engine:
            export = engine.open(path, role="ours", target=None, wanted=GENERIC if mapping else None, mapping=mapping)
            layout = export.layout
            title, format = layout.profile.title, layout.profile.name
            headers, skip, delimiter = layout.headers, layout.skip, layout.delimiter
            fields = {name: headers[column] for name, column in layout.fields.items()}
            target = export.target_seen() or export.report.target
            lines = export.text.head.split("\n")
    except BadInput as wrong:
        problem = wrong.detail.replace(f"{path.parent}/", "")
    cells = csv.reader(lines[skip : skip + SHOWN * 5], delimiter=delimiter)
    rows: list[tuple[str, ...]] = []
    try:
        rows += [tuple(row) for row in cells if row][:SHOWN]
    except csv.Error:
        problem = problem or f"{path.name}: a row cannot be read as cells."
    return Look(title, format, headers, tuple(rows), fields, target, problem)


def get(uow: UnitOfWork, job_id: int) -> ImportJob:
    """One upload. Raises NotFound."""
    found = uow.session.get(ImportJob, job_id)
    if found is None:
        raise NotFound(say("there is no upload {job_id}", job_id=job_id))
    return found


def unfinished(uow: UnitOfWork) -> list[ImportJob]:
    """Uploads that wait, run or failed, the newest first."""
    statement = select(ImportJob).where(col(ImportJob.state).not_in(_OVER)).order_by(col(ImportJob.id).desc()).limit(20)
    return list(uow.session.execute(statement).scalars())


def finished_lists(uow: UnitOfWork) -> list[ImportJob]:
    """The latest lists of mentions that are over, the newest first."""
    statement = select(ImportJob).where(
        col(ImportJob.kind) == ImportKind.MENTIONS, col(ImportJob.state) == ImportState.DONE
    )
    return list(uow.session.execute(statement.order_by(col(ImportJob.id).desc()).limit(20)).scalars())


def start(uow: UnitOfWork, job_id: int, *, target: str | None, mapping: Mapping[str, str]) -> ImportJob:
    """A person has confirmed what the file is. Raises Conflict where it runs or is over."""
    job = get(uow, job_id)
    if job.state not in (ImportState.UPLOADED, ImportState.FAILED):
        raise Conflict(say("this upload is {value} already", value=job.state.value))
    job.state, job.target, job.mapping = ImportState.QUEUED, target, dict(mapping)
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
    if job.state in _OVER:
        return job
    if not job.cancel_asked:
        audit.record(uow, "upload.cancelled", "upload", job.id, name=job.filename)
    job.cancel_asked = True
    if job.state is not ImportState.RUNNING:
        job.state, job.finished_at, job.due_at = ImportState.CANCELLED, uow.now(), None
        shutil.rmtree((folder_of(settings) / job.path).parent, ignore_errors=True)
    return job


def due(session: Session, now: datetime, kind: ImportKind = ImportKind.LINKS) -> list[int]:
    """Confirmed uploads, runs that were cut off, and uploads that nobody has confirmed for a week."""
    statement = select(col(ImportJob.id)).where(col(ImportJob.due_at) <= now, col(ImportJob.kind) == kind)
    return list(session.execute(statement.order_by(col(ImportJob.due_at))).scalars())


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was claimed, with what its row said then."""

    site_id: int
    path: str
    target: str | None
    mapping: dict[str, str]
    created_by: str
    rows_done: int
    report: dict[str, Any]


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
        job.state = ImportState.RUNNING
        return Begun(
            job.site_id, job.path, job.target, dict(job.mapping), job.created_by, job.rows_done, dict(job.report)
        )


def finish(deps: Deps, job_id: int, state: ImportState, error: str | None) -> ImportState:
    """Note the end of a run; the state that stands then."""
    with deps.db.work() as uow:
        job = get(uow, job_id)
        stored = bool(job.snapshots)
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
    watch = _Watch(deps, job_id)
    try:
        _import(deps, watch, begun.site_id, path, begun.target, begun.mapping, begun.created_by)
        state, error = ImportState.DONE, None
    except (duckdb.InterruptException, Stopped):
        state, error = ImportState.CANCELLED, None
    except GapbridgeError as wrong:
        state, error = ImportState.FAILED, wrong.detail.replace(f"{path.parent}/", "")
    state = finish(deps, job_id, state, error)
    if state in _OVER:
        shutil.rmtree(path.parent, ignore_errors=True)
    log.info("import.finished", job_id=job_id, state=state.value)


class Stopped(Exception):
    """A person has cancelled it between two steps."""


class _Watch:
    """Writes how far the reading is, once a second, and interrupts the engine when a person has cancelled."""

    def __init__(self, deps: Deps, job_id: int) -> None:
        self.deps, self.job_id, self.total = deps, job_id, 0
        self._ended = threading.Event()

    def begin(self, engine: Engine) -> None:
        engine.run("SET enable_progress_bar = true")
        engine.run("SET enable_progress_bar_print = false")
        threading.Thread(target=self._look, args=(engine,), daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def note(self, done: int) -> None:
        """Write the progress. Raises Stopped when it was cancelled."""
        with self.deps.db.work() as uow:
            job = get(uow, self.job_id)
            job.rows_total, job.rows_done = self.total, done
            stopped = job.cancel_asked
        if stopped:
            raise Stopped

    def _look(self, engine: Engine) -> None:
        share = 0.0
        while not self._ended.wait(_EVERY_SECONDS):
            try:
                # Each query of the reading begins at nothing again; what a person sees only grows.
                share = max(share, min(engine.connection.query_progress() / 100, 1.0))
                try:
                    self.note(round(self.total * share))
                except Stopped:
                    engine.connection.interrupt()
                    return
            except duckdb.ConnectionException:
                return  # The reading has ended between two looks, and its connection is closed.
            except Exception:
                log.warning("import.progress_failed", job_id=self.job_id, exc_info=True)


def _import(
    deps: Deps, watch: _Watch, site_id: int, path: Path, target: str | None, mapping: Mapping[str, str], actor: str
) -> None:
    folder = service.snapshot_folder(deps.settings)
    if not path.is_file():
        raise NotFound(say("{name}: the upload is gone; upload it again", name=path.name))
    with path.open("rb") as stream:
        watch.total = max(0, sum(piece.count(b"\n") for piece in iter(lambda: stream.read(1 << 20), b"")) - 1)
    watch.note(0)
    with deps.db.read() as uow:
        imported = service.known(uow, site_id, path)
        whose = service.whose(uow, site_id)
    if imported is None:
        try:
            prepared = prepare(
                path,
                whose,
                folder,
                target=target,
                format=GENERIC if mapping else None,
                mapping=mapping or None,
                watch=watch.begin,
            )
        finally:
            watch.end()
        # The last moment at which it can be cancelled: what is stored is imported, and a file may be read within one look.
        watch.total = prepared.report.read
        watch.note(watch.total)
        with deps.db.work() as uow:
            imported = service.store(uow, site_id, prepared, folder=folder, actor=actor)
    else:
        watch.note(watch.total)
    with deps.db.work() as uow:
        get(uow, watch.job_id).snapshots = [one.id for one in imported.snapshots]
    counts, _summary = service.refresh(deps.db, site_id, folder=folder, actor=actor)
    with deps.db.work() as uow:
        get(uow, watch.job_id).counts = counts
