"""Common Crawl's web graph: reading it for every site, and verifying the domains that it alone names."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.gaps import discoveries, uploads, verifications, verify
from app.models import ImportKind
from app.sites import service as sites
from app.web.door import Pages, Visit
from app.web.i18n import _
from app.web.pages.imports import STATES

pages = Pages()


def _show(visit: Visit) -> Response:
    given = dict(visit.form) or dict(visit.request.query_params)
    known = sites.list_sites(visit.uow)
    site = next((one for one in known if str(one.id) == given.get("site", "")), known[0] if known else None)
    return visit.page(
        "web_graph.html",
        status=visit.error.status if visit.error else 200,
        sites=[(one.id, one.name) for one in known],
        site=site,
        ground=discoveries.ground(visit.container.settings),
        jobs=uploads.latest(visit.uow, ImportKind.DISCOVER, limit=5),
        states=STATES,
        verification=verifications.state(visit.uow, site.id) if site is not None else None,
        results=verifications.results(visit.uow, site.id) if site is not None else [],
    )


def _site(visit: Visit) -> int:
    site_id = visit.number("site")
    if site_id is None:
        raise BadInput(say("the site is missing"), FieldProblem("site", _("Choose a site")))
    return site_id


@pages.get("/imports/web-graph", needs="imports:read")
def overview(visit: Visit) -> Response:
    """Whether the graph can be read here, its runs, and how far the verification of a site is."""
    return _show(visit)


@pages.post("/imports/web-graph", needs="imports:write", again=_show)
def discover(visit: Visit) -> Response:
    """Let a worker read it."""
    job = discoveries.ask(visit.uow, visit.container.settings, _site(visit), actor=visit.actor)
    return visit.go(f"/imports/jobs/{job.id}")


@pages.post("/imports/web-graph/verify", needs="imports:write", again=_show)
def ask(visit: Visit) -> Response:
    """Let the workers look at the best domains that wait for it."""
    site_id, limit = _site(visit), visit.number("limit")
    if limit is None or not 1 <= limit <= 10_000:
        raise BadInput(
            say("a number is needed"), FieldProblem("limit", say("A number from 1 to {most:,}", most=10_000))
        )
    sites.get(visit.uow, site_id)
    verify.request(visit.uow, site_id, limit, again=visit.text("again") == "on", actor=visit.actor)
    return visit.go(f"/imports/web-graph?site={site_id}#verification")


@pages.post("/imports/web-graph/stop", needs="imports:write", again=_show)
def stop(visit: Visit) -> Response:
    """Look at none of the waiting domains any more."""
    site_id = _site(visit)
    verifications.stop(visit.uow, site_id, actor=visit.actor)
    return visit.go(f"/imports/web-graph?site={site_id}#verification")
