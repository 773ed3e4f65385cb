"""Settings, first cut: sites with their competitors and pages, and the health of the mailboxes."""

from __future__ import annotations

from starlette.responses import Response

from app.mail import accounts
from app.sites import service
from app.web.door import Id, Pages, Visit

pages = Pages()


def _show(visit: Visit, site_id: int | None = None, **_: int) -> Response:
    return visit.page(
        "settings.html",
        sites=[
            {
                "site": site,
                "competitors": service.competitors(visit.uow, site.id),
                "pages": service.pages(visit.uow, site.id),
            }
            for site in service.list_sites(visit.uow)
        ],
        oauth=accounts.by_oauth(visit.uow.session),
        mailboxes=accounts.every(visit.uow.session) if visit.who.may("mailboxes:read") else [],
        at=site_id,
    )


@pages.get("/settings", needs="sites:read")
def settings(visit: Visit) -> Response:
    """Everything on one page."""
    return _show(visit)


@pages.post("/settings/sites", needs="sites:write", again=_show)
def add_site(visit: Visit) -> Response:
    """Add a site."""
    service.create(
        visit.uow,
        name=visit.text("name"),
        domains=visit.text("domains").split(),
        brand_names=visit.text("brand_names").split(","),
        sender_name=visit.text("sender_name") or None,
        postal_address=visit.text("postal_address") or None,
    )
    return visit.go("/settings")


@pages.post("/settings/sites/{site_id}/competitors", needs="sites:write", again=_show)
def add_competitor(visit: Visit, site_id: Id) -> Response:
    """Add a competitor."""
    service.add_competitor(visit.uow, site_id, visit.text("domain"))
    return visit.go("/settings")


@pages.post("/settings/sites/{site_id}/competitors/{competitor_id}/remove", needs="sites:write", again=_show)
def remove_competitor(visit: Visit, site_id: Id, competitor_id: Id) -> Response:
    """Take a competitor off the list."""
    service.remove_competitor(visit.uow, site_id, competitor_id)
    return visit.go("/settings")


@pages.post("/settings/sites/{site_id}/pages", needs="sites:write", again=_show)
def add_page(visit: Visit, site_id: Id) -> Response:
    """Add a page to promote."""
    service.add_page(
        visit.uow, site_id, visit.text("url"), title=visit.text("title"), topic=visit.text("topic") or None
    )
    return visit.go("/settings")


@pages.post("/settings/sites/{site_id}/pages/{page_id}/archive", needs="sites:write", again=_show)
def archive_page(visit: Visit, site_id: Id, page_id: Id) -> Response:
    """Put a page away."""
    service.archive_page(visit.uow, site_id, page_id)
    return visit.go("/settings")
