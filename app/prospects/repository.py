"""The SQL of prospects, their history, contacts and conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, func, insert, or_, select, update
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col

from app.domain.blocking import Blocking
from app.domain.pipeline import Event, Stage
from app.keys import site_key
from app.models import BlockingEvent, Contact, Conversation, ConversationState, Prospect, StageEvent

# These three run for every mail that leaves. They are built once, and go to the tables and not through objects: that is
# a third of their cost (docs/explanation/performance.md).
_PROSPECT = cast(Table, Prospect.__table__)  # type: ignore[attr-defined]
_EVENT = cast(Table, StageEvent.__table__)  # type: ignore[attr-defined]
_LOCK = select(_PROSPECT.c.stage, _PROSPECT.c.domain).where(_PROSPECT.c.id == bindparam("prospect")).with_for_update()
_MOVE = (
    update(_PROSPECT)
    .where(_PROSPECT.c.id == bindparam("prospect"), _PROSPECT.c.stage == bindparam("from_stage"))
    .values(stage=bindparam("to_stage"), version=_PROSPECT.c.version + 1, updated_at=bindparam("now"))
)
_WRITE = insert(_EVENT)


def lock(session: Session, prospect_id: int) -> tuple[Stage, str] | None:
    """Lock the row until the transaction ends (PostgreSQL; on SQLite the writer is alone); its stage and domain.

    None when there is no such prospect.
    """
    if session.new or session.dirty:
        session.flush()
    row = session.connection().execute(_LOCK, {"prospect": prospect_id}).first()
    return None if row is None else (row[0], row[1])


def move(session: Session, prospect_id: int, from_stage: Stage, to_stage: Stage, now: datetime) -> bool:
    """Compare-and-set of the stage; False when somebody else moved it first."""
    values = {"prospect": prospect_id, "from_stage": from_stage, "to_stage": to_stage, "now": now}
    result: CursorResult[Any] = session.connection().execute(_MOVE, values)
    known = session.identity_map.get(identity_key(Prospect, prospect_id))
    if known is not None:
        session.expire(known, ["stage", "version", "updated_at"])
    return result.rowcount == 1


def write(session: Session, line: StageEvent) -> StageEvent:
    """Append a line of history and give it its id."""
    values = {column.name: getattr(line, column.name) for column in _EVENT.columns if column.name != "id"}
    inserted = session.connection().execute(_WRITE, values).inserted_primary_key
    line.id = inserted[0] if inserted else 0
    return line


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


def newest_of_domain(session: Session, domain: str) -> int | None:
    """The prospect of a domain, or of the page, host or address of a person that was given for it; of several sites' the one
    talked to last.
    """
    given = domain.strip()
    # An address of a person is none of a page: only what stands behind its sign is.
    key = site_key(given if "/" in given else given.rpartition("@")[2])
    talked = (
        select(func.max(col(Conversation.id)))
        .where(col(Conversation.prospect_id) == col(Prospect.id))
        .scalar_subquery()
    )
    found: int | None = session.execute(
        select(col(Prospect.id))
        .where(col(Prospect.domain) == key)
        .order_by(func.coalesce(talked, 0).desc(), col(Prospect.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


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


def standing_block(session: Session, prospect_id: int, inbound_id: int, kind: Blocking) -> BlockingEvent | None:
    """The event that this message has caused on this prospect, and that nobody has cleared."""
    return session.execute(
        select(BlockingEvent).where(
            col(BlockingEvent.prospect_id) == prospect_id,
            col(BlockingEvent.inbound_id) == inbound_id,
            col(BlockingEvent.kind) == kind,
            col(BlockingEvent.cleared_at).is_(None),
        )
    ).scalar_one_or_none()


def pauses_of(session: Session, inbound_id: int) -> list[int]:
    """The pauses that this message has caused, cleared ones too, in the order of their prospects."""
    statement = select(col(BlockingEvent.id)).where(
        col(BlockingEvent.inbound_id) == inbound_id, col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY
    )
    return list(session.execute(statement.order_by(col(BlockingEvent.prospect_id))).scalars())


def open_conversation(session: Session, prospect_id: int) -> Conversation | None:
    """The open conversation of a prospect."""
    return session.execute(
        select(Conversation).where(
            col(Conversation.prospect_id) == prospect_id, col(Conversation.state) == ConversationState.OPEN
        )
    ).scalar_one_or_none()


# What the history calls the taking back of a move.
REOPEN_TAKEN_BACK = "reopen_taken_back"
TAKEN_BACK = frozenset({"give_up_taken_back", REOPEN_TAKEN_BACK})


def last_move(session: Session, prospect_id: int) -> int | None:
    """The id of the newest line of history that moved the prospect to another stage, of those that were not taken back."""
    moves: list[tuple[int, str]] = []
    for number, event in session.execute(
        select(col(StageEvent.id), col(StageEvent.event))
        .where(col(StageEvent.prospect_id) == prospect_id, col(StageEvent.from_stage) != col(StageEvent.to_stage))
        .order_by(col(StageEvent.id))
    ):
        # Only the last one can be taken back: each such line ends the one that stands before it. What was opened again was put
        # back to where it stood as well.
        if event not in TAKEN_BACK:
            moves.append((number, event))
            continue
        ended = moves.pop()[1] if moves else ""
        while event == REOPEN_TAKEN_BACK and ended != Event.REOPEN.value and moves:
            ended = moves.pop()[1]
    return moves[-1][0] if moves else None


def reopen_conversation(session: Session, prospect_id: int, closed_at: datetime) -> bool:
    """Open the conversation again that was closed at this moment or later, if there is one; False when another took its place."""
    found = session.execute(
        select(Conversation)
        .where(col(Conversation.prospect_id) == prospect_id, col(Conversation.closed_at) >= closed_at)
        .order_by(col(Conversation.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    if found is None:
        return True
    same = col(Conversation.domain) == found.domain
    if found.recipient is not None:
        same = or_(same, col(Conversation.recipient) == found.recipient)
    other = select(col(Conversation.id)).where(
        col(Conversation.state) == ConversationState.OPEN,
        same,
    )
    if session.execute(other).first() is not None:
        return False
    found.state, found.closed_at = ConversationState.OPEN, None
    return True


def contacts_of(session: Session, prospect_id: int) -> list[Contact]:
    """Named people before role addresses, oldest first."""
    return list(
        session.execute(
            select(Contact)
            .where(col(Contact.prospect_id) == prospect_id)
            .order_by(col(Contact.is_role_address), col(Contact.id))
        ).scalars()
    )
