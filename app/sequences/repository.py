"""The SQL of sequences and of the runs on them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlmodel import Session, col

from app.domain.delivery import HAS_LEFT, OutboundState
from app.models import (
    BlockingEvent,
    Conversation,
    Outbound,
    RunState,
    Sequence,
    SequenceRun,
)

_DONE = (OutboundState.SENT, OutboundState.REJECTED, OutboundState.CANCELLED)


def newest(session: Session, site_id: int, name: str | None = None) -> Sequence | None:
    """The latest version of a site's sequence; without `name`, whichever was saved last."""
    statement = select(Sequence).where(col(Sequence.site_id) == site_id)
    if name is not None:
        statement = statement.where(col(Sequence.name) == name)
    return session.execute(statement.order_by(col(Sequence.id).desc()).limit(1)).scalar_one_or_none()


def last_version(session: Session, site_id: int, name: str) -> int:
    """The number of the latest version, 0 without one."""
    statement = select(func.max(Sequence.version)).where(col(Sequence.site_id) == site_id, col(Sequence.name) == name)
    return session.execute(statement).scalar_one() or 0


def before_second_step(session: Session, sequence: Sequence) -> list[tuple[int, int]]:
    """(run, prospect) on older versions of a sequence whose second step has not been queued, by prospect."""
    older = select(col(Sequence.id)).where(
        col(Sequence.site_id) == sequence.site_id,
        col(Sequence.name) == sequence.name,
        col(Sequence.id) < sequence.id,
    )
    statement = (
        select(col(SequenceRun.id), col(SequenceRun.prospect_id))
        .where(
            col(SequenceRun.sequence_id).in_(older),
            col(SequenceRun.state).in_([RunState.ACTIVE, RunState.PAUSED]),
            col(SequenceRun.next_step) == 1,
        )
        .order_by(col(SequenceRun.prospect_id), col(SequenceRun.id))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def active(session: Session, prospect_id: int) -> SequenceRun | None:
    """The run of a prospect that goes on by itself, as it stands now."""
    statement = select(SequenceRun).where(
        col(SequenceRun.prospect_id) == prospect_id, col(SequenceRun.state) == RunState.ACTIVE
    )
    statement = statement.order_by(col(SequenceRun.id).desc()).limit(1)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def message_of(session: Session, run_id: int, step_no: int) -> Outbound | None:
    """The message of one step, as it stands in the outbox."""
    return session.execute(
        select(Outbound).where(col(Outbound.sequence_run_id) == run_id, col(Outbound.step_no) == step_no)
    ).scalar_one_or_none()


def has_left(session: Session, conversation_id: int) -> bool:
    """Whether any mail of the conversation has left, or may have."""
    statement = select(col(Outbound.id)).where(
        col(Outbound.conversation_id) == conversation_id, col(Outbound.state).in_(HAS_LEFT)
    )
    return session.execute(statement.limit(1)).first() is not None


def due(session: Session, now: datetime, limit: int = 500) -> list[int]:
    """Runs that have something to do, oldest first.

    Active ones that are due, whose last message has just been decided, that were blocked, or whose conversation was
    closed; and those that a possible reply had paused which was none.
    """
    blocked = exists(
        select(col(BlockingEvent.id))
        .join(Conversation, col(Conversation.id) == col(SequenceRun.conversation_id))
        .where(
            col(BlockingEvent.prospect_id) == col(SequenceRun.prospect_id),
            col(BlockingEvent.id) > col(Conversation.event_floor),
            col(BlockingEvent.cleared_at).is_(None),
        )
        .correlate(SequenceRun)
    )
    decided = exists(
        select(col(Outbound.id)).where(
            col(Outbound.sequence_run_id) == col(SequenceRun.id),
            col(Outbound.step_no) == col(SequenceRun.next_step) - 1,
            col(Outbound.state).in_(_DONE),
        )
    )
    closed = exists(
        select(col(Conversation.id)).where(
            col(Conversation.id) == col(SequenceRun.conversation_id), col(Conversation.closed_at).is_not(None)
        )
    )
    statement = (
        select(col(SequenceRun.id))
        .where(
            or_(
                and_(
                    col(SequenceRun.state) == RunState.ACTIVE,
                    or_(
                        col(SequenceRun.due_at) <= now,
                        and_(col(SequenceRun.due_at).is_(None), decided),
                        blocked,
                        closed,
                    ),
                ),
                and_(
                    col(SequenceRun.state) == RunState.PAUSED,
                    or_(and_(col(SequenceRun.end_reason) == "possible_reply", ~blocked), closed),
                ),
            )
        )
        .order_by(col(SequenceRun.due_at), col(SequenceRun.id))
        .limit(limit)
    )
    return list(session.execute(statement).scalars())
