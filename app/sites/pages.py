"""The pages of ours that we promote: what each is about, and what speaks against it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.angles import Angle
from app.domain.said import say
from app.errors import BadInput, Conflict, Difference, FieldProblem, NotFound, Stale
from app.fetch.ports import Fetcher
from app.jobs import Job
from app.keys import ascii_host, registrable_domain
from app.models import Page, Site
from app.sites.looking import Look, look

FIELDS = ("url", "title", "topic", "summary", "published_on", "angle")
#: Time between two looks at one page of ours.
LOOK_EVERY = timedelta(days=7)


def get(uow: UnitOfWork, site_id: int) -> Site:
    """The site; raises NotFound."""
    found: Site | None = uow.session.get(Site, site_id)
    if found is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    return found


def pages(uow: UnitOfWork, site_id: int, *, archived: bool = False) -> list[Page]:
    """The pages of a site that we promote, oldest first; `archived` adds those that were put away."""
    get(uow, site_id)
    statement = select(Page).where(col(Page.site_id) == site_id).order_by(col(Page.id))
    if not archived:
        statement = statement.where(col(Page.archived_at).is_(None))
    return list(uow.session.execute(statement).scalars())


def get_page(uow: UnitOfWork, page_id: int) -> Page:
    """The page; raises NotFound."""
    found: Page | None = uow.session.get(Page, page_id)
    if found is None:
        raise NotFound(say("there is no page {page_id}", page_id=page_id))
    return found


def clean_url(site: Site, url: str) -> str:
    """The address as it is kept. Raises BadInput (`url`): no address, not on a domain of the site, or the homepage."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = ascii_host(parts.hostname or "")
    if parts.scheme not in ("http", "https") or host is None or parts.username is not None or " " in text:
        raise BadInput(
            say("'{url}' is not an address of a page", url=url),
            FieldProblem("url", say("Enter a full address with https://")),
        )
    if registrable_domain(host) not in site.domains:
        raise BadInput(
            say("{host} is not one of {name}'s domains", host=host, name=site.name),
            FieldProblem("url", say("Enter a page on {names}", names=" or ".join(site.domains))),
        )
    if parts.path.strip("/") == "" and not parts.query:
        raise BadInput(
            say("the homepage cannot be promoted"),
            FieldProblem("url", say("Enter a page that an editor has a reason to link to")),
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
    angle: str | None = None,
) -> Page:
    """Add a page to promote. Raises BadInput (`url`, `title`): not ours, or the homepage; Conflict when it is there."""
    site = get(uow, site_id)
    given = {"url": url, "title": title, "topic": topic, "summary": summary, "published_on": published_on}
    values = _clean(uow, site, None, {**given, "angle": angle})
    page = Page(site_id=site_id, **values, check_due_at=uow.now(), created_at=uow.now())
    uow.session.add(page)
    uow.session.flush()
    audit.record(uow, "page.added", "page", page.id, name=page.url, after=values)
    compare_anew(uow, site_id)
    return page


def change_page(uow: UnitOfWork, page_id: int, version: int, **given: Any) -> Page:
    """Replace the fields of a page (all of `FIELDS`), of which the caller has read `version`; another address is looked at anew.

    Raises Stale with what differs when somebody else saved meanwhile, NotFound, and what `add_page` raises.
    """
    page = uow.session.get(Page, page_id, with_for_update=True, populate_existing=True)
    if page is None:
        raise NotFound(say("there is no page {page_id}", page_id=page_id))
    values = _clean(uow, get(uow, page.site_id), page, given)
    before = {name: getattr(page, name) for name in FIELDS}
    if version != page.version:
        differs = [Difference(name, before[name], values[name]) for name in FIELDS if before[name] != values[name]]
        raise Stale(say("somebody else saved this page meanwhile; yours is not saved yet"), page.version, *differs)
    if audit.record(uow, "page.changed", "page", page_id, name=page.url, before=before, after=values) is not None:
        if values["url"] != page.url:
            page.check_state = page.check_detail = page.checked_at = None
            page.check_due_at = uow.now()
        for name, value in values.items():
            setattr(page, name, value)
        page.version += 1
        uow.session.flush()
        compare_anew(uow, page.site_id)
    return page


def archive_page(uow: UnitOfWork, site_id: int, page_id: int) -> Page:
    """Put a page away: it is not proposed any more, its history stays. Raises NotFound."""
    page: Page | None = uow.session.get(Page, page_id)
    if page is None or page.site_id != site_id:
        raise NotFound(say("the site {site_id} has no page {page_id}", site_id=site_id, page_id=page_id))
    if page.archived_at is None:
        page.archived_at, page.check_due_at = uow.now(), None
        audit.record(uow, "page.archived", "page", page_id, name=page.url)
        compare_anew(uow, site_id)
    return page


def restore_page(uow: UnitOfWork, page_id: int) -> Page:
    """Bring a page back that was put away. Raises NotFound."""
    page = get_page(uow, page_id)
    if page.archived_at is not None:
        page.archived_at, page.check_due_at = None, uow.now()
        audit.record(uow, "page.restored", "page", page_id, name=page.url)
        compare_anew(uow, page.site_id)
    return page


def compare_anew(uow: UnitOfWork, site_id: int) -> None:
    """Let a worker compare the prospects of a site with its pages, from the first one on."""
    site = get(uow, site_id)
    site.fit_due_at, site.fit_after = uow.now(), None
    uow.session.flush()
    uow.ring(Job.GAPS_REFIT, site_id)


def due(session: Session, now: Any) -> list[int]:
    """The pages that are to be looked at, most urgent first."""
    statement = select(col(Page.id)).where(col(Page.check_due_at) <= now, col(Page.archived_at).is_(None))
    return list(session.execute(statement.order_by(col(Page.check_due_at))).scalars())


def looked(uow: UnitOfWork, page_id: int, look: Look) -> Page:
    """Keep what a look has found; a change of the finding stands in the audit."""
    page = get_page(uow, page_id)
    before, after = {"state": page.check_state}, {"state": look.state, "detail": look.sentence}
    if page.check_state != look.state:
        audit.record(uow, "page.checked", "page", page_id, name=page.url, before=before, after=after)
    page.check_state, page.check_detail, page.checked_at = look.state, look.sentence, look.at
    page.check_due_at = None if page.archived_at else uow.now() + LOOK_EVERY
    return page


def check_page(db: Database, fetcher: Fetcher, page_id: int) -> Look:
    """Look at a page now and keep what was found; the fetch runs outside of any transaction. Raises NotFound."""
    with db.read() as uow:
        url = get_page(uow, page_id).url
    found = look(fetcher, url)
    with db.work() as uow:
        looked(uow, page_id, found)
    return found


def _clean(uow: UnitOfWork, site: Site, page: Page | None, given: dict[str, Any]) -> dict[str, Any]:
    values = {name: given[name] for name in FIELDS}
    problems: list[FieldProblem] = []
    detail = "the page cannot be saved with these values"
    try:
        values["url"] = clean_url(site, values["url"])
    except BadInput as wrong:
        problems += wrong.problems
        detail = wrong.detail
    for name in ("title", "topic", "summary"):
        values[name] = (values[name] or "").strip() or None
    if values["title"] is None:
        problems.append(FieldProblem("title", say("Enter the title under which you refer to it")))
    if values["angle"] is not None and values["angle"] not in set(Angle):
        problems.append(FieldProblem("angle", say("Choose one of {names}, or none", names=", ".join(Angle))))
    if problems:
        raise BadInput(detail, *problems)
    for other in pages(uow, site.id, archived=True):
        if other.url == values["url"] and (page is None or other.id != page.id):
            away = "; it was put away and can be brought back" if other.archived_at else ""
            raise Conflict(say("{values} is on the list already{away}", values=values["url"], away=away))
    return values
