"""Sites, competitors and pages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Day, Door, Id, Line, Model, Out, Text
from app.domain.angles import Angle
from app.sites import floors, pages, service

door = Door("sites")


Languages = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)]],
    Field(max_length=20, description="Pages in none of them are removed from the gap; empty asks for none."),
]


class FloorsIn(Model):
    """What the baseline of a site asks for; null asks the usual figure (for the fit: nothing)."""

    min_authority: Annotated[float | None, Field(ge=0, le=100)] = None
    min_traffic: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    min_fit: Annotated[int | None, Field(ge=0, le=100)] = None
    languages: Languages = Field(default_factory=list)


class SiteIn(Model):
    """A site to add."""

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    domains: Annotated[list[Line], Field(min_length=1, max_length=50)]
    brand_names: Annotated[list[Line], Field(min_length=1, max_length=50)]
    language: Annotated[str | None, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    min_authority: Annotated[float | None, Field(ge=0, le=100)] = None
    min_traffic: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    min_fit: Annotated[int | None, Field(ge=0, le=100)] = None
    languages: Languages = Field(default_factory=list)
    sender_name: Line | None = None
    sender_role: Line | None = None
    postal_address: Text | None = None


class SiteChange(SiteIn):
    """A site as it is to be: what is left out becomes null, `languages` empty. `version` is the one that you have read."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class SiteOut(Out):
    """A site of ours. Unknown values are null; `archived_at` is set while it is put away."""

    id: int
    name: str
    domains: list[str]
    brand_names: list[str]
    language: str | None
    country: str | None
    min_authority: float | None
    min_traffic: int | None
    min_fit: int | None
    languages: list[str]
    sender_name: str | None
    sender_role: str | None
    postal_address: str | None
    version: int
    archived_at: datetime | None
    created_at: datetime


class CompetitorIn(Model):
    """A competitor to add."""

    domain: Annotated[Line, Field(min_length=1, max_length=253)]
    name: Line | None = None
    sisters: Annotated[tuple[Line, ...], Field(max_length=100)] = ()


class SistersIn(Model):
    """The other domains of a competitor's house, all of them."""

    sisters: Annotated[list[Line], Field(max_length=100)]


class CompetitorOut(Out):
    """A domain that the site is compared with."""

    id: int
    site_id: int
    domain: str
    name: str | None
    sisters: list[str]
    created_at: datetime


class CompetitorAdded(CompetitorOut):
    """The new competitor, with an advice when there are more than five."""

    advice: str | None = None


class PageIn(Model):
    """A page of ours to promote."""

    url: Annotated[Line, Field(min_length=1, max_length=2000)]
    title: Annotated[Line, Field(min_length=1)]
    topic: Line | None = None
    summary: Text | None = None
    published_on: Day | None = None
    angle: Annotated[Angle | None, Field(description="Offered by pitches of this angle only; null: by every one.")] = (
        None
    )


class PageChange(PageIn):
    """A page as it is to be: what is left out becomes null. `version` is the one that you have read."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class PageOut(Out):
    """A page that we promote; `archived_at` is set once it was put away. `check_state`: ok, not-200, redirects, noindex, canonical,
    could-not-check, or null before the first look."""

    id: int
    site_id: int
    url: str
    title: str
    topic: str | None
    summary: str | None
    published_on: date | None
    angle: str | None
    version: int
    check_state: str | None
    check_detail: str | None
    checked_at: datetime | None
    archived_at: datetime | None
    created_at: datetime


@door.route("GET", "/sites", needs="sites:read", answers=list[SiteOut])
def list_sites(call: Call, archived: bool = False) -> Any:
    """Every site; `archived` adds those that were put away."""
    return service.list_sites(call.uow, archived=archived)


@door.route("POST", "/sites", needs="sites:write", answers=SiteOut, status=201)
def create_site(call: Call, body: SiteIn) -> Any:
    """Add a site. Domains are kept as registrable domains; the first is the main one."""
    return service.create(call.uow, **body.model_dump())


@door.route("GET", "/sites/{site_id}", needs="sites:read", answers=SiteOut)
def get_site(call: Call, site_id: Id) -> Any:
    """One site."""
    return service.get(call.uow, site_id)


@door.route("PUT", "/sites/{site_id}", needs="sites:write", answers=SiteOut)
def change_site(call: Call, site_id: Id, body: SiteChange) -> Any:
    """Replace a site. 409 `stale` says in `errors` what somebody else has saved since `version`."""
    return service.change(call.uow, site_id, **body.model_dump())


@door.route("POST", "/sites/{site_id}/archive", needs="sites:write", answers=SiteOut)
def archive_site(call: Call, site_id: Id) -> Any:
    """Put a site away. 409 while mail for it waits or follow-ups are under way."""
    return service.archive(call.uow, site_id)


@door.route("POST", "/sites/{site_id}/restore", needs="sites:write", answers=SiteOut)
def restore_site(call: Call, site_id: Id) -> Any:
    """Bring a site back that was put away."""
    return service.restore(call.uow, site_id)


@door.route("PUT", "/sites/{site_id}/floors", needs="sites:write", answers=SiteOut)
def set_floors(call: Call, site_id: Id, body: FloorsIn) -> Any:
    """Set the floors of a site: authority, visits, topic fit and languages."""
    return floors.set_floors(call.uow, site_id, **body.model_dump())


@door.route("GET", "/sites/{site_id}/competitors", needs="sites:read", answers=list[CompetitorOut])
def list_competitors(call: Call, site_id: Id) -> Any:
    """The competitors of a site."""
    return service.competitors(call.uow, site_id)


@door.route("POST", "/sites/{site_id}/competitors", needs="sites:write", answers=CompetitorAdded, status=201)
def add_competitor(call: Call, site_id: Id, body: CompetitorIn) -> Any:
    """Add a competitor (at most 10; over 5 with an advice). The site's own domains are refused."""
    made, advice = service.add_competitor(call.uow, site_id, body.domain, name=body.name, sisters=body.sisters)
    return {**made.model_dump(), "advice": advice}


@door.route("PATCH", "/sites/{site_id}/competitors/{competitor_id}", needs="sites:write", answers=CompetitorOut)
def set_sisters(call: Call, site_id: Id, competitor_id: Id, body: SistersIn) -> Any:
    """Say which other domains belong to the competitor's house: their links are no gaps. Counts from the next gap on."""
    return service.set_sisters(call.uow, site_id, competitor_id, body.sisters)


@door.route("DELETE", "/sites/{site_id}/competitors/{competitor_id}", needs="sites:write", answers=None, status=204)
def remove_competitor(call: Call, site_id: Id, competitor_id: Id) -> Any:
    """Take a competitor off the list."""
    service.remove_competitor(call.uow, site_id, competitor_id)


@door.route("GET", "/sites/{site_id}/pages", needs="sites:read", answers=list[PageOut])
def list_pages(call: Call, site_id: Id, archived: bool = False) -> Any:
    """The pages of a site; `archived` adds those that were put away."""
    return service.pages(call.uow, site_id, archived=archived)


@door.route("POST", "/sites/{site_id}/pages", needs="sites:write", answers=PageOut, status=201)
def add_page(call: Call, site_id: Id, body: PageIn) -> Any:
    """Add a page to promote. It must be on one of the site's domains and cannot be the homepage."""
    return service.add_page(call.uow, site_id, **body.model_dump())


@door.route("DELETE", "/sites/{site_id}/pages/{page_id}", needs="sites:write", answers=PageOut)
def archive_page(call: Call, site_id: Id, page_id: Id) -> Any:
    """Put a page away: it is not proposed any more, and what was sent keeps it."""
    return service.archive_page(call.uow, site_id, page_id)


@door.route("PUT", "/pages/{page_id}", needs="sites:write", answers=PageOut)
def change_page(call: Call, page_id: Id, body: PageChange) -> Any:
    """Replace a page. 409 `stale` says in `errors` what somebody else has saved since `version`."""
    return service.change_page(call.uow, page_id, **body.model_dump())


@door.route("POST", "/pages/{page_id}/check", needs="sites:write", answers=PageOut, own_transactions=True)
def check_page(call: Call, page_id: Id) -> Any:
    """Look at the page now: does it answer 200 without a redirect, may it be found, is it the proper address."""
    pages.check_page(call.container.db, call.container.fetcher, page_id)
    with call.container.db.read() as look:
        return service.get_page(look, page_id)
