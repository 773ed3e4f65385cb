"""The SQL of prospects, their history, contacts and conversations."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult, func, select, update
from sqlmodel import Session, col

from app.domain.blocking import Blocking
from app.domain.pipeline import Event, Stage
from app.models import BlockingEvent, Contact, Conversation, ConversationState, Prospect, StageEvent


def lock(session: Session, prospect_id: int) -> bool:
    """Lock the row until the transaction ends (PostgreSQL; on SQLite the writer is alone). False when there is none."""
    statement = select(col(Prospect.id)).where(col(Prospect.id) == prospect_id).with_for_update()
    return session.execute(statement).first() is not None


def move(session: Session, prospect_id: int, from_stage: Stage, to_stage: Stage) -> bool:
    """Compare-and-set of the stage; False when somebody else moved it first."""
    result = session.execute(
        update(Prospect)
        .where(col(Prospect.id) == prospect_id, col(Prospect.stage) == from_stage)
        .values(stage=to_stage, version=col(Prospect.version) + 1)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1


def last_lost_reason(session: Session, prospect_id: int) -> str | None:
    """The reason of the latest `give_up`."""
    return session.execute(
        select(col(StageEvent.reason))
        .where(col(StageEvent.prospect_id) == prospect_id, col(StageEvent.event) == Event.GIVE_UP.value)
        .order_by(col(StageEvent.id).desc())
        .limit(1)
    ).scalar_one_or_none()


def events_of(session: Session, prospect_id: int) -> list[StageEvent]:
    """The history, oldest first."""
    statement = select(StageEvent).where(col(StageEvent.prospect_id) == prospect_id).order_by(col(StageEvent.id))
    return list(session.execute(statement).scalars())


def blocking_after(session: Session, prospect_id: int, floor: int) -> list[BlockingEvent]:
    """Blocking events newer than `floor` that nobody cleared, oldest first."""
    return list(
        session.execute(
            select(BlockingEvent)
            .where(
                col(BlockingEvent.prospect_id) == prospect_id,
                col(BlockingEvent.id) > floor,
                col(BlockingEvent.cleared_at).is_(None),
            )
            .order_by(col(BlockingEvent.id))
        ).scalars()
    )


def newest_blocking_id(session: Session, prospect_id: int) -> int:
    """The id of the newest blocking event (cleared or not), 0 without one: the floor of a new conversation."""
    statement = select(func.max(BlockingEvent.id)).where(col(BlockingEvent.prospect_id) == prospect_id)
    return session.execute(statement).scalar_one() or 0


def existing_block(session: Session, inbound_id: int, kind: Blocking) -> BlockingEvent | None:
    """The event that this message has caused already."""
    return session.execute(
        select(BlockingEvent).where(col(BlockingEvent.inbound_id) == inbound_id, col(BlockingEvent.kind) == kind)
    ).scalar_one_or_none()


def open_conversation(session: Session, prospect_id: int) -> Conversation | None:
    """The open conversation of a prospect."""
    return session.execute(
        select(Conversation).where(
            col(Conversation.prospect_id) == prospect_id, col(Conversation.state) == ConversationState.OPEN
        )
    ).scalar_one_or_none()


def contacts_of(session: Session, prospect_id: int) -> list[Contact]:
    """Named people before role addresses, oldest first."""
    return list(
        session.execute(
            select(Contact)
            .where(col(Contact.prospect_id) == prospect_id)
            .order_by(col(Contact.is_role_address), col(Contact.id))
        ).scalars()
    )
