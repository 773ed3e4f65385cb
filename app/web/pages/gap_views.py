"""Beside the gap review: its filters saved under a name, and what passes them as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.gaps import views
from app.models import Site
from app.reports import gap_file
from app.reports.gap import fields_of, filter_of
from app.sites import service as sites
from app.web.door import Pages, Visit
from app.web.pages import gap

pages = Pages()


def _site(visit: Visit, given: dict[str, str]) -> Site:
    _known, site = gap.site_of(visit, given)
    if site is None:
        raise BadInput(say("there is no site yet"))
    return site


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "site"}


def _again(visit: Visit) -> Response:
    return gap.show(visit, dict(visit.form))


@pages.post("/gap/views", needs="prospects:read", again=_again)
def save_view(visit: Visit) -> Response:
    """Keep the filters of the form under a name, for the person who asks; or delete a view."""
    form = dict(visit.form)
    site = _site(visit, form)
    fields: dict[str, Any] = fields_of(filter_of(form, site))
    if visit.text("do") == "delete":
        if not visit.text("forget"):
            raise BadInput(say("no view was chosen"), FieldProblem("forget", say("Choose the view to delete")))
        views.remove(visit.uow, visit.who.id, site.id, visit.text("forget"))
        return visit.go("/gap?" + urlencode({**fields, "did": "forgotten", "n": 0}))
    views.save(visit.uow, visit.who.id, site.id, visit.text("name"), _kept(fields))
    return visit.go("/gap?" + urlencode({**fields, "did": "saved", "n": 0}))


@pages.get("/gap/export.csv", needs="prospects:read")
def export(visit: Visit) -> Response:
    """Every domain that passes the filters of the address, as CSV in which no cell acts as a formula."""
    given = dict(visit.request.query_params)
    site = _site(visit, given)
    asked = filter_of(given, site)
    ours = {page.id: page.url for page in sites.pages(visit.uow, site.id, archived=True)}
    return StreamingResponse(
        gap_file.lines(visit.container.db, asked, ours),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="gap.csv"', "Cache-Control": "no-store"},
    )
