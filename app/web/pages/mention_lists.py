"""Lists of pages that may name us: an upload with its first rows, the column of the page, and what became of each row."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from fastapi import File, UploadFile
from starlette.responses import Response

from app.cells import neutral
from app.errors import BadInput, FieldProblem
from app.gaps import uploads
from app.mentions import listfile, lists
from app.models import ImportState
from app.sites import service as sites
from app.web.door import Id, Pages, Visit
from app.web.i18n import _
from app.web.pages.imports import STATES, keep, without_folder

pages = Pages()


@pages.get("/imports/mentions/new", needs="imports:write")
def new(visit: Visit) -> Response:
    """Choose a list."""
    return visit.page("mentions_new.html", sites=[(one.id, one.name) for one in sites.list_sites(visit.uow)])


@pages.post("/imports/mentions", needs="imports:write", again=lambda visit, **_given: new(visit), own_transactions=True)
def upload(visit: Visit, file: Annotated[UploadFile | None, File()] = None) -> Response:
    """Keep the list and show what it seems to be."""
    made = keep(visit, file, lists.receive)
    return visit.go(f"/imports/mentions/{made.id}")


@pages.get("/imports/mentions/{job_id}", needs="imports:read")
def job(visit: Visit, job_id: Id) -> Response:
    """One list: its first rows, its progress, or what became of it."""
    found = lists.get(visit.uow, job_id)
    values: dict[str, Any] = {}
    if found.state in (ImportState.UPLOADED, ImportState.FAILED):
        path = uploads.folder_of(visit.container.settings) / found.path
        page = visit.text("map-page") or found.mapping.get("page", "")
        try:
            values["look"] = listfile.look(path, mapping={"page": page} if page else None)
        except BadInput as wrong:
            values["look"] = uploads.Look(None, None, (), (), {}, None, without_folder(visit, wrong.detail))
        except OSError:
            values["look"] = uploads.Look(None, None, (), (), {}, None, _("The file is gone; upload it again."))
    return visit.page(
        "mentions_list.html", job=found, state=STATES[found.state], taken=lists.taken_of(found.report), **values
    )


def _job_again(visit: Visit, job_id: int) -> Response:
    return job(visit, job_id)


@pages.post("/imports/mentions/{job_id}/run", needs="imports:write", again=_job_again, own_transactions=True)
def run(visit: Visit, job_id: Id) -> Response:
    """The column is what it seems to be, or what the person says: a worker takes the pages."""
    found = lists.get(visit.uow, job_id)
    page = visit.text("map-page")
    mapping = {"page": page} if page else {}
    if found.state in (ImportState.UPLOADED, ImportState.FAILED):
        seen = listfile.look(uploads.folder_of(visit.container.settings) / found.path, mapping=mapping or None)
        if seen.problem:
            raise BadInput(seen.problem, FieldProblem("map-page", _("Choose the column with the page's address")))
    with visit.container.db.work() as uow:
        uploads.start(uow, job_id, target=None, mapping=mapping)
    return visit.go(f"/imports/mentions/{job_id}")


@pages.post("/imports/mentions/{job_id}/cancel", needs="imports:write", again=_job_again)
def cancel(visit: Visit, job_id: Id) -> Response:
    """Stop it."""
    lists.get(visit.uow, job_id)
    uploads.cancel(visit.uow, visit.container.settings, job_id)
    return visit.go(f"/imports/mentions/{job_id}")


@pages.get("/imports/mentions/{job_id}/rejected.csv", needs="imports:read")
def rejected(visit: Visit, job_id: Id) -> Response:
    """The first 1,000 rows that were not taken with line and reason, as CSV in which no cell acts as a formula."""
    found = lists.get(visit.uow, job_id)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("file", "line", "why", "text"))
    for one in lists.taken_of(found.report).rejected:
        cells = [found.filename, str(one.line), one.reason, one.text]
        writer.writerow([neutral(cell) for cell in cells])
    headers = {"Content-Disposition": f'attachment; filename="rejected-list-{job_id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
