"""The pipeline board: the first cards of each stage with their badges, and how many there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.models import (
    Conversation,
    ConversationState,
    DomainLease,
    Inbound,
    Link,
    LinkState,
    Outbound,
    Prospect,
)
from app.reports.mail import FOR_PEOPLE
from app.reports.sql import Row, columns, rows


def _badges() -> dict[str, Any]:
    """What a card can say besides its stage: each a condition over the prospect."""
    mine = col(Prospect.id)
    waiting = (OutboundState.QUEUED, OutboundState.CLAIMED, OutboundState.AMBIGUOUS)
    return {
        "approved": columns(Outbound.id)
        .where(col(Outbound.prospect_id) == mine, col(Outbound.state).in_(waiting))
        .exists(),
        "replied": columns(Inbound.id)
        .where(col(Inbound.prospect_id) == mine, col(Inbound.kind).in_(FOR_PEOPLE))
        .exists(),
        "agreed": columns(Conversation.id)
        .where(
            col(Conversation.prospect_id) == mine,
            col(Conversation.state) == ConversationState.OPEN,
            col(Conversation.agreed).is_(True),
        )
        .exists(),
        "live": columns(Link.id)
        .where(col(Link.prospect_id) == mine, col(Link.state) == LinkState.LIVE, col(Link.verified).is_(True))
        .exists(),
    }


BADGES = tuple(_badges())


def _conditions(site_id: int | None, tier: int | None, badge: str | None) -> list[Any]:
    found: list[Any] = []
    if site_id is not None:
        found.append(col(Prospect.site_id) == site_id)
    if tier is not None:
        found.append(col(Prospect.tier) == tier)
    if badge is not None:
        found.append(_badges()[badge])
    return found


def counts(
    uow: UnitOfWork, *, site_id: int | None = None, tier: int | None = None, badge: str | None = None
) -> dict[Stage, int]:
    """How many prospects stand in each stage."""
    statement = select(col(Prospect.stage), func.count()).where(*_conditions(site_id, tier, badge))
    found = {row[0]: row[1] for row in uow.session.execute(statement.group_by(col(Prospect.stage)))}
    return {stage: int(found.get(stage, 0)) for stage in Stage}


def cards(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    tier: int | None = None,
    badge: str | None = None,
    stage: Stage | None = None,
    limit: int = 12,
) -> dict[Stage, list[Row]]:
    """The first cards of each stage (or of one), best first, in one statement; `holder_name` is who works on it now."""
    now = uow.now()
    parts = []
    for one in Stage if stage is None else (stage,):
        part = (
            columns(
                Prospect.id,
                Prospect.domain,
                Prospect.stage,
                Prospect.tier,
                Prospect.rank_key,
                Prospect.updated_at,
                *(condition.label(name) for name, condition in _badges().items()),
                DomainLease.holder_name,
            )
            .join(
                DomainLease,
                (col(DomainLease.domain) == col(Prospect.domain)) & (col(DomainLease.until) > now),
                isouter=True,
            )
            .where(col(Prospect.stage) == one, *_conditions(site_id, tier, badge))
            .order_by(col(Prospect.rank_key), col(Prospect.id))
            .limit(limit)
            .subquery()
        )
        parts.append(select(part, literal(1).label("one")))
    both = union_all(*parts).subquery()
    found: dict[Stage, list[Row]] = {one: [] for one in Stage}
    for row in rows(uow, select(both).order_by(both.c.rank_key, both.c.id)):
        found[Stage(row["stage"])].append(row)
    return found
