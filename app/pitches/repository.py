"""The SQL of pitches: drafts, what is known about a prospect, and who was written to."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import Session, col

from app.domain.delivery import HAS_LEFT
from app.mail import resting
from app.models import (
    Conversation,
    Link,
    LinkState,
    Mailbox,
    Outbound,
    Pitch,
    PitchState,
    Sequence,
    SequenceRun,
)


def draft_of(session: Session, prospect_id: int) -> Pitch | None:
    """The one draft of a prospect."""
    return session.execute(
        select(Pitch).where(col(Pitch.prospect_id) == prospect_id, col(Pitch.state) == PitchState.DRAFT)
    ).scalar_one_or_none()


def live_link(session: Session, prospect_id: int) -> Link | None:
    """A link of this prospect that stands."""
    return (
        session.execute(
            select(Link).where(
                col(Link.prospect_id) == prospect_id, col(Link.state).in_([LinkState.LIVE, LinkState.CHANGED])
            )
        )
        .scalars()
        .first()
    )


def lost_link(session: Session, prospect_id: int) -> Link | None:
    """The link of this prospect that was lost last."""
    return (
        session.execute(
            select(Link)
            .where(col(Link.prospect_id) == prospect_id, col(Link.state) == LinkState.LOST)
            .order_by(col(Link.lost_at).desc(), col(Link.id).desc())
        )
        .scalars()
        .first()
    )


def healthy_mailboxes(session: Session, now: datetime) -> list[Mailbox]:
    """Mailboxes that may send now, oldest first."""
    return list(
        session.execute(
            select(Mailbox).where(resting.may_send(now, resting.furthest(now))).order_by(col(Mailbox.id))
        ).scalars()
    )


def newest_conversation(session: Session, prospect_id: int) -> Conversation | None:
    """The latest conversation of a prospect in which a mail has left."""
    return session.execute(
        select(Conversation)
        .where(
            col(Conversation.prospect_id) == prospect_id,
            col(Conversation.id).in_(select(col(Outbound.conversation_id)).where(col(Outbound.state).in_(HAS_LEFT))),
        )
        .order_by(col(Conversation.id).desc())
        .limit(1)
    ).scalar_one_or_none()


def newest_sequence(session: Session, site_id: int) -> Sequence | None:
    """The sequence that new pitches of a site start: the latest version."""
    return session.execute(
        select(Sequence).where(col(Sequence.site_id) == site_id).order_by(col(Sequence.id).desc()).limit(1)
    ).scalar_one_or_none()


def run_of(session: Session, pitch_id: int) -> SequenceRun | None:
    """The latest run that a pitch started."""
    return session.execute(
        select(SequenceRun).where(col(SequenceRun.pitch_id) == pitch_id).order_by(col(SequenceRun.id).desc()).limit(1)
    ).scalar_one_or_none()


def first_message(session: Session, run_id: int) -> Outbound | None:
    """The pitch of a run, as it stands in the outbox."""
    return session.execute(
        select(Outbound).where(col(Outbound.sequence_run_id) == run_id, col(Outbound.step_no) == 0)
    ).scalar_one_or_none()


def move(session: Session, pitch_id: int, version: int, from_state: PitchState, to_state: PitchState) -> bool:
    """Compare-and-set of a pitch by state and version; False when somebody else was faster."""
    result = session.execute(
        update(Pitch)
        .where(col(Pitch.id) == pitch_id, col(Pitch.version) == version, col(Pitch.state) == from_state)
        .values(state=to_state, version=version + 1)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1
