"""Whose reply a message may be that nothing ties to a conversation: proposals for a person, never acted on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.suggestion import LEAST, Received, Sent, fit
from app.inbox import service
from app.keys import registrable_domain
from app.models import Contact, Conversation, Outbound, Prospect, Site

_WITHIN = timedelta(days=120)
_LOOKED_AT = 1000
_LEFT = (OutboundState.SENT, OutboundState.AMBIGUOUS, OutboundState.COMMITTED)


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


def suggestions(uow: UnitOfWork, inbound_id: int, limit: int = 5) -> list[Suggestion]:
    """The best fitting of the last 1,000 mails of the last 120 days from the same mailbox, one for each prospect.

    Raises NotFound for an unknown message.
    """
    row = service.get(uow, inbound_id)
    at = row.received_at or row.stored_at
    received = Received(
        sender=row.from_address,
        name=row.from_name,
        domain=registrable_domain(row.from_address.rpartition("@")[2]) if row.from_address else None,
        subject=row.subject or "",
        text=(row.parsed or {}).get("full_text") or row.text or "",
        at=at,
    )
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
        .where(
            col(Outbound.mailbox_id) == row.mailbox_id,
            col(Outbound.state).in_(_LEFT),
            col(Outbound.committed_at).between(at - _WITHIN, at),
        )
        .order_by(col(Outbound.id).desc())
        .limit(_LOOKED_AT)
    )
    best: dict[int, Suggestion] = {}
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
    ) in uow.session.execute(statement):
        score, reasons = fit(received, Sent(to_address, name, domain, subject, sent_at, tuple(brands or ())))
        if score >= LEAST and (prospect_id not in best or best[prospect_id].score < score):
            best[prospect_id] = Suggestion(
                prospect_id, conversation_id, outbound_id, domain, to_address, subject, score, reasons
            )
    return sorted(best.values(), key=lambda one: (-one.score, -one.outbound_id))[:limit]
