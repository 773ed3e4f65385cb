"""An answer from anybody at a domain stops every sequence to it: of all prospects, in all sites and mailboxes.

At a public mail provider the domain says nothing; there the address alone is asked for, as everywhere beside the domain.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.jobs import Job
from app.keys import registrable_domain
from app.models import BlockingEvent, Contact, Conversation, ConversationState, Inbound, Prospect, RunState, SequenceRun
from app.prospects import repository
from app.prospects import service as prospects


def stop_others(uow: UnitOfWork, row: Inbound, kind: Blocking) -> None:
    """Block the other open conversations with the domain or address that `row` came from, or the domain that it was matched to.

    With the domain of the prospect that it was matched to `kind` holds. A sender's domain alone proves nothing (anybody can
    write a From header), so it only pauses.
    """
    own = uow.session.get(Prospect, row.prospect_id) if row.prospect_id is not None else None
    written = registrable_domain(row.from_address.rpartition("@")[2]) if row.from_address else None
    for domain in {own.domain if own else None, written} - {None}:
        certain = own is not None and domain == own.domain
        for other in _open_with(uow, _of_domain(str(domain)), own):
            _block(uow, row, other, kind if certain else Blocking.POSSIBLE_REPLY, str(domain))
    if row.from_address:
        for other in _open_with(uow, _of_addresses([row.from_address]), own):
            _block(uow, row, other, Blocking.POSSIBLE_REPLY, str(written))


def concerned(uow: UnitOfWork, senders: Iterable[str]) -> set[str]:
    """Of the addresses that mail of nobody came from: those with whose domain, or with whom, a conversation is open."""
    domains = {sender: registrable_domain(sender.rpartition("@")[2]) for sender in set(senders)}
    if not domains:
        return set()
    known = select(col(Conversation.domain), col(Conversation.recipient), func.lower(col(Contact.email))).join(
        Contact, col(Contact.id) == col(Conversation.contact_id)
    )
    wanted = or_(
        *(_of_domain(domain) for domain in set(domains.values()) if domain is not None), _of_addresses(list(domains))
    )
    found = uow.session.execute(known.where(col(Conversation.state) == ConversationState.OPEN, wanted))
    values = {value for row in found for value in row if value}
    return {sender for sender, domain in domains.items() if domain in values or sender.lower() in values}


def _of_domain(domain: str) -> ColumnElement[bool]:
    return or_(col(Conversation.domain) == domain, col(Conversation.recipient) == domain)


def _of_addresses(addresses: list[str]) -> ColumnElement[bool]:
    # As it is stored, or in lower case; the index of addresses names the few contacts.
    spelled = {spelling for address in addresses for spelling in (address, address.lower())}
    return col(Conversation.contact_id).in_(select(col(Contact.id)).where(col(Contact.email).in_(sorted(spelled))))


def _open_with(uow: UnitOfWork, with_whom: ColumnElement[bool], own: Prospect | None) -> list[Conversation]:
    statement = select(Conversation).where(col(Conversation.state) == ConversationState.OPEN, with_whom)
    if own is not None:
        statement = statement.where(col(Conversation.prospect_id) != own.id)
    return list(uow.session.execute(statement.order_by(col(Conversation.prospect_id))).scalars())


def paused_by(uow: UnitOfWork, row: Inbound) -> list[int]:
    """The pauses of other conversations that this message has caused and nobody has ended, in the order of their prospects."""
    statement = select(col(BlockingEvent.id)).where(
        col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY,
        col(BlockingEvent.inbound_id).is_(None),
        col(BlockingEvent.cleared_at).is_(None),
        col(BlockingEvent.detail).endswith(_mark(row), autoescape=True),
    )
    return list(uow.session.execute(statement.order_by(col(BlockingEvent.prospect_id))).scalars())


def _mark(row: Inbound) -> str:
    return f"(message {row.id})"


def _block(uow: UnitOfWork, row: Inbound, other: Conversation, kind: Blocking, domain: str) -> None:
    # The unique pair of message and kind belongs to the prospect that the message was matched to; here the detail tells
    # one message from another.
    detail = f"somebody at {domain} wrote {_mark(row)}"
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
