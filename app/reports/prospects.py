"""Lists of prospects and of what happened to them: pages of an index range, columns instead of objects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, tuple_
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.models import Conversation, ConversationState, Prospect, StageEvent
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
    Prospect.traffic,
    Prospect.language,
    Prospect.best_page,
    Prospect.best_page_title,
    Prospect.target,
    Prospect.anchor,
    Prospect.first_seen,
    Prospect.score,
    Prospect.removed_by,
    Prospect.mention,
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
    unchecked = (col(Prospect.stage) == Stage.PROSPECT) & (col(Prospect.mention) == MentionVerdict.COULD_NOT_CHECK)
    return (
        or_(col(Prospect.stage) == Stage.CHECKED_MENTION, unchecked),
        or_(col(Prospect.snoozed_until).is_(None), col(Prospect.snoozed_until) <= now),
        ~under_way,
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
    *,
    site_id: int | None = None,
    tier: int | None = None,
    after: tuple[str, int] | None = None,
    limit: int = 50,
) -> list[Row]:
    """The next prospects to decide, best first."""
    statement: Select[Any] = columns(*_QUEUE_COLUMNS).where(*waiting(uow.now()))
    if site_id is not None:
        statement = statement.where(col(Prospect.site_id) == site_id)
    if tier is not None:
        statement = statement.where(col(Prospect.tier) == tier)
    statement = _after(statement, after).order_by(col(Prospect.rank_key), col(Prospect.id)).limit(limit)
    return rows(uow, statement)


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
