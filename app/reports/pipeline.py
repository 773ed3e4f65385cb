"""The pipeline board: the first cards of each stage with their badges, and how many there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_, union_all
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
    OutboundKind,
    Prospect,
    StageEvent,
)
from app.prospects import leases
from app.reports.mail import answered
from app.reports.sql import Row, columns, rows


def _badges() -> dict[str, Any]:
    """What a card can say besides its stage: each a condition over the prospect."""
    mine = col(Prospect.id)
    waiting = (OutboundState.QUEUED, OutboundState.CLAIMED, OutboundState.AMBIGUOUS)
    return {
        "approved": columns(Outbound.id)
        .where(col(Outbound.prospect_id) == mine, col(Outbound.state).in_(waiting))
        .exists(),
        "replied": columns(Inbound.id).where(col(Inbound.prospect_id) == mine, answered()).exists(),
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


# A pitch that left or is to leave: what was taken back says nothing about who is at it.
_PITCHED = (col(Outbound.kind) == OutboundKind.PITCH, col(Outbound.state) != OutboundState.CANCELLED)


def _newest_owner() -> Any:
    """Who has approved the newest pitch to a prospect, as the history names them (an address, `key:NAME`); none before one."""
    found = select(col(Outbound.approved_by)).where(col(Outbound.prospect_id) == col(Prospect.id), *_PITCHED)
    return found.order_by(col(Outbound.id).desc()).limit(1).correlate(Prospect).scalar_subquery()


def _conditions(site_id: int | None, tier: int | None, badge: str | None, owner: str | None) -> list[Any]:
    found: list[Any] = []
    if owner is not None:
        # A set that is read once, before each of it is looked at: the newest pitch is theirs, as the card says.
        theirs = select(col(Outbound.prospect_id)).where(col(Outbound.approved_by) == owner, *_PITCHED)
        found += [col(Prospect.id).in_(theirs), _newest_owner() == owner]
    if site_id is not None:
        found.append(col(Prospect.site_id) == site_id)
    if tier is not None:
        found.append(col(Prospect.tier) == tier)
    if badge is not None:
        found.append(_badges()[badge])
    return found


def counts(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    tier: int | None = None,
    badge: str | None = None,
    owner: str | None = None,
) -> dict[Stage, int]:
    """How many prospects stand in each stage; with `owner` those whom that person has pitched to."""
    statement = select(col(Prospect.stage), func.count()).where(*_conditions(site_id, tier, badge, owner))
    found = {row[0]: row[1] for row in uow.session.execute(statement.group_by(col(Prospect.stage)))}
    return {stage: int(found.get(stage, 0)) for stage in Stage}


def _since() -> Any:
    """When the prospect came to its stage. An import or a look at its page changes the row, too, and moves nobody."""
    moved = (
        select(func.max(col(StageEvent.at)))
        .where(col(StageEvent.prospect_id) == col(Prospect.id), col(StageEvent.from_stage) != col(StageEvent.to_stage))
        .scalar_subquery()
    )
    return func.coalesce(moved, col(Prospect.created_at)).label("since")


def _part(stage: Stage, now: datetime, conditions: list[Any], after: tuple[str, int] | None, limit: int) -> Select[Any]:
    """The cards of one stage, best first."""
    held = (col(DomainLease.domain) == col(Prospect.domain)) & leases.running(now)
    statement: Select[Any] = (
        columns(
            Prospect.id,
            Prospect.domain,
            Prospect.stage,
            Prospect.tier,
            Prospect.rank_key,
            _since(),
            _newest_owner().label("owner"),
            *(condition.label(name) for name, condition in _badges().items()),
            DomainLease.holder_name,
        )
        .join(DomainLease, held, isouter=True)
        .where(col(Prospect.stage) == stage, *conditions)
        .order_by(col(Prospect.rank_key), col(Prospect.id))
        .limit(limit)
    )
    return statement if after is None else statement.where(tuple_(col(Prospect.rank_key), col(Prospect.id)) > after)


def cards(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    tier: int | None = None,
    badge: str | None = None,
    owner: str | None = None,
    limit: int = 12,
) -> dict[Stage, list[Row]]:
    """The first cards of each stage, best first, in one statement; `holder_name` is who works on it now, `owner` whose pitch it is."""
    conditions = _conditions(site_id, tier, badge, owner)
    parts = [
        select(_part(one, uow.now(), conditions, None, limit).subquery(), literal(1).label("one")) for one in Stage
    ]
    both = union_all(*parts).subquery()
    found: dict[Stage, list[Row]] = {one: [] for one in Stage}
    for row in rows(uow, select(both).order_by(both.c.rank_key, both.c.id)):
        found[Stage(row["stage"])].append(row)
    return found


Position = tuple[Stage, str, int]


def table(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    tier: int | None = None,
    badge: str | None = None,
    owner: str | None = None,
    stage: Stage | None = None,
    after: Position | None = None,
    limit: int = 100,
) -> tuple[list[Row], Position | None]:
    """A page of all cards, stage by stage (or of one stage), best first, and where it ended (None: nothing follows).

    `after` is where the page before ended: at most one statement for each stage, whatever lies before.
    """
    stages = list(Stage) if stage is None else [stage]
    if after is not None and after[0] in stages:
        stages = stages[stages.index(after[0]) :]
    conditions = _conditions(site_id, tier, badge, owner)
    found: list[Row] = []
    for one in stages:
        behind = after[1:] if after is not None and after[0] is one else None
        found += rows(uow, _part(one, uow.now(), conditions, behind, limit + 1 - len(found)))
        if len(found) > limit:
            last = found[limit - 1]
            return found[:limit], (Stage(last["stage"]), last["rank_key"], last["id"])
    return found, None
