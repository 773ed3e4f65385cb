"""An answer from anybody at a domain stops every sequence to it: of all prospects, in all sites and mailboxes."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.jobs import Job
from app.keys import registrable_domain
from app.models import Conversation, ConversationState, Inbound, Prospect, RunState, SequenceRun
from app.prospects import repository
from app.prospects import service as prospects


def stop_others(uow: UnitOfWork, row: Inbound, kind: Blocking) -> None:
    """Block the other open conversations with the domain that `row` came from, or that it was matched to.

    With the domain of the prospect that it was matched to `kind` holds. A sender's domain alone proves nothing (anybody can
    write a From header), so it only pauses.
    """
    own = uow.session.get(Prospect, row.prospect_id) if row.prospect_id is not None else None
    written = registrable_domain(row.from_address.rpartition("@")[2]) if row.from_address else None
    for domain in {own.domain if own else None, written} - {None}:
        certain = own is not None and domain == own.domain
        for other in _open_with(uow, str(domain), own):
            _block(uow, row, other, kind if certain else Blocking.POSSIBLE_REPLY, str(domain))


def _open_with(uow: UnitOfWork, domain: str, own: Prospect | None) -> list[Conversation]:
    statement = select(Conversation).where(
        col(Conversation.state) == ConversationState.OPEN,
        or_(col(Conversation.domain) == domain, col(Conversation.recipient) == domain),
    )
    if own is not None:
        statement = statement.where(col(Conversation.prospect_id) != own.id)
    return list(uow.session.execute(statement.order_by(col(Conversation.prospect_id))).scalars())


def _block(uow: UnitOfWork, row: Inbound, other: Conversation, kind: Blocking, domain: str) -> None:
    # The unique pair of message and kind belongs to the prospect that the message was matched to; here the detail tells
    # one message from another.
    detail = f"somebody at {domain} wrote (message {row.id})"
    repository.lock(uow.session, other.prospect_id)
    if any(b.detail == detail for b in repository.blocking_after(uow.session, other.prospect_id, other.event_floor)):
        return
    prospects.block(uow, other.prospect_id, kind, detail=detail)
    prospects.note(
        uow, other.prospect_id, "stopped_by_domain", actor="inbox", reason=kind.value, inbound_id=row.id, domain=domain
    )
    runs = select(col(SequenceRun.id)).where(
        col(SequenceRun.conversation_id) == other.id, col(SequenceRun.state) != RunState.ENDED
    )
    for run_id in uow.session.execute(runs).scalars():
        uow.ring(Job.SEQUENCES_ADVANCE, run_id)
