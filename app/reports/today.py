"""What lies before a person today: bounded counts and the first lines of each list."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.models import Inbound, Link, LinkState, Prospect, Triage
from app.reports.counts import MOST
from app.reports.inbox import awake, who_waits
from app.reports.prospects import waiting
from app.reports.sql import Row, columns, rows

TIERS = (1, 2, 3)


def ready_by_tier(uow: UnitOfWork) -> dict[int, int]:
    """How many prospects wait for a decision, by tier, each counted up to MOST: one statement."""
    parts = []
    for tier in TIERS:
        # The key begins with the tier: a tier is one range of the index of what waits.
        low, high = str(tier), str(tier + 1)
        inner = (
            columns(Prospect.id)
            .where(*waiting(uow.now()), col(Prospect.rank_key) >= low, col(Prospect.rank_key) < high)
            .limit(MOST)
            .subquery()
        )
        parts.append(select(func.count()).select_from(inner).scalar_subquery())
    row = uow.session.execute(select(*parts)).one()
    return dict(zip(TIERS, map(int, row), strict=True))


def woken(uow: UnitOfWork, *, limit: int = 5) -> list[Row]:
    """Prospects whose snooze is over and that wait again, the longest awake first: id, domain, tier, snoozed_until."""
    now = uow.now()
    statement = (
        columns(Prospect.id, Prospect.domain, Prospect.tier, Prospect.snoozed_until)
        .where(col(Prospect.snoozed_until).is_not(None), col(Prospect.snoozed_until) <= now, *waiting(now))
        .order_by(col(Prospect.snoozed_until), col(Prospect.id))
        .limit(limit)
    )
    return rows(uow, statement)


def links(uow: UnitOfWork) -> dict[LinkState, int]:
    """How many links were lost, and how many are worth less, each counted up to MOST."""
    states = (LinkState.LOST, LinkState.CHANGED)
    parts = []
    for state in states:
        inner = columns(Link.id).where(col(Link.state) == state).limit(MOST).subquery()
        parts.append(select(func.count()).select_from(inner).scalar_subquery())
    return dict(zip(states, map(int, uow.session.execute(select(*parts)).one()), strict=True))


@dataclass(frozen=True, slots=True)
class Late:
    """Messages that wait beyond their time: how many (up to MOST), and the first of them: id, who, domain, due_at."""

    count: int
    first: list[Row]


def late(uow: UnitOfWork, *, limit: int = 5) -> Late:
    """Those that should have been answered or classified by now, the latest due first to come first."""
    mine = (awake(uow.now()), col(Triage.due_at) < uow.now(), col(Inbound.prospect_id).is_not(None))
    joined = columns(Triage.inbound_id).join(Inbound, col(Inbound.id) == col(Triage.inbound_id)).where(*mine)
    count = uow.session.execute(select(func.count()).select_from(joined.limit(MOST).subquery())).scalar_one()
    if not count:
        return Late(0, [])
    statement = who_waits(uow.now()).where(col(Triage.due_at) < uow.now())
    statement = statement.order_by(col(Triage.due_at), col(Triage.inbound_id)).limit(limit)
    return Late(int(count), rows(uow, statement))
