"""The pages of ours that are worth a link: what each is about, and whether it can still be promoted."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response

from app.domain.angles import Angle
from app.domain.said import say
from app.errors import BadInput, FieldProblem, Stale
from app.models import Page
from app.sites import looking, service
from app.sites import pages as promoted
from app.web.door import Id, Pages, Visit, row_number
from app.web.i18n import _, mark

pages = Pages()

ANGLES = {
    "": mark("Every angle"),
    Angle.COVERAGE_GAP.value: mark("Coverage gap: they link to competitors and not to us"),
    Angle.RESOURCE_REPLACEMENT.value: mark("Resource replacement: the page they link to is dead or old"),
    Angle.UNLINKED_MENTION.value: mark("Unlinked mention: they name us without a link"),
    Angle.LINK_RECLAMATION.value: mark("Link reclamation: they linked to us before"),
}
STATES = {
    looking.OK: (mark("fine"), "ok"),
    looking.STATUS: (mark("does not answer 200"), "bad"),
    looking.REDIRECTS: (mark("redirects"), "warn"),
    looking.NOINDEX: (mark("noindex"), "bad"),
    looking.CANONICAL: (mark("canonical elsewhere"), "warn"),
    looking.UNREACHABLE: (mark("could not check"), "tier3"),
}
NOTICES = {
    "added": mark("The page is added. It will be looked at in a moment, and once a week."),
    "saved": mark("Saved."),
    "checked": mark("The page was looked at just now."),
    "archived": mark("The page is put away: no new pitch offers it."),
    "restored": mark("The page is back."),
}


def _given(visit: Visit) -> dict[str, Any]:
    return {
        "url": visit.text("url"),
        "title": visit.text("title"),
        "topic": visit.text("topic") or None,
        "summary": visit.text("summary") or None,
        "published_on": _day(visit.text("published_on")),
        "angle": visit.text("angle") or None,
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(
            say("this is no day"),
            FieldProblem(
                "published_on", _("“{given}” is no day and was left out. Enter one as 2026-06-01", given=text[:40])
            ),
        ) from None


def _kept(page: Page) -> dict[str, Any]:
    kept = {name: getattr(page, name) for name in promoted.FIELDS}
    return {name: "" if value is None else str(value) for name, value in kept.items()}


def _site_id(visit: Visit) -> int:
    known = service.list_sites(visit.uow)
    given = visit.text("site_id") or visit.request.query_params.get("site", "")
    if (number := row_number(given)) in {site.id for site in known} and number is not None:
        return number
    if len(known) == 1 and not given:
        return known[0].id
    raise BadInput(say("there is no such site"), FieldProblem("site_id", say("Choose a site")))


def _show_all(visit: Visit, found: looking.Look | None = None) -> Response:
    known = service.list_sites(visit.uow)
    wanted = visit.request.query_params.get("site", "")
    away = visit.request.query_params.get("view") == "archived"
    chosen = [site for site in known if not wanted or str(site.id) == wanted]
    kept = {name: visit.text(name) for name in (*promoted.FIELDS, "site_id")}
    if found is not None:
        told = {
            "title": found.title,
            "topic": found.topic,
            "summary": found.summary,
            "published_on": found.published_on,
        }
        # What somebody has typed is never overwritten by what the page says.
        kept |= {name: str(value) for name, value in told.items() if value and not kept[name]}
    return visit.page(
        "promoted.html",
        groups=[(site, _of(visit, site.id, away)) for site in chosen],
        sites=known,
        wanted=wanted,
        away=away,
        angles=ANGLES,
        states=STATES,
        kept=kept,
        found=found,
        notice=visit.notice(NOTICES),
    )


def _of(visit: Visit, site_id: int, away: bool) -> list[Page]:
    rows = service.pages(visit.uow, site_id, archived=away)
    return [page for page in rows if (page.archived_at is not None) == away]


@pages.get("/pages", needs="sites:read")
def pages_page(visit: Visit) -> Response:
    """The pages of each site with the finding of the last look, and the form for a new one."""
    return _show_all(visit)


@pages.post("/pages", needs="sites:write", again=_show_all)
def add_page(visit: Visit) -> Response:
    """Add a page."""
    service.add_page(visit.uow, _site_id(visit), **_given(visit))
    return visit.go("/pages?did=added")


@pages.post("/pages/look", needs="sites:write", again=_show_all, own_transactions=True)
def read_page(visit: Visit) -> Response:
    """Read the address of the form and fill in what the page says of itself; nothing is kept yet."""
    site = service.get(visit.uow, _site_id(visit))
    return _show_all(visit, looking.look(visit.container.fetcher, promoted.clean_url(site, visit.text("url"))))


def _show(visit: Visit, page_id: int) -> Response:
    page = service.get_page(visit.uow, page_id)
    stale = visit.error if isinstance(visit.error, Stale) else None
    return visit.page(
        "promoted_page.html",
        page=page,
        site=service.get(visit.uow, page.site_id),
        angles=ANGLES,
        states=STATES,
        kept=_kept(page),
        version=stale.version if stale else (visit.text("version") or page.version),
        notice=visit.notice(NOTICES),
    )


@pages.get("/pages/{page_id}", needs="sites:read")
def one_page(visit: Visit, page_id: Id) -> Response:
    """One page."""
    return _show(visit, page_id)


@pages.post("/pages/{page_id}", needs="sites:write", again=_show)
def save_page(visit: Visit, page_id: Id) -> Response:
    """Keep the fields; who saves second is shown what the first has saved, and their text stays."""
    service.change_page(visit.uow, page_id, visit.number("version") or 0, **_given(visit))
    return visit.go(f"/pages/{page_id}?did=saved")


@pages.post("/pages/{page_id}/check", needs="sites:write", again=_show, own_transactions=True)
def check_page(visit: Visit, page_id: Id) -> Response:
    """Look at the page now."""
    promoted.check_page(visit.container.db, visit.container.fetcher, page_id)
    return visit.go(f"/pages/{page_id}?did=checked")


@pages.post("/pages/{page_id}/archive", needs="sites:write", again=_show)
def archive_page(visit: Visit, page_id: Id) -> Response:
    """Put a page away."""
    service.archive_page(visit.uow, service.get_page(visit.uow, page_id).site_id, page_id)
    return visit.go("/pages?did=archived")


@pages.post("/pages/{page_id}/restore", needs="sites:write", again=_show)
def restore_page(visit: Visit, page_id: Id) -> Response:
    """Bring it back."""
    service.restore_page(visit.uow, page_id)
    return visit.go(f"/pages/{page_id}?did=restored")
