"""Search over domains and people: beginnings first, by an index; what lies inside a name only where beginnings are few."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, func, or_
from sqlmodel import col

from app.db.work import UnitOfWork
from app.models import Contact, Page, Prospect, Site, User
from app.reports.sql import Row, columns, rows

LONGEST = 100
#: From so many letters on, names are searched for what stands inside them, too.
INSIDE_FROM = 3
# Sorts behind every letter.
_END = "\U0010ffff"


def cleaned(text: str) -> str:
    """What a person typed as it is looked for: without space around it, an address of a page as its host."""
    text = " ".join(text.replace("\0", "").split())[:LONGEST]
    if "://" in text:
        try:
            text = urlsplit(text).hostname or text
        except ValueError:
            return text
    return text.removeprefix("www.")


def _begins(uow: UnitOfWork, column: Any, start: str) -> Any:
    """Whether a column begins with `start`, in the form that the index of each database serves."""
    if uow.session.get_bind().dialect.name == "sqlite":
        return and_(column >= start, column < start + _END)
    return column.startswith(start, autoescape=True)


def domains(uow: UnitOfWork, text: str, *, limit: int = 8) -> list[Row]:
    """Prospects whose domain is, begins with or (three letters or more) holds `text`: id, domain, stage, tier, site; best first.

    At most four statements: each stops at `limit`, and only what is found is read in full.
    """
    text = text.lower()
    if not text:
        return []
    domain = col(Prospect.domain)
    ids: dict[int, None] = {}
    conditions = [domain == text, _begins(uow, domain, text)]
    if len(text) >= INSIDE_FROM:
        conditions.append(domain.contains(text, autoescape=True))
    for condition in conditions:
        # Only what stands in the index of domains is asked for, so that no row is read.
        found = uow.session.execute(columns(Prospect.id, Prospect.domain).where(condition).limit(limit))
        ids.update(dict.fromkeys(row[0] for row in sorted(found, key=lambda row: (len(row[1]), row[1]))))
        if len(ids) >= limit:
            break
    chosen = list(ids)[:limit]
    if not chosen:
        return []
    statement = (
        columns(Prospect.id, Prospect.domain, Prospect.stage, Prospect.tier, col(Site.name).label("site"))
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .where(col(Prospect.id).in_(chosen))
    )
    place = {number: at for at, number in enumerate(chosen)}
    return sorted(rows(uow, statement), key=lambda row: place[row["id"]])


def people(uow: UnitOfWork, text: str, *, limit: int = 8) -> list[Row]:
    """Contacts whose address or name begins with `text`: prospect_id, domain, name, email."""
    if not text:
        return []
    spelled = dict.fromkeys([text, text.lower(), text.title()])
    begins = [_begins(uow, col(Contact.name), one) for one in spelled]
    begins += [_begins(uow, col(Contact.email), one) for one in dict.fromkeys([text, text.lower()])]
    statement = (
        columns(Contact.prospect_id, Prospect.domain, Contact.name, Contact.email)
        .join(Prospect, col(Prospect.id) == col(Contact.prospect_id))
        .where(or_(*begins))
        .limit(limit)
    )
    return sorted(rows(uow, statement), key=lambda row: (row["name"] or "", row["email"]))


def staff(uow: UnitOfWork, text: str, *, limit: int = 5) -> list[Row]:
    """Members of staff with `text` in name or address: id, name, email. They are few."""
    if not text:
        return []
    wanted = func.lower(col(User.name)).contains(text.lower(), autoescape=True) | func.lower(col(User.email)).contains(
        text.lower(), autoescape=True
    )
    statement = (
        columns(User.id, User.name, User.email).where(wanted).order_by(col(User.name), col(User.id)).limit(limit)
    )
    return rows(uow, statement)


def our_pages(uow: UnitOfWork, text: str, *, limit: int = 5) -> list[Row]:
    """Pages of ours with `text` in title or address: id, site_id, url, title. They are few."""
    if not text:
        return []
    wanted = func.lower(col(Page.title)).contains(text.lower(), autoescape=True) | func.lower(col(Page.url)).contains(
        text.lower(), autoescape=True
    )
    statement = (
        columns(Page.id, Page.site_id, Page.url, Page.title)
        .where(wanted, col(Page.archived_at).is_(None))
        .order_by(col(Page.title), col(Page.id))
        .limit(limit)
    )
    return rows(uow, statement)
