"""Our sites, the competitors they are compared with, and the pages that we promote."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.keys import ascii_host, registrable_domain
from app.models import Competitor, Page, Site

MOST_COMPETITORS = 10
ADVISED_COMPETITORS = 5


def get(uow: UnitOfWork, site_id: int) -> Site:
    """The site; raises NotFound."""
    found: Site | None = uow.session.get(Site, site_id)
    if found is None:
        raise NotFound(f"there is no site {site_id}")
    return found


def list_sites(uow: UnitOfWork) -> list[Site]:
    """All sites, oldest first."""
    return list(uow.session.execute(select(Site).order_by(col(Site.id))).scalars())


def clean_domains(domains: Iterable[str]) -> list[str]:
    """Registrable domains in the given order, each once. Raises BadInput with the field `domains`."""
    cleaned: list[str] = []
    for given in domains:
        key = registrable_domain(given.strip())
        if key is None:
            raise BadInput(
                f"'{given}' is not a domain", FieldProblem("domains", "Enter a domain such as acme.com, without a path")
            )
        if key not in cleaned:
            cleaned.append(key)
    if not cleaned:
        raise BadInput("a site needs a domain", FieldProblem("domains", "Enter at least one domain of yours"))
    return cleaned


def _clean_names(names: Iterable[str]) -> list[str]:
    kept = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not kept:
        raise BadInput(
            "a site needs a brand name", FieldProblem("brand_names", "Enter the name by which others mention you")
        )
    return kept


def create(
    uow: UnitOfWork,
    *,
    name: str,
    domains: Iterable[str],
    brand_names: Iterable[str],
    language: str | None = None,
    country: str | None = None,
    min_authority: float | None = None,
    min_traffic: int | None = None,
    sender_name: str | None = None,
    sender_role: str | None = None,
    postal_address: str | None = None,
) -> Site:
    """Add a site. Raises BadInput with the fields `name`, `domains`, `brand_names`; Conflict when name or domain is taken."""
    if not name.strip():
        raise BadInput("a site needs a name", FieldProblem("name", "Enter a name"))
    site = Site(
        name=name.strip(),
        domains=clean_domains(domains),
        brand_names=_clean_names(brand_names),
        language=language,
        country=country,
        min_authority=min_authority,
        min_traffic=min_traffic,
        sender_name=sender_name,
        sender_role=sender_role,
        postal_address=postal_address,
        created_at=uow.now(),
    )
    for other in list_sites(uow):
        if other.name.lower() == site.name.lower():
            raise Conflict(f"there is a site with the name {other.name} already")
        shared = set(other.domains) & set(site.domains)
        if shared:
            raise Conflict(f"{min(shared)} belongs to the site {other.name} already")
    uow.session.add(site)
    uow.session.flush()
    return site


def competitors(uow: UnitOfWork, site_id: int) -> list[Competitor]:
    """The competitors of a site, oldest first."""
    get(uow, site_id)
    statement = select(Competitor).where(col(Competitor.site_id) == site_id).order_by(col(Competitor.id))
    return list(uow.session.execute(statement).scalars())


def add_competitor(
    uow: UnitOfWork, site_id: int, domain: str, *, name: str | None = None
) -> tuple[Competitor, str | None]:
    """Add a competitor; the second value is an advice in a sentence, or None.

    Raises BadInput (field `domain`) for what is no domain or is the site's own; Conflict for one that is there already
    or for the eleventh.
    """
    site = get(uow, site_id)
    key = registrable_domain(domain.strip())
    if key is None:
        raise BadInput(
            f"'{domain}' is not a domain", FieldProblem("domain", "Enter a domain such as rival.com, without a path")
        )
    if key in site.domains:
        raise BadInput(
            f"{key} is {site.name}'s own domain", FieldProblem("domain", "Enter the domain of somebody else")
        )
    known = competitors(uow, site_id)
    if any(other.domain == key for other in known):
        raise Conflict(f"{key} is a competitor of {site.name} already")
    if len(known) >= MOST_COMPETITORS:
        raise Conflict(f"a site has at most {MOST_COMPETITORS} competitors; remove one first")
    made = Competitor(site_id=site_id, domain=key, name=name, created_at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    advice = None
    if len(known) + 1 > ADVISED_COMPETITORS:
        advice = (
            f"{len(known) + 1} competitors: more than {ADVISED_COMPETITORS} add noise, because fewer sites link to all"
        )
    return made, advice


def remove_competitor(uow: UnitOfWork, site_id: int, competitor_id: int) -> None:
    """Take a competitor off the list; its snapshots stay. Raises NotFound."""
    found = uow.session.get(Competitor, competitor_id)
    if found is None or found.site_id != site_id:
        raise NotFound(f"the site {site_id} has no competitor {competitor_id}")
    uow.session.execute(delete(Competitor).where(col(Competitor.id) == competitor_id))


def pages(uow: UnitOfWork, site_id: int, *, archived: bool = False) -> list[Page]:
    """The pages of a site that we promote, oldest first; `archived` adds those that were put away."""
    get(uow, site_id)
    statement = select(Page).where(col(Page.site_id) == site_id).order_by(col(Page.id))
    if not archived:
        statement = statement.where(col(Page.archived_at).is_(None))
    return list(uow.session.execute(statement).scalars())


def _clean_page(site: Site, url: str) -> str:
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = ascii_host(parts.hostname or "")
    if parts.scheme not in ("http", "https") or host is None or parts.username is not None or " " in text:
        raise BadInput(
            f"'{url}' is not an address of a page", FieldProblem("url", "Enter a full address with https://")
        )
    if registrable_domain(host) not in site.domains:
        raise BadInput(
            f"{host} is not one of {site.name}'s domains",
            FieldProblem("url", f"Enter a page on {' or '.join(site.domains)}"),
        )
    if parts.path.strip("/") == "" and not parts.query:
        raise BadInput(
            "the homepage cannot be promoted",
            FieldProblem("url", "Enter a page that an editor has a reason to link to"),
        )
    where = host if port is None else f"{host}:{port}"
    return parts._replace(netloc=where, fragment="").geturl()


def add_page(
    uow: UnitOfWork,
    site_id: int,
    url: str,
    *,
    title: str,
    topic: str | None = None,
    summary: str | None = None,
    published_on: date | None = None,
) -> Page:
    """Add a page to promote. Raises BadInput (`url`, `title`): not ours, or the homepage; Conflict when it is there."""
    site = get(uow, site_id)
    cleaned = _clean_page(site, url)
    if not title.strip():
        raise BadInput("a page needs a title", FieldProblem("title", "Enter the title under which you refer to it"))
    if any(page.url == cleaned for page in pages(uow, site_id, archived=True)):
        raise Conflict(f"{cleaned} is on the list already")
    page = Page(
        site_id=site_id,
        url=cleaned,
        title=title.strip(),
        topic=topic,
        summary=summary,
        published_on=published_on,
        created_at=uow.now(),
    )
    uow.session.add(page)
    uow.session.flush()
    return page


def archive_page(uow: UnitOfWork, site_id: int, page_id: int) -> Page:
    """Put a page away: it is not proposed any more, its history stays. Raises NotFound."""
    page: Page | None = uow.session.get(Page, page_id)
    if page is None or page.site_id != site_id:
        raise NotFound(f"the site {site_id} has no page {page_id}")
    page.archived_at = page.archived_at or uow.now()
    return page
