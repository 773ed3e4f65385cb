"""The web graph for the sites of an installation: one pass finds who links to any of their targets, and becomes the lists of each site.

A command reads it in its own process. For a worker a child reads it, because a pass keeps the interpreter to itself for long; it is
stopped by its end, and the next run goes on where it was.
"""

from __future__ import annotations

import glob
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

import duckdb
from sqlalchemy import select
from sqlmodel import Session, col

import app
from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import joined, kept, say
from app.errors import BadInput, Conflict, GapbridgeError, Refused, Skip
from app.gaps import service, uploads
from app.gaps.progress import Stopped, Watch
from app.gaps.snapshots import Whose
from app.jobs import Job
from app.log import get_logger
from app.models import ImportJob, ImportKind, ImportState
from app.settings import Settings

log = get_logger("gaps")

#: So much of the disk a release takes while it is fetched, with what is made of it.
NEEDED = 20 << 30
_ACTOR = "web graph"
_ROOT = str(Path(app.__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from app.gaps.webgraph.child import main; main()"


class Deps(Protocol):
    """The wired dependencies that a run uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def settings(self) -> Settings:
        """The settings, with the place of the graph."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the workers stop."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the graph is (`release`: its name without what leads to it; None: none is configured) and whether it can be read here.

    `fetched`: it lies elsewhere and is fetched before it is read. `free` and `needed` are bytes of the disk of the data folder; nothing
    is needed for what lies on this machine or was fetched by a run that was cut off. `command` is what reads it without a worker.
    """

    release: str | None
    fetched: bool
    free: int
    needed: int
    refusal: Skip | None
    command: str


class _Halted(Exception):
    """The workers stop; the run goes on at the next start."""


def ground(settings: Settings) -> Ground:
    """What can be said of the configured graph without asking anybody for it."""
    graph = settings.web_graph
    fetched = "://" in graph.removeprefix("file://") or "::" in graph
    # What an earlier run has fetched takes its part of the room already.
    release = os.path.basename(graph.rstrip("/")) or None
    needed = max(0, NEEDED - _fetched(settings, release)) if fetched else 0
    folder = next(one for one in (settings.data_dir, *settings.data_dir.absolute().parents) if one.exists())
    free = shutil.disk_usage(folder).free
    command = "gapbridge gap discover GRAPH --work FOLDER"
    refusal = None
    if not graph:
        refusal = Skip(
            "no-graph", say("no graph is configured; set GAPBRIDGE_WEB_GRAPH, or use {command}", command=command)
        )
    elif free < needed:
        refusal = Skip(
            "disk",
            say(
                "a release takes {needed} GB of the data folder's disk, and {free} GB are free; use {command} with a folder on a larger one",
                needed=needed >> 30,
                free=free >> 30,
                command=command,
            ),
        )
    return Ground(release, fetched, free, needed, refusal, command)


def _fetched(settings: Settings, release: str | None) -> int:
    """The bytes of the files of this release that a run which was cut off has left for the next one."""
    size = 0
    for one in (_work(settings) / "fetched").glob(f"*-{glob.escape(release)}*") if release else ():
        # A run beside this look takes away what it has read.
        with suppress(FileNotFoundError):
            size += one.stat().st_size
    return size


def _work(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "discover"


def ask(uow: UnitOfWork, settings: Settings, site_id: int, *, actor: str) -> ImportJob:
    """Let a worker read the configured graph for every site that has a competitor; `site_id` is the one it was asked at.

    Raises Refused where no graph is configured or the disk is too small, BadInput for a site without a competitor, and Conflict where
    a run is under way.
    """
    whose = service.whose(uow, site_id)
    here = ground(settings)
    if here.refusal is not None:
        raise Refused(say("the web graph is not read: {sentence}", sentence=here.refusal.sentence), here.refusal)
    if not whose.competitors:
        raise BadInput(say("the site has no competitor yet; add one first"))
    live = select(col(ImportJob.id)).where(
        col(ImportJob.kind) == ImportKind.DISCOVER,
        col(ImportJob.state).in_((ImportState.QUEUED, ImportState.RUNNING)),
    )
    if uow.session.execute(live.limit(1)).first() is not None:
        raise Conflict(say("the web graph is being read already"))
    job = ImportJob(
        site_id=site_id,
        kind=ImportKind.DISCOVER,
        filename=here.release or "",
        path="",
        state=ImportState.QUEUED,
        due_at=uow.now(),
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(job)
    uow.session.flush()
    audit.record(uow, "discovery.asked", "upload", job.id, name=job.filename, after={"site": site_id}, actor=actor)
    uow.ring(Job.GAPS_DISCOVER, job.id)
    return job


def due(session: Session, now: datetime) -> list[int]:
    """What was asked for, and runs that were cut off."""
    return uploads.due(session, now, ImportKind.DISCOVER)


def run(deps: Deps, job_id: int) -> None:
    """Read the graph and import what it has for each site; a run that was cut off goes on where it was. What is wrong is on the row.

    The run has failed where no site could be brought up to date; where one could, the row says what kept the others.
    """
    begun = uploads.claim(deps, job_id)
    if begun is None:
        return
    watch = Watch(deps, job_id, claim=uploads.CLAIM)
    state, words = ImportState.FAILED, None
    try:
        here = ground(deps.settings)
        if here.refusal is not None:
            raise Refused(here.refusal.sentence, here.refusal)
        with deps.db.read() as uow:
            wanted = service.targets_of_sites(uow)
        targets = targets_of(wanted)
        found = _read(deps, watch, targets)
        files = {target: Path(path) for target, _count, path in found if path}
        watch.last()
        sites, snapshots = feed(deps.db, deps.settings, wanted, files, watch=watch)
        failed = [one["error"] for one in sites if "error" in one]
        if len(failed) < len(sites):
            state = ImportState.DONE
        words = joined(failed) if failed else None
        with deps.db.work() as uow:
            job = uploads.get(uow, job_id)
            job.snapshots = snapshots.get(begun.site_id, [])
            job.counts = next((one["prospects"] for one in sites if one["site"] == begun.site_id), {})
            told = [{"target": target, "linking_domains": count, "known": bool(path)} for target, count, path in found]
            job.report = {**job.report, "targets": told, "sites": sites}
    except _Halted:
        with deps.db.work() as uow:
            job = uploads.get(uow, job_id)
            job.state, job.due_at = ImportState.QUEUED, uow.now()
        return
    except (duckdb.InterruptException, Stopped):
        state = ImportState.CANCELLED
    except GapbridgeError as wrong:
        words = wrong.detail
    except Exception as error:
        uploads.finish(deps, job_id, state, f"{type(error).__name__}: {error}")
        raise
    finally:
        watch.end()
    uploads.finish(deps, job_id, state, words)
    log.info("discovery.finished", job_id=job_id, state=state.value)


def targets_of(wanted: Mapping[int, Whose]) -> list[str]:
    """The domains to look for: our own and the competitors of every site."""
    return sorted({domain for whose in wanted.values() for domain in (*whose.own, *whose.competitors)})


def feed(
    db: Database,
    settings: Settings,
    wanted: Mapping[int, Whose],
    files: Mapping[str, Path],
    *,
    watch: Watch | None = None,
) -> tuple[list[dict[str, Any]], dict[int, list[int]]]:
    """Import the files (by target) into each site and compute its gap: {site, prospects, gaps} each, and the imports by site.

    What keeps one site from it keeps no other: such a site is told as {site, prospects, error}, a sentence as `app.domain.said` stores
    it. What `watch` raises stops the rest, and what is stored stays.
    """
    told: list[dict[str, Any]] = []
    snapshots = {}
    for site_id, whose in wanted.items():
        paths = [files[domain] for domain in (*whose.own, *whose.competitors) if domain in files]
        try:
            imported, counts, summary = service.import_and_refresh(
                db, site_id, paths, folder=service.snapshot_folder(settings), actor=_ACTOR, watch=watch
            )
        except (duckdb.InterruptException, Stopped):
            raise
        except GapbridgeError as wrong:
            told.append({"site": site_id, "prospects": {}, "error": _of_site(site_id, wrong.detail)})
        except Exception as error:
            log.exception("discovery.site_failed", site_id=site_id)
            told.append(
                {"site": site_id, "prospects": {}, "error": _of_site(site_id, f"{type(error).__name__}: {error}")}
            )
        else:
            told.append({"site": site_id, "prospects": counts, "gaps": summary["gaps"]})
            snapshots[site_id] = [one.id for file in imported for one in file.snapshots]
    return told, snapshots


def _of_site(site_id: int, words: str) -> str:
    return say("site {site_id}: {sentence}", site_id=site_id, sentence=words)


def _read(deps: Deps, watch: Watch, targets: Sequence[str]) -> list[tuple[str, int, str | None]]:
    """Let a child read the graph: (target, linking domains, file) each. Raises Stopped, _Halted, and BadInput with the child's words."""
    task = {"graph": deps.settings.web_graph, "targets": list(targets), "work": str(_work(deps.settings))}
    lines: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-I", "-c", _START, _ROOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("a child without pipes")
        listener = threading.Thread(target=_listen, args=(child.stdout, lines), daemon=True)
        listener.start()
        try:
            child.stdin.write(json.dumps(task) + "\n")
            child.stdin.flush()
            return _follow(deps, watch, child, lines)
        finally:
            child.kill()
            listener.join()


def _follow(
    deps: Deps, watch: Watch, child: subprocess.Popen[str], lines: queue.Queue[str | None]
) -> list[tuple[str, int, str | None]]:
    step, done = None, 0
    while True:
        if deps.stopping.is_set():
            raise _Halted
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            # A server that does not send keeps nobody from stopping it.
            watch.note(done)
            continue
        if line is None:
            raise BadInput(say("the process that reads the graph has ended with code {code}", code=child.wait()))
        told = json.loads(line)
        if "found" in told:
            return [(target, count, path) for target, count, path in told["found"]]
        if "error" in told:
            raise BadInput(kept(told["error"]))
        watch.total, done = told["size"], told["done"]
        if told["step"] != step:
            step = told["step"]
            with deps.db.work() as uow:
                job = uploads.get(uow, watch.job_id)
                job.report = {**job.report, "step": step}
        watch.note(done)


def _listen(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)
