"""The counts beside the navigation, bounded, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.models import Installation, Link, LinkState, Outbound, Prospect, Triage
from app.reports.inbox import awake
from app.reports.prospects import waiting

# Beyond this a count says "more than"; counting on would cost time that grows with the table.
MOST = 1000


def _bounded(rows: Select[Any]) -> Any:
    return select(func.count()).select_from(rows.limit(MOST).subquery()).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page shows: counts by name, and why this data sends nothing (None: it does)."""

    counts: dict[str, int]
    held: str | None


def of_navigation(uow: UnitOfWork, *unread: Select[Any]) -> Shell:
    """How many prospects wait for a decision, mails for their turn, messages for an answer, links for a look; and the hold.

    `unread` are the notices that a person has not read (app.reports.notices): counted in the same statement.
    """
    queue = select(col(Prospect.id)).where(*waiting(uow.now()))
    outbox = select(col(Outbound.id)).where(
        col(Outbound.state).in_([OutboundState.QUEUED, OutboundState.AMBIGUOUS, OutboundState.CLAIMED])
    )
    inbox = select(col(Triage.inbound_id)).where(awake(uow.now()))
    links = select(col(Link.id)).where(col(Link.state).in_([LinkState.CHANGED, LinkState.LOST]))
    held = select(col(Installation.held_reason)).where(col(Installation.held_at).is_not(None)).scalar_subquery()
    kinds = [_bounded(statement) for statement in unread]
    row = uow.session.execute(
        select(_bounded(queue), _bounded(outbox), _bounded(inbox), _bounded(links), held, *kinds)
    ).one()
    found = {"queue": row[0], "outbox": row[1], "inbox": row[2], "links": row[3], "notices": sum(row[5:])}
    return Shell(found, row[4])
