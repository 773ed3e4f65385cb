"""Imports: the history, an upload with its columns and first rows, its run with progress, and the rows that were rejected."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import File, UploadFile
from sqlmodel import col
from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound
from app.gaps import service, uploads
from app.gaps.report import FORMULA_START, REJECT_COLUMNS
from app.models import ImportJob, ImportKind, ImportState, Snapshot
from app.reports.sql import columns, rows
from app.sites import service as sites
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

_PAGE = 50
STATES = {
    ImportState.UPLOADED: mark("waits for you"),
    ImportState.QUEUED: mark("waits for a worker"),
    ImportState.RUNNING: mark("runs"),
    ImportState.DONE: mark("done"),
    ImportState.FAILED: mark("failed"),
    ImportState.CANCELLED: mark("cancelled"),
}
FIELDS = {
    "source": mark("Linking page or domain"),
    "target_url": mark("Your or their page that is linked"),
    "anchor": mark("Anchor text"),
    "authority": mark("Authority"),
    "traffic": mark("Visits a month"),
    "first_seen": mark("First seen"),
}
_LISTED = (
    Snapshot.id,
    Snapshot.filename,
    Snapshot.target,
    Snapshot.role,
    Snapshot.format,
    Snapshot.as_of,
    Snapshot.rows_read,
    Snapshot.rows_taken,
    Snapshot.rows_lost,
    Snapshot.rows_rejected,
    Snapshot.capped,
    Snapshot.created_by,
    Snapshot.created_at,
)


def safe_name(name: str | None) -> str:
    """The name of an upload as it is kept: shown in reports and looked at; as a path it would be somebody else's choice."""
    kept = re.sub(r"[^\w .()-]", "_", Path((name or "").replace("\\", "/")).name, flags=re.ASCII).strip(" .")
    return kept[-120:] or "export.csv"


def without_folder(visit: Visit, sentence: str) -> str:
    """A sentence that names a file without where it lay here for a moment, which is nobody's business."""
    folder = str(uploads.folder_of(visit.container.settings))
    return re.sub(re.escape(folder) + r"/[0-9a-f]+/", "", sentence)


@pages.get("/imports", needs="imports:read")
def history(visit: Visit) -> Response:
    """What was imported, newest first, and what is under way."""
    given = visit.request.query_params.get("before", "")
    statement = columns(*_LISTED).order_by(col(Snapshot.id).desc()).limit(_PAGE + 1)
    if given.isdecimal() and int(given) < 2**31:
        statement = statement.where(col(Snapshot.id) < int(given))
    found = rows(visit.uow, statement)
    more = f"/imports?before={found[_PAGE - 1]['id']}" if len(found) > _PAGE else None
    return visit.page(
        "imports.html",
        rows=found[:_PAGE],
        more=more,
        jobs=uploads.unfinished(visit.uow),
        lists=uploads.finished_lists(visit.uow),
        states=STATES,
    )


def keep(visit: Visit, file: UploadFile | None, receive: Callable[..., ImportJob]) -> ImportJob:
    """What the form of an upload gives to `receive`. Raises BadInput at the field that is missing or cannot be read."""
    site_id = visit.number("site")
    if site_id is None:
        raise BadInput(say("the site is missing"), FieldProblem("site", _("Choose a site")))
    if file is None or not file.filename:
        raise BadInput(say("the file is missing"), FieldProblem("file", _("Choose a file")))
    name = safe_name(file.filename)
    try:
        return receive(visit.uow, visit.container.settings, site_id, name, file.file, actor=visit.actor)
    except BadInput as wrong:
        detail = without_folder(visit, wrong.detail)
        raise BadInput(detail, FieldProblem("file", detail)) from None


@pages.get("/imports/new", needs="imports:write")
def new(visit: Visit) -> Response:
    """Choose a file."""
    return visit.page("imports_new.html", sites=[(one.id, one.name) for one in sites.list_sites(visit.uow)])


@pages.post("/imports", needs="imports:write", again=lambda visit, **_given: new(visit))
def upload(visit: Visit, file: Annotated[UploadFile | None, File()] = None) -> Response:
    """Keep the file and show what it seems to be."""
    made = keep(visit, file, uploads.receive)
    return visit.go(f"/imports/jobs/{made.id}")


@pages.get("/imports/jobs/{job_id}", needs="imports:read")
def job(visit: Visit, job_id: Id) -> Response:
    """One upload: its columns and first rows, its progress, or what became of it."""
    return _show(visit, job_id)


def _show(visit: Visit, job_id: int) -> Response:
    found = uploads.get(visit.uow, job_id)
    if found.kind is not ImportKind.LINKS:
        return visit.go(f"/imports/mentions/{job_id}")
    values: dict[str, Any] = {}
    if found.state in (ImportState.UPLOADED, ImportState.FAILED):
        path = uploads.folder_of(visit.container.settings) / found.path
        whose = service.whose(visit.uow, found.site_id)
        mapping = _mapping(visit) or found.mapping
        try:
            values["look"] = uploads.look_at(path, mapping=mapping or None)
        except BadInput as wrong:
            values["look"] = uploads.Look(None, None, (), (), {}, None, wrong.detail.replace(f"{path.parent}/", ""))
        values |= {"mapping": mapping, "fields": FIELDS, "own": whose.own, "rivals": whose.competitors}
    snapshots = [service.snapshot(visit.uow, number) for number in found.snapshots]
    return visit.page(
        "imports_job.html",
        job=found,
        state=STATES[found.state],
        snapshots=snapshots,
        share=min(100, round(100 * found.rows_done / found.rows_total)) if found.rows_total else None,
        **values,
    )


def _mapping(visit: Visit) -> dict[str, str]:
    return {name: visit.text(f"map-{name}") for name in FIELDS if visit.text(f"map-{name}")}


def _job_again(visit: Visit, job_id: int) -> Response:
    return _show(visit, job_id)


@pages.post("/imports/jobs/{job_id}/run", needs="imports:write", again=_job_again)
def run(visit: Visit, job_id: Id) -> Response:
    """It is what it seems to be, or what the person says: a worker imports it."""
    found = uploads.get(visit.uow, job_id)
    if found.kind is not ImportKind.LINKS:
        raise NotFound(say("there is no export {job_id}", job_id=job_id))
    if found.state in (ImportState.UPLOADED, ImportState.FAILED):
        mapping = _mapping(visit)
        seen = uploads.look_at(uploads.folder_of(visit.container.settings) / found.path, mapping=mapping or None)
        if seen.problem:
            unsaid = "which column holds the linking page is not said"
            raise BadInput(
                seen.problem if mapping else unsaid,
                FieldProblem("map-source", _("Choose the column that names the linking page")),
            )
    uploads.start(visit.uow, job_id, target=visit.text("target") or None, mapping=_mapping(visit))
    return visit.go(f"/imports/jobs/{job_id}")


@pages.post("/imports/jobs/{job_id}/cancel", needs="imports:write", again=_job_again)
def cancel(visit: Visit, job_id: Id) -> Response:
    """Stop it."""
    uploads.cancel(visit.uow, visit.container.settings, job_id)
    return visit.go(f"/imports/jobs/{job_id}")


@pages.get("/imports/{import_id}/rejected.csv", needs="imports:read")
def rejected(visit: Visit, import_id: Id) -> Response:
    """The first 1,000 rejected rows with line and reason, as CSV in which no cell acts as a formula."""
    snapshot = service.snapshot(visit.uow, import_id)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(REJECT_COLUMNS)
    for one in snapshot.report.get("rejected", []):
        cells = [snapshot.filename, str(one["line"]), one["reason"], one["why"], one["text"]]
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA_START) else cell for cell in cells])
    headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
