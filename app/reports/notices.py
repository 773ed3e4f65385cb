"""What staff are told of beside their work: messages that wait too long, mails that are unsure, links of tier 1 lost, mailboxes that need somebody.

The mails of app.digest and the list of the pages tell the same. Nothing is written when something happens: a notice is read off
the rows that it is about, and ends with what it tells of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, desc, literal, or_, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.models import Link, LinkState, Mailbox, Prospect, Triage
from app.reports import unsure
from app.reports.inbox import awake, who_waits
from app.reports.sql import columns, rows

#: No notice looks further back than this.
NEWS = timedelta(days=31)
LATE, UNSURE, LINK, MAILBOX = "late", "unsure", "link", "mailbox"
#: Each kind with the scope that reads it, or can do something about it.
NEEDS = {LATE: "messages:read", UNSURE: "outbox:read", LINK: "links:write", MAILBOX: "mailboxes:write"}
# One look that failed may be a server that starts anew.
_FAILED_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """One line: of which row (a message, a mail, a prospect or a mailbox), whom it is about and what. `at` None: it lasts."""

    kind: str
    row_id: int
    who: str
    about: str
    at: datetime | None
    unread: bool


def late(since: datetime, until: datetime) -> Select[Any]:
    """Messages of which it could first be told between two moments that they wait too long: id, who, domain, due_at, at.

    That is when their time ran out, or when they came, for what was late already: their mailbox could not be read before.
    """
    return who_waits(until).add_columns(col(Triage.late_at).label("at")).where(*_told(since, until))


def _told(since: datetime, until: datetime) -> tuple[Any, ...]:
    return awake(until), col(Triage.late_at) > since, col(Triage.late_at) <= until


def lost(since: datetime, until: datetime) -> Select[Any]:
    """Links of tier 1 that were proved lost between two moments; what nobody had ever seen cannot be lost."""
    return (
        columns(Link.prospect_id, Prospect.domain, Link.source_url, Link.lost_at)
        .join(Prospect, col(Prospect.id) == col(Link.prospect_id))
        .where(
            col(Prospect.tier) == 1,
            col(Link.state) == LinkState.LOST,
            col(Link.verified).is_(True),
            col(Link.lost_at) > since,
            col(Link.lost_at) <= until,
        )
    )


def broken() -> Select[Any]:
    """Mailboxes in use that go on only when somebody acts; one that rests for an hour does so by itself."""
    stands = and_(col(Mailbox.paused_reason).is_not(None), col(Mailbox.paused_until).is_(None))
    unread = and_(col(Mailbox.poll_error).is_not(None), col(Mailbox.poll_failures) >= _FAILED_LOOKS)
    return (
        columns(
            Mailbox.id,
            Mailbox.email,
            case((stands, col(Mailbox.paused_reason)), else_=col(Mailbox.poll_error)).label("why"),
        )
        .where(col(Mailbox.active).is_(True), or_(stands, unread))
        .order_by(col(Mailbox.id))
    )


def since_of(now: datetime, seen_at: datetime | None) -> datetime:
    """From when on a notice is unread, for somebody who has read the list at `seen_at`."""
    return max(seen_at or now - NEWS, now - NEWS)


def unread(now: datetime, seen_at: datetime | None, kinds: frozenset[str]) -> list[Select[Any]]:
    """What counts as unread, one statement for each kind, for the count beside the navigation. A mailbox does until it is mended."""
    since = since_of(now, seen_at)
    found = {
        # Of the small rows alone: this is asked for on every page and every few seconds, and `inbound` holds the bytes of the mail.
        LATE: select(col(Triage.inbound_id)).where(*_told(since, now)),
        UNSURE: unsure.waiting(now, since),
        LINK: lost(since, now),
        MAILBOX: broken().order_by(None),
    }
    return [
        statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True)
        for kind, statement in found.items()
        if kind in kinds
    ]


def listing(uow: UnitOfWork, seen_at: datetime | None, kinds: frozenset[str], *, limit: int = 50) -> list[Notice]:
    """Mailboxes that need somebody, then the newest notices of the last 31 days, at most `limit` in all."""
    now, since = uow.now(), since_of(uow.now(), seen_at)
    oldest, made, lasting = now - NEWS, [], []
    if MAILBOX in kinds:
        lasting = [
            Notice(MAILBOX, row["id"], row["email"], row["why"], None, True) for row in rows(uow, broken().limit(limit))
        ]
    if LATE in kinds:
        for row in rows(uow, late(oldest, now).order_by(desc("at")).limit(limit)):
            who = row["who"] or row["domain"]
            made.append(Notice(LATE, row["id"], who, row["domain"], row["at"], row["at"] > since))
    if UNSURE in kinds:
        waits = unsure.waiting(now, oldest)
        for row in rows(uow, waits.order_by(waits.selected_columns["since"].desc()).limit(limit)):
            at = row["since"] + unsure.WAITS_AFTER
            made.append(Notice(UNSURE, row["id"], row["domain"], row["subject"], at, at > since))
    if LINK in kinds:
        for row in rows(uow, lost(oldest, now).order_by(col(Link.lost_at).desc()).limit(limit)):
            made.append(
                Notice(
                    LINK, row["prospect_id"], row["domain"], row["source_url"], row["lost_at"], row["lost_at"] > since
                )
            )
    made.sort(key=lambda one: one.at or now, reverse=True)
    return [*lasting, *made][:limit]
