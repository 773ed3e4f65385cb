"""The SQL of the sending domains and their lines."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.domain.inbound import OWN_COPY
from app.models import Inbound, Mailbox, SendingDomain, SendingDomainCheck

_LEARN_FROM = 20


def due(session: Session, now: datetime) -> list[int]:
    """Sending domains whose next look is due."""
    statement = select(col(SendingDomain.id)).where(col(SendingDomain.due_at) <= now)
    return list(session.execute(statement.order_by(col(SendingDomain.due_at))).scalars())


def find(session: Session, domain: str) -> SendingDomain | None:
    """The row of a domain."""
    statement = select(SendingDomain).where(col(SendingDomain.domain) == domain)
    found: SendingDomain | None = session.execute(statement).scalar_one_or_none()
    return found


def held(session: Session, domains: Collection[str]) -> dict[str, str]:
    """Why each of `domains` begins no new conversation, for those that are held."""
    statement = select(col(SendingDomain.domain), col(SendingDomain.hold_reason)).where(
        col(SendingDomain.domain).in_(domains)
    )
    return {row[0]: row[1] for row in session.execute(statement) if row[1]}


def every(session: Session) -> list[SendingDomain]:
    """All sending domains, by name."""
    return list(session.execute(select(SendingDomain).order_by(col(SendingDomain.domain))).scalars())


def lines_of(session: Session, domain_id: int) -> list[SendingDomainCheck]:
    """The latest lines of a domain, in their order."""
    statement = select(SendingDomainCheck).where(col(SendingDomainCheck.sending_domain_id) == domain_id)
    return list(session.execute(statement.order_by(col(SendingDomainCheck.position))).scalars())


def replace_lines(session: Session, domain_id: int, lines: list[SendingDomainCheck]) -> None:
    """Put `lines` in the place of the former ones."""
    session.execute(delete(SendingDomainCheck).where(col(SendingDomainCheck.sending_domain_id) == domain_id))
    session.add_all(lines)


def mailboxes_of(session: Session, domain: str) -> list[Mailbox]:
    """The mailboxes of a domain that are switched on."""
    statement = select(Mailbox).where(col(Mailbox.active), col(Mailbox.email).like(f"%@{domain}"))
    return list(session.execute(statement.order_by(col(Mailbox.id))).scalars())


def own_copies(session: Session, domain: str) -> list[bytes]:
    """The newest received messages that came from a mailbox of the domain: sent to ourselves, so they carry our signature."""
    newest = (
        select(col(Inbound.raw))
        .where(
            col(Inbound.rule) == OWN_COPY,
            col(Inbound.from_address).like(f"%@{domain}"),
            col(Inbound.raw).is_not(None),
        )
        .order_by(col(Inbound.id).desc())
        .limit(_LEARN_FROM)
    )
    return [raw for raw in session.execute(newest).scalars() if raw]
