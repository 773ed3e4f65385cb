"""Our sites: domains, brand names and floors of each, and the competitors that it is compared with."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem, Stale
from app.models import Site
from app.outbox import pacing
from app.sites import service
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

NOTICES = {
    "added": mark("The site is added. Name three to five competitors next."),
    "saved": mark("Saved."),
    "archived": mark(
        "The site is put away. Its prospects wait for nobody now; links that were won go on being watched."
    ),
    "restored": mark("The site is back."),
    "competitor": mark("The competitor is added. The next import or refresh compares with it."),
    "noise": mark("The competitor is added. More than five add noise, because fewer sites link to all of them."),
    "removed": mark("The competitor is off the list; its imports are kept."),
}


def _figure(visit: Visit, name: str, words: str) -> float | None:
    given = visit.text(name).replace(",", ".")
    if not given:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", given):
        raise BadInput(say("a number is needed"), FieldProblem(name, words))
    return float(given)


def _given(visit: Visit) -> dict[str, Any]:
    """The fields of the form, as the service wants them."""
    return {
        "name": visit.text("name"),
        "domains": re.split(r"[\s,]+", visit.text("domains")) if visit.text("domains") else [],
        "brand_names": re.split(r"[\r\n,]+", visit.text("brand_names")),
        "language": visit.text("language") or None,
        "country": visit.text("country") or None,
        "min_authority": _figure(visit, "min_authority", _("Enter 0 to 100")),
        "min_traffic": visit.number("min_traffic"),
        "min_fit": visit.number("min_fit"),
        "languages": visit.text("languages").replace(",", " ").split(),
        "sender_name": visit.text("sender_name") or None,
        "sender_role": visit.text("sender_role") or None,
        "postal_address": visit.form.get("postal_address", "").strip().replace("\r\n", "\n") or None,
    }


def _kept(site: Site | None) -> dict[str, Any]:
    """What the fields of the form show before anybody types."""
    if site is None:
        return {}
    floor = site.min_authority
    return {
        "name": site.name,
        "domains": "\n".join(site.domains),
        "brand_names": "\n".join(site.brand_names),
        "language": site.language or "",
        "country": site.country or "",
        "min_authority": "" if floor is None else f"{floor:g}",
        "min_traffic": "" if site.min_traffic is None else site.min_traffic,
        "min_fit": "" if site.min_fit is None else site.min_fit,
        "languages": " ".join(site.languages),
        "sender_name": site.sender_name or "",
        "sender_role": site.sender_role or "",
        "postal_address": site.postal_address or "",
    }


def _show_all(visit: Visit) -> Response:
    return visit.page(
        "sites.html",
        sites=[
            {
                "site": site,
                "competitors": len(service.competitors(visit.uow, site.id)),
                "pages": len(service.pages(visit.uow, site.id)),
            }
            for site in service.list_sites(visit.uow, archived=True)
        ],
        kept={},
        notice=visit.notice(NOTICES),
    )


@pages.get("/sites", needs="sites:read")
def sites_page(visit: Visit) -> Response:
    """Every site, those put away last, and the form for a new one."""
    return _show_all(visit)


@pages.post("/sites", needs="sites:write", again=_show_all)
def add_site(visit: Visit) -> Response:
    """Add a site."""
    made = service.create(visit.uow, **_given(visit))
    return visit.go(f"/sites/{made.id}?did=added")


def _show(visit: Visit, site_id: int, **__: int) -> Response:
    site = service.get(visit.uow, site_id)
    stale = visit.error if isinstance(visit.error, Stale) else None
    return visit.page(
        "site.html",
        site=site,
        competitors=service.competitors(visit.uow, site_id),
        promoted=service.pages(visit.uow, site_id),
        advised=service.ADVISED_COMPETITORS,
        most=service.MOST_COMPETITORS,
        kept=_kept(site),
        paced=pacing.of_site(visit.uow, site_id),
        installation=visit.container.settings,
        version=stale.version if stale else (visit.text("version") or site.version),
        notice=visit.notice(NOTICES),
    )


@pages.get("/sites/{site_id}", needs="sites:read")
def site_page(visit: Visit, site_id: Id) -> Response:
    """One site with its competitors."""
    return _show(visit, site_id)


@pages.post("/sites/{site_id}", needs="sites:write", again=_show)
def save_site(visit: Visit, site_id: Id) -> Response:
    """Keep the fields; who saves second is shown what the first has saved, and their text stays."""
    service.change(visit.uow, site_id, visit.number("version") or 0, **_given(visit))
    return visit.go(f"/sites/{site_id}?did=saved")


@pages.post("/sites/{site_id}/sending", needs="sites:write", again=_show)
def save_sending(visit: Visit, site_id: Id) -> Response:
    """Keep the sending rules of the site; what waits moves to its new slot."""
    pacing.set_site(
        visit.uow,
        visit.container.settings,
        site_id,
        window=visit.text("window") or None,
        daily_cap=visit.number("daily_cap"),
        cooldown_days=visit.number("cooldown_days"),
        read={
            "send_window": visit.text("read_window") or None,
            "daily_cap": visit.number("read_cap"),
            "cooldown_days": visit.number("read_cooldown"),
        },
    )
    return visit.go(f"/sites/{site_id}?did=saved")


@pages.post("/sites/{site_id}/archive", needs="sites:write", again=_show)
def archive_site(visit: Visit, site_id: Id) -> Response:
    """Put a site away."""
    service.archive(visit.uow, site_id)
    return visit.go("/sites?did=archived")


@pages.post("/sites/{site_id}/restore", needs="sites:write", again=_show)
def restore_site(visit: Visit, site_id: Id) -> Response:
    """Bring it back."""
    service.restore(visit.uow, site_id)
    return visit.go(f"/sites/{site_id}?did=restored")


@pages.post("/sites/{site_id}/competitors", needs="sites:write", again=_show)
def add_competitor(visit: Visit, site_id: Id) -> Response:
    """Add a competitor; more than five come with an advice."""
    sisters = visit.text("sisters").replace(",", " ").split()
    _made, advice = service.add_competitor(
        visit.uow, site_id, visit.text("domain"), name=visit.text("label") or None, sisters=sisters
    )
    return visit.go(f"/sites/{site_id}?did={'noise' if advice else 'competitor'}")


@pages.post("/sites/{site_id}/competitors/{competitor_id}/sisters", needs="sites:write", again=_show)
def set_sisters(visit: Visit, site_id: Id, competitor_id: Id) -> Response:
    """Say which other domains belong to a competitor's house."""
    with visit.fields_of(f"of-{competitor_id}"):
        service.set_sisters(visit.uow, site_id, competitor_id, visit.text("sisters").replace(",", " ").split())
    return visit.go(f"/sites/{site_id}")


@pages.post("/sites/{site_id}/competitors/{competitor_id}/remove", needs="sites:write", again=_show)
def remove_competitor(visit: Visit, site_id: Id, competitor_id: Id) -> Response:
    """Take a competitor off the list."""
    service.remove_competitor(visit.uow, site_id, competitor_id)
    return visit.go(f"/sites/{site_id}?did=removed")
