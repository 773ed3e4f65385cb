"""A mailbox is switched off: what it holds open, and what becomes of that.

Conversations from which nothing has left can begin anew from another mailbox: their pitches come back to the queue as drafts. Those
in which mail has left stay with it. Its password is forgotten at a person's word (somebody leaves, a password got out), so nothing
is read there any more, not even an opt-out by mail; the opt-out link in each mail works all the same. Who wants the answers to be
read to their end lets the mailbox rest instead (`app.mail.accounts.pause`): it then sends nothing and is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, select
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.delivery import HAS_LEFT
from app.errors import Conflict
from app.log import get_logger
from app.mail import upkeep
from app.models import Conversation, ConversationState, Mailbox, Outbound, RunState, SequenceRun
from app.pitches import approving

log = get_logger("pitches")


@dataclass(frozen=True, slots=True)
class OpenThere:
    """Open conversations of a mailbox: `unsent` from which nothing has left, `live` in which something has, or may have."""

    unsent: int
    live: int


def open_there(session: Session, mailbox_id: int) -> OpenThere:
    """What the mailbox holds open now."""
    live = func.count().filter(_has_left())
    found = session.execute(select(func.count(), live).where(*_open(mailbox_id))).one()
    return OpenThere(int(found[0]) - int(found[1]), int(found[1]))


def switch_off(uow: UnitOfWork, mailbox_id: int, *, withdraw: bool, actor: str) -> tuple[Mailbox, int]:
    """`upkeep.switch_off`; with `withdraw` the pitches that have not left come back to the queue. The mailbox, and how many came.

    Else they wait for it, at most as long as any mail waits. Raises NotFound.
    """
    mailbox = upkeep.switch_off(uow, mailbox_id, actor=actor)
    back = 0
    # In the order of the prospects, which are locked one after the other.
    waiting = (
        select(col(SequenceRun.pitch_id))
        .join(Conversation, col(Conversation.id) == col(SequenceRun.conversation_id))
        .where(*_open(mailbox_id), ~_has_left(), col(SequenceRun.state) != RunState.ENDED)
        .order_by(col(SequenceRun.prospect_id), col(SequenceRun.id))
    )
    for pitch_id in uow.session.execute(waiting).scalars().all() if withdraw else ():
        try:
            approving.undo(uow, pitch_id, actor=actor)
        except Conflict:
            # A worker has begun to send it at this moment: it leaves, or comes back to the outbox and waits there.
            continue
        back += 1
    log.info("mailbox.off", mailbox_id=mailbox_id, withdrawn=back)
    return mailbox, back


def _open(mailbox_id: int) -> tuple[ColumnElement[bool], ...]:
    return (col(Conversation.mailbox_id) == mailbox_id, col(Conversation.state) == ConversationState.OPEN)


def _has_left() -> ColumnElement[bool]:
    mail = select(col(Outbound.id)).where(
        col(Outbound.conversation_id) == col(Conversation.id), col(Outbound.state).in_(HAS_LEFT)
    )
    return exists(mail.correlate(Conversation))
