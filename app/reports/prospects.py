"""Lists of prospects and of what happened to them: pages of an index range, columns instead of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, or_, select, text, tuple_, union_all
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.pipeline import Stage
from app.models import (
    Conversation,
    ConversationState,
    Decision,
    DecisionKind,
    DomainLease,
    Prospect,
    QueuePin,
    Site,
    StageEvent,
)
from app.models.prospect import WAITS
from app.prospects import leases, pins
from app.reports.sql import Row, columns, rows

_COLUMNS = (
    Prospect.id,
    Prospect.site_id,
    Prospect.domain,
    Prospect.external_id,
    Prospect.stage,
    Prospect.version,
    Prospect.tier,
    Prospect.overlap,
    Prospect.competitors,
    Prospect.links,
    Prospect.dofollow,
    Prospect.authority,
    Prospect.authority_provider,
    Prospect.authority_percentile,
    Prospect.traffic,
    Prospect.language,
    Prospect.language_source,
    Prospect.best_page,
    Prospect.best_page_title,
    Prospect.best_page_author,
    Prospect.target,
    Prospect.anchor,
    Prospect.first_seen,
    Prospect.score,
    Prospect.removed_by,
    Prospect.gap_state,
    Prospect.gap_seen,
    Prospect.winnability,
    Prospect.winnability_parts,
    Prospect.gate,
    Prospect.fit,
    Prospect.fit_page_id,
    Prospect.fit_words,
    Prospect.fit_unknown,
    Prospect.mention,
    Prospect.verification,
    Prospect.snoozed_until,
    Prospect.rank_key,
    Prospect.created_at,
    Prospect.updated_at,
)


def _after(statement: Select[Any], position: tuple[Any, ...] | None) -> Select[Any]:
    if position is None:
        return statement
    # One stored key and the id: a row value, so that a page deep in the list is as cheap as the first one.
    return statement.where(tuple_(col(Prospect.rank_key), col(Prospect.id)) > position)


def listing(
    uow: UnitOfWork,
    *,
    site_id: int | None = None,
    stage: Stage | None = None,
    tier: int | None = None,
    domain: str | None = None,
    after: tuple[str, int] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Prospects in the order of the queue; `after` is the (rank key, id) of the last row of the page before."""
    statement: Select[Any] = columns(*_COLUMNS)
    if site_id is not None:
        statement = statement.where(col(Prospect.site_id) == site_id)
    if stage is not None:
        statement = statement.where(col(Prospect.stage) == stage)
    if tier is not None:
        statement = statement.where(col(Prospect.tier) == tier)
    if domain is not None:
        statement = statement.where(col(Prospect.domain) == domain)
    statement = _after(statement, after).order_by(col(Prospect.rank_key), col(Prospect.id)).limit(limit)
    return rows(uow, statement)


# The words of the partial indexes, with the table's name before each column.
WAITING = text(WAITS.replace("stage", "prospect.stage").replace("mention =", "prospect.mention ="))


@dataclass(frozen=True, slots=True)
class Lane:
    """A site and a tier, each None for all."""

    site: int | None = None
    tier: int | None = None


def waiting(now: Any) -> tuple[Any, ...]:
    """The conditions under which a prospect waits for a person in the queue.

    Its mention check has ended (or has failed and somebody must say so), nothing is under way with it, and it is not
    snoozed. After an approval the conversation is open, and the prospect is out of the queue.
    """
    under_way = (
        columns(Conversation.id)
        .where(col(Conversation.prospect_id) == col(Prospect.id), col(Conversation.state) == ConversationState.OPEN)
        .exists()
    )
    return (
        WAITING,
        or_(col(Prospect.snoozed_until).is_(None), col(Prospect.snoozed_until) <= now),
        ~under_way,
        # A handful of rows, read once: what was put away waits for nobody.
        col(Prospect.site_id).not_in(columns(Site.id).where(col(Site.archived_at).is_not(None))),
    )


_QUEUE_COLUMNS = (
    Prospect.id,
    Prospect.domain,
    Prospect.tier,
    Prospect.overlap,
    Prospect.authority,
    Prospect.authority_provider,
    Prospect.mention,
    Prospect.rank_key,
)


def queue(
    uow: UnitOfWork,
    lane: Lane = Lane(),
    *,
    after: tuple[str, int] | None = None,
    limit: int = 50,
    person: tuple[int, str] | None = None,
    free_for: tuple[int, str] | None = None,
    woken: bool = False,
) -> list[Row]:
    """The next prospects to decide, best first, with pins in front of the first page: one statement.

    `person` (user id, caller) is not shown what they left to others; `free_for` is the same without what somebody else
    holds. `woken`: only those whose snooze is over. Each row has `pinned`, and the `holder`, `holder_name` of a lease that runs.
    """
    now = uow.now()
    who = free_for or person

    def select_rows(pinned: bool) -> Select[Any]:
        statement: Select[Any] = columns(
            *_QUEUE_COLUMNS,
            literal(1 if pinned else 0).label("pinned"),
            DomainLease.holder,
            DomainLease.holder_name,
        ).join(
            DomainLease,
            (col(DomainLease.domain) == col(Prospect.domain)) & leases.running(now),
            isouter=True,
        )
        if pinned:
            # A short list of ids, named as such: from a join, SQLite would walk the whole lane to look for pins.
            statement = statement.where(col(Prospect.id).in_(select(col(QueuePin.prospect_id)).limit(pins.MOST)))
        else:
            pin = columns(QueuePin.prospect_id).where(col(QueuePin.prospect_id) == col(Prospect.id)).exists()
            statement = _after(statement.where(~pin), after)
        statement = statement.where(*waiting(now))
        if woken:
            statement = statement.where(col(Prospect.snoozed_until) <= now)
        if lane.site is not None:
            statement = statement.where(col(Prospect.site_id) == lane.site)
        if lane.tier is not None:
            # The key begins with the tier: the lane of a tier is one range of the index.
            low, high = str(lane.tier), str(lane.tier + 1)
            statement = statement.where(col(Prospect.rank_key) >= low, col(Prospect.rank_key) < high)
        if who is not None:
            left = columns(Decision.id).where(
                col(Decision.prospect_id) == col(Prospect.id),
                col(Decision.user_id) == who[0],
                col(Decision.kind) == DecisionKind.PASS,
                col(Decision.undone_at).is_(None),
            )
            statement = statement.where(~left.exists())
        if free_for is not None:
            statement = statement.where(or_(col(DomainLease.holder).is_(None), col(DomainLease.holder) == free_for[1]))
        return statement.order_by(col(Prospect.rank_key), col(Prospect.id)).limit(limit)

    if after is not None:
        return rows(uow, select_rows(pinned=False))
    front, rest = select_rows(pinned=True).subquery(), select_rows(pinned=False).subquery()
    both = union_all(select(front), select(rest)).subquery()
    ordered = select(both).order_by(both.c.pinned.desc(), both.c.rank_key, both.c.id).limit(limit)
    return rows(uow, ordered)


def events(uow: UnitOfWork, *, after: int = 0, limit: int = 50) -> list[Row]:
    """The history of all prospects as a feed, oldest first; `after` is the id of the last line that was read."""
    statement: Select[Any] = (
        columns(
            StageEvent.id,
            StageEvent.prospect_id,
            Prospect.site_id,
            Prospect.domain,
            Prospect.external_id,
            StageEvent.event,
            StageEvent.from_stage,
            StageEvent.to_stage,
            StageEvent.actor,
            StageEvent.reason,
            StageEvent.data,
            StageEvent.correlation_id,
            StageEvent.at,
        )
        .join(Prospect, col(Prospect.id) == col(StageEvent.prospect_id))
        .where(col(StageEvent.id) > after)
        .order_by(col(StageEvent.id))
        .limit(limit)
    )
    return rows(uow, statement)
