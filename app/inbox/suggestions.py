"""Whose reply a message may be that nothing ties to a conversation, or which mail a report is about: proposals, never acted on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, union_all
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.ahead import SKEW
from app.domain.delivery import HAS_LEFT, OutboundState
from app.domain.inbound import Kind
from app.domain.suggestion import LEAST, Received, Sent, fit
from app.inbox import service
from app.keys import registrable_domain
from app.models import Contact, Conversation, Inbound, Outbound, OutboundKind, Prospect, Site

_WITHIN = timedelta(days=120)
_LOOKED_AT = 1000
# A server's answer is noted so long after the commit at most, where it was not lost.
_NOTED_WITHIN = timedelta(minutes=15)
_MOST_REPORTED = 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A prospect that the message may come from: `score` from 25 to 100, and the reasons as sentences."""

    prospect_id: int
    conversation_id: int
    outbound_id: int
    domain: str
    to_address: str
    subject: str
    score: int
    reasons: tuple[str, ...]


def _received(row: Inbound, at: datetime) -> list[Received]:
    """The message as it may be compared: a report once for each address that it could not reach."""
    report = row.kind == Kind.BOUNCE
    addresses: list[str | None] = [row.from_address]
    if report:
        failures = (row.bounce or {}).get("failures") or []
        addresses += [one.get("recipient") for one in failures[:_MOST_REPORTED] if one.get("recipient")]
    return [
        Received(
            sender=address,
            name=None if report else row.from_name,
            domain=registrable_domain(address.rpartition("@")[2]) if address else None,
            subject="" if report else row.subject or "",
            text=(row.parsed or {}).get("full_text") or row.text or "",
            at=at,
            reported=report and address != row.from_address,
        )
        for address in dict.fromkeys(addresses)
    ]


def _of_others(session: Session, mailbox_id: int, at: datetime) -> list[int]:
    """The newest mails of all other mailboxes before `at`, and those that nobody knows to have arrived.

    Read off the index of what was sent, each kind from its end: without it, every mail that the installation ever sent is read.
    """
    sent = (
        select(col(Outbound.id), col(Outbound.sent_at))
        .where(
            col(Outbound.state) == OutboundState.SENT,
            col(Outbound.mailbox_id) != mailbox_id,
            col(Outbound.sent_at).between(at - _WITHIN, at + _NOTED_WITHIN),
        )
        .order_by(col(Outbound.sent_at).desc())
        .limit(_LOOKED_AT)
    )
    ends = [sent.where(col(Outbound.kind) == kind).subquery() for kind in OutboundKind]
    newest = union_all(*(select(end.c.id, end.c.sent_at) for end in ends)).subquery()
    unsure = (
        select(col(Outbound.id))
        .where(
            col(Outbound.state).in_((OutboundState.AMBIGUOUS, OutboundState.COMMITTED)),
            col(Outbound.mailbox_id) != mailbox_id,
        )
        .limit(_LOOKED_AT)
    )
    ids = select(newest.c.id).order_by(newest.c.sent_at.desc()).limit(_LOOKED_AT)
    return [*session.execute(ids).scalars(), *session.execute(unsure).scalars()]


def suggestions(uow: UnitOfWork, inbound_id: int, limit: int = 5) -> list[Suggestion]:
    """The best fitting of the last 1,000 mails of the last 120 days from the same mailbox and of as many from all others,
    one for each prospect; of two that fit as well, the one from the same mailbox comes first.

    Raises NotFound for an unknown message.
    """
    row = service.get(uow, inbound_id)
    at = row.received_at or row.stored_at
    received = _received(row, at)
    statement = (
        select(
            col(Outbound.id),
            col(Outbound.prospect_id),
            col(Outbound.conversation_id),
            col(Outbound.to_address),
            col(Outbound.subject),
            col(Outbound.committed_at),
            col(Prospect.domain),
            col(Contact.name),
            col(Site.brand_names),
        )
        .join(Conversation, col(Conversation.id) == col(Outbound.conversation_id))
        .join(Prospect, col(Prospect.id) == col(Outbound.prospect_id))
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .where(col(Outbound.committed_at).between(at - _WITHIN, at + SKEW))
        .order_by(col(Outbound.id).desc())
        .limit(_LOOKED_AT)
    )
    best: dict[int, Suggestion] = {}
    own = (col(Outbound.mailbox_id) == row.mailbox_id, col(Outbound.state).in_(HAS_LEFT))
    # By their ids alone: told of the state as well, SQLite walks all that was sent to look for them.
    others = col(Outbound.id).in_(_of_others(uow.session, row.mailbox_id, at))
    found = [*uow.session.execute(statement.where(*own)), *uow.session.execute(statement.where(others))]
    for (
        outbound_id,
        prospect_id,
        conversation_id,
        to_address,
        subject,
        sent_at,
        domain,
        name,
        brands,
    ) in found:
        sent = Sent(to_address, name, domain, subject, sent_at, tuple(brands or ()))
        score, reasons = max(fit(one, sent) for one in received)
        if score >= LEAST and (prospect_id not in best or best[prospect_id].score < score):
            best[prospect_id] = Suggestion(
                prospect_id, conversation_id, outbound_id, domain, to_address, subject, score, reasons
            )
    ranks = {entry[0]: rank for rank, entry in enumerate(found)}
    return sorted(best.values(), key=lambda one: (-one.score, ranks[one.outbound_id]))[:limit]
