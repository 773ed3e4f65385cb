"""Imports: the history, an upload with its columns and first rows, its run with progress, and the rows that were rejected."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import File, UploadFile
from sqlmodel import col
from starlette.responses import Response

from app.cells import neutral
from app.domain.said import say, without
from app.errors import BadInput, FieldProblem, NotFound
from app.gaps import changes, imports, service, takebacks, uploads
from app.gaps.formats import TITLES
from app.gaps.formats.any_tool import GENERIC
from app.gaps.report import REJECT_COLUMNS
from app.models import ImportJob, ImportKind, ImportState, Snapshot
from app.reports.sql import columns, rows
from app.sites import service as sites
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark, ngettext

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
STEPS = {
    "looking the domains up": mark("The domains are looked up."),
    "reading the links": mark("The links are read."),
    "naming what links": mark("What links gets its name."),
    "reading the ranks": mark("The ranks are read."),
}
_TITLES = {
    ImportKind.TAKEBACK: mark("Take back: {filename}"),
    ImportKind.PULL: mark("Pull from {filename}"),
    ImportKind.DISCOVER: mark("Web graph: {filename}"),
}
FIELDS = {
    "source": mark("Linking page or domain"),
    "target_url": mark("Your or their page that is linked"),
    "anchor": mark("Anchor text"),
    "authority": mark("Authority"),
    "traffic": mark("Visits a month"),
    "first_seen": mark("First seen"),
    "last_seen": mark("Last seen"),
    "links": mark("Number of links"),
    "language": mark("Language"),
    "title": mark("Title of the linking page"),
    "follow": mark("Followed (yes or no)"),
    "nofollow": mark("Nofollow (yes or no)"),
    "sponsored": mark("Sponsored (yes or no)"),
    "ugc": mark("User content (yes or no)"),
}
# Where a tool has what is imported: in the words of its own menus, which say them in English.
TOOLS = (
    (
        "Ahrefs",
        mark("Site Explorer: “Backlinks” or “Referring domains”. For several competitors at once: “Link Intersect”."),
    ),
    (
        "Semrush",
        mark(
            "“Backlink Analytics”: “Backlinks” or “Referring Domains”. For several competitors at once: “Backlink Gap”."
        ),
    ),
    ("Moz", mark("Link Explorer: “Inbound Links” or “Linking Domains”.")),
    ("Majestic", mark("Site Explorer: “Backlinks”, then “Download Backlinks”.")),
    ("Search Console", mark("“Links”, then “Export external links”. Only for your own site, and free.")),
)
_LISTED = (
    Snapshot.id,
    Snapshot.filename,
    Snapshot.target,
    Snapshot.role,
    Snapshot.format,
    col(Snapshot.report)["format_by"].as_string().label("format_by"),
    Snapshot.as_of,
    Snapshot.rows_read,
    Snapshot.rows_taken,
    Snapshot.rows_lost,
    Snapshot.rows_rejected,
    Snapshot.capped,
    Snapshot.created_by,
    Snapshot.created_at,
)


def title_of(job: ImportJob) -> str:
    """What a run is called on a page: an upload by its file."""
    return _(_TITLES[job.kind], filename=job.filename) if job.kind in _TITLES else job.filename


def without_folder(visit: Visit, sentence: str) -> str:
    """A sentence that names a file without where it lay here for a moment, which is nobody's business."""
    folder = str(uploads.folder_of(visit.container.settings))
    return without(sentence, re.escape(folder) + r"/[0-9a-f]+/")


@pages.get("/imports", needs="imports:read")
def history(visit: Visit) -> Response:
    """What was imported, newest first, and what is under way."""
    before = visit.position("before")
    statement = columns(*_LISTED).order_by(col(Snapshot.id).desc()).limit(_PAGE + 1)
    if before is not None:
        statement = statement.where(col(Snapshot.id) < before)
    found = rows(visit.uow, statement)
    more = f"/imports?before={found[_PAGE - 1]['id']}" if len(found) > _PAGE else None
    return visit.page(
        "imports.html",
        rows=found[:_PAGE],
        more=more,
        jobs=uploads.unfinished(visit.uow),
        lists=uploads.finished_lists(visit.uow),
        states=STATES,
        going=imports.being_taken_back(visit.uow),
        title_of=title_of,
    )


def keep(visit: Visit, file: UploadFile | None, receive: Callable[..., ImportJob]) -> ImportJob:
    """What the form of an upload gives to `receive`. Raises BadInput at the field that is missing or cannot be read."""
    site_id = visit.number("site")
    if site_id is None:
        raise BadInput(say("the site is missing"), FieldProblem("site", _("Choose a site")))
    if file is None or not file.filename:
        raise BadInput(say("the file is missing"), FieldProblem("file", _("Choose a file")))
    name = uploads.safe_name(file.filename)
    try:
        return receive(visit.container.db, visit.container.settings, site_id, name, file.file, actor=visit.actor)
    except BadInput as wrong:
        detail = without_folder(visit, wrong.detail)
        raise BadInput(detail, FieldProblem("file", detail)) from None


@pages.get("/imports/new", needs="imports:write")
def new(visit: Visit) -> Response:
    """Choose a file."""
    found = [(one.id, one.name) for one in sites.list_sites(visit.uow)]
    return visit.page("imports_new.html", sites=found, tools=TOOLS)


@pages.post("/imports", needs="imports:write", again=lambda visit, **_given: new(visit), own_transactions=True)
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
    if found.kind is ImportKind.MENTIONS:
        return visit.go(f"/imports/mentions/{job_id}")
    values: dict[str, Any] = {}
    if found.kind is ImportKind.LINKS and found.state in (ImportState.UPLOADED, ImportState.FAILED):
        path = uploads.folder_of(visit.container.settings) / found.path
        whose = service.whose(visit.uow, found.site_id)
        format = _format(visit, found)
        mapping = (_mapping(visit) or found.mapping) if format in (None, GENERIC) else {}
        try:
            values["look"] = uploads.look_at(path, mapping=mapping or None, format=format)
        except BadInput as wrong:
            values["look"] = uploads.Look(
                None, None, (), (), {}, None, without(wrong.detail, re.escape(f"{path.parent}/"))
            )
        values |= {
            "mapping": mapping,
            "fields": FIELDS,
            "chosen_format": format,
            "own": whose.own,
            "rivals": whose.competitors,
        }
    # One that was taken back, or that a provider's terms did not let us keep, is not there any more.
    over = found.kind is not ImportKind.TAKEBACK and found.state is ImportState.DONE
    snapshots = imports.snapshots(visit.uow, found.snapshots) if over else []
    shown = visit.page(
        "imports_job.html",
        job=found,
        state=STATES[found.state],
        title=title_of(found),
        steps=STEPS,
        still_there=takebacks.left(visit.uow, found),
        snapshots=snapshots,
        before=service.standing_before(visit.uow, found.site_id, snapshots),
        formats=TITLES,
        left=time_left(found, visit.uow.now()),
        account=changes.account_of(visit.uow, found.site_id) if found.state is ImportState.DONE else {},
        share=min(100, round(100 * found.rows_done / found.rows_total)) if found.rows_total else None,
        **values,
    )
    if found.state is ImportState.FAILED and visit.request.headers.get("hx-request"):
        # The open page swaps its progress only, and what can be said anew stands below that.
        shown.headers["HX-Refresh"] = "true"
    return shown


def time_left(job: ImportJob, now: datetime) -> str | None:
    """How long a running import may still take at its pace so far, in words; None while that cannot be told."""
    begun = job.report.get("begun_at")
    if begun is None or not job.rows_done or job.rows_done >= job.rows_total:
        return None
    took = (now - datetime.fromisoformat(begun)).total_seconds()
    seconds = took * (job.rows_total - job.rows_done) / job.rows_done
    if seconds < 60:
        return _("less than a minute left")
    return ngettext("about {number} minute left", "about {number} minutes left", math.ceil(seconds / 60))


def _format(visit: Visit, job: ImportJob) -> str | None:
    """The format that the person says the file has: in the form, in the address of a look, or before; None leaves it to the file."""
    given = visit.form.get("format", visit.request.query_params.get("format", job.format))
    return given if given in TITLES else None


def _mapping(visit: Visit) -> dict[str, str]:
    return {name: visit.text(f"map-{name}") for name in FIELDS if visit.text(f"map-{name}")}


def _day(visit: Visit) -> date | None:
    text = visit.text("as_of")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(say("the day cannot be read"), FieldProblem("as_of", _("Write a day"))) from None
    return imports.day_of_file(visit.uow, day)


def _job_again(visit: Visit, job_id: int) -> Response:
    return _show(visit, job_id)


@pages.post("/imports/jobs/{job_id}/run", needs="imports:write", again=_job_again, own_transactions=True)
def run(visit: Visit, job_id: Id) -> Response:
    """It is what it seems to be, or what the person says: a worker imports it."""
    found = uploads.get(visit.uow, job_id)
    if found.kind is not ImportKind.LINKS:
        raise NotFound(say("there is no export {job_id}", job_id=job_id))
    format = _format(visit, found)
    mapping = _mapping(visit) if format in (None, GENERIC) else {}
    if found.state in (ImportState.UPLOADED, ImportState.FAILED):
        seen = uploads.look_at(
            uploads.folder_of(visit.container.settings) / found.path, mapping=mapping or None, format=format
        )
        if seen.problem and format not in (None, GENERIC):
            raise BadInput(seen.problem, FieldProblem("format", _("Choose another format")))
        if seen.problem:
            unsaid = say("which column holds the linking page is not said")
            raise BadInput(
                seen.problem if mapping else unsaid,
                FieldProblem("map-source", _("Choose the column that names the linking page")),
            )
    target, day = visit.text("target") or None, _day(visit)
    # The file has been looked at outside of any transaction that others would wait for.
    with visit.container.db.work() as uow:
        uploads.start(uow, job_id, target=target, mapping=mapping, as_of=day, format=format)
    return visit.go(f"/imports/jobs/{job_id}")


@pages.post("/imports/jobs/{job_id}/cancel", needs="imports:write", again=_job_again)
def cancel(visit: Visit, job_id: Id) -> Response:
    """Stop it."""
    uploads.cancel(visit.uow, visit.container.settings, job_id)
    return visit.go(f"/imports/jobs/{job_id}")


@pages.get("/imports/{import_id}/remove", needs="imports:write")
def sure(visit: Visit, import_id: Id) -> Response:
    """Ask before an import is taken back."""
    return visit.page("imports_remove.html", row=imports.snapshot(visit.uow, import_id))


def _sure_again(visit: Visit, import_id: int) -> Response:
    return sure(visit, import_id)


@pages.post("/imports/{import_id}/remove", needs="imports:write", again=_sure_again)
def remove(visit: Visit, import_id: Id) -> Response:
    """Let a worker take it back and compute the gap without it."""
    return visit.go(f"/imports/jobs/{takebacks.ask(visit.uow, import_id, actor=visit.actor).id}")


@pages.get("/imports/{import_id}/rejected.csv", needs="imports:read")
def rejected(visit: Visit, import_id: Id) -> Response:
    """The first 1,000 rejected rows with line and reason, as CSV in which no cell acts as a formula."""
    snapshot = imports.snapshot(visit.uow, import_id)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(REJECT_COLUMNS)
    for one in snapshot.report.get("rejected", []):
        cells = [snapshot.filename, str(one["line"]), one["reason"], one["why"], one["text"]]
        writer.writerow([neutral(cell) for cell in cells])
    headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
