"""Finds the message of ours that a received one belongs to: the order of docs/explanation/inbox.md, the first hit wins.

Only tokens and Message-IDs that we have made prove anything. A From header proves nothing: what is matched by it alone can
pause a sequence until a person has looked, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.db.vault import Vault
from app.domain.delivery import OutboundState
from app.domain.inbound import InboundMail, Kind, Verdict
from app.domain.mail_tokens import addresses, bare_subject, message_ids, sender
from app.inbox.identity import tokens_in
from app.keys import registrable_domain
from app.mail.ids import is_own
from app.models import Conversation, ConversationState, Mailbox, Outbound, OutboundAlias

_ADDRESS_HEADERS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "received")
_REPORTED_WITHIN = timedelta(days=10)
_LEFT = (OutboundState.SENT, OutboundState.AMBIGUOUS, OutboundState.COMMITTED)
TOKEN_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Match:
    """What a message belongs to and how that is known. `certain`: it carries something that only we could have made."""

    kind: str
    certain: bool
    outbound_id: int | None = None
    conversation_id: int | None = None
    prospect_id: int | None = None


def find(
    session: Session, vault: Vault, mailbox_id: int, mail: InboundMail, verdict: Verdict, raw: bytes, now: datetime
) -> Match | None:
    """The match, or None for mail that belongs to nothing we know."""
    found = _by_token(session, vault, _tokens_in_addresses(mail), "token")
    found = found or _by_ids(session, _headers(mail, "in-reply-to"), "in-reply-to")
    found = found or _by_ids(session, tuple(reversed(_headers(mail, "references"))), "references")
    if found is None and (verdict.kind in (Kind.BOUNCE, Kind.COMPLAINT) or mail.original is not None):
        found = _by_report(session, vault, mail)
    if found is None:
        found = by_marks(session, vault, *tokens_in(raw))
    if found is None and verdict.kind in (Kind.BOUNCE, Kind.COMPLAINT):
        found = _by_reported_address(session, mailbox_id, verdict, now)
    if found is None and verdict.kind not in (Kind.BOUNCE, Kind.COMPLAINT):
        found = _by_sender(session, mailbox_id, mail)
    return found


def by_marks(session: Session, vault: Vault, ids: Sequence[str], tokens: Sequence[str]) -> Match | None:
    """The match by what was found in raw bytes (`tokens_in`), or None."""
    return _by_ids(session, ids, "id-in-body") or _by_token(session, vault, tokens, "token-in-body")


def is_own_copy(session: Session, mail: InboundMail) -> bool:
    """Whether we have sent this ourselves: it lies here because it was copied, filed or sent to ourselves."""
    _, address = sender(mail.header("from"))
    if address is None:
        return False
    statement = select(col(Mailbox.id)).where(func.lower(col(Mailbox.email)) == address.lower())
    return session.execute(statement).first() is not None


def _headers(mail: InboundMail, name: str) -> tuple[str, ...]:
    return tuple(f"<{entry}>" for value in mail.headers.get(name, ()) for entry in message_ids(value))


def _tokens_in_addresses(mail: InboundMail) -> list[str]:
    found: dict[str, None] = {}
    for name in _ADDRESS_HEADERS:
        for value in mail.headers.get(name, ()):
            for address in addresses(value):
                tag = address.rpartition("@")[0].rpartition("+")[2].lower()
                if len(tag) == TOKEN_LENGTH and tag.isalnum() and tag.isascii():
                    found[tag] = None
    return list(found)[:50]


def _of(outbound: Outbound, kind: str, *, certain: bool = True) -> Match:
    return Match(kind, certain, outbound.id, outbound.conversation_id, outbound.prospect_id)


def _by_token(session: Session, vault: Vault, tokens: Sequence[str], kind: str) -> Match | None:
    if not tokens:
        return None
    found = session.execute(select(Outbound).where(col(Outbound.token).in_(list(tokens)))).scalars().all()
    for token in tokens:
        for outbound in found:
            # The token is an HMAC over the random part of the Message-ID: a row that was tampered with proves nothing.
            if outbound.token == token and is_own(vault, outbound.message_id):
                return _of(outbound, kind)
    return None


def _by_ids(session: Session, ids: Sequence[str], kind: str) -> Match | None:
    if not ids:
        return None
    wanted = list(ids)[:50]
    direct = session.execute(select(Outbound).where(col(Outbound.message_id).in_(wanted))).scalars().all()
    found = {outbound.message_id: outbound for outbound in direct}
    aliases = session.execute(
        select(col(OutboundAlias.message_id), Outbound)
        .join(Outbound, col(Outbound.id) == col(OutboundAlias.outbound_id))
        .where(col(OutboundAlias.message_id).in_(wanted))
    )
    for alias, outbound in aliases:
        found.setdefault(alias, outbound)
    first = next((found[entry] for entry in wanted if entry in found), None)
    return _of(first, kind) if first is not None else None


def _by_report(session: Session, vault: Vault, mail: InboundMail) -> Match | None:
    """A report names the message by its envelope id, or returns its headers."""
    values: list[str] = []
    for block in mail.report[:50]:
        values += [block.get("original-envelope-id", ""), block.get("x-original-message-id", "")]
    if mail.feedback:
        values.append(mail.feedback.get("original-envelope-id", ""))
    original = mail.original or {}
    ids = [
        f"<{entry}>"
        for name in ("message-id", "references")
        for value in original.get(name, ())
        for entry in message_ids(value)
    ]
    ids += [value if value.startswith("<") else f"<{value}>" for value in values if value]
    found = _by_ids(session, ids, "returned-message")
    if found is None:
        tokens = [token for value in (*original.get("reply-to", ()), *values) for token in _tags(value)]
        found = _by_token(session, vault, tokens, "returned-message")
    return found


def _tags(value: str) -> Iterable[str]:
    for address in addresses(value):
        tag = address.rpartition("@")[0].rpartition("+")[2].lower()
        if len(tag) == TOKEN_LENGTH:
            yield tag


def _by_reported_address(session: Session, mailbox_id: int, verdict: Verdict, now: datetime) -> Match | None:
    named = [*(verdict.bounce.recipients if verdict.bounce else ()), *verdict.reported]
    if not named:
        return None
    outbound = session.execute(
        select(Outbound)
        .where(
            col(Outbound.mailbox_id) == mailbox_id,
            func.lower(col(Outbound.to_address)).in_([address.lower() for address in named]),
            col(Outbound.state).in_(_LEFT),
            col(Outbound.committed_at) >= now - _REPORTED_WITHIN,
        )
        .order_by(col(Outbound.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    return _of(outbound, "reported-address") if outbound is not None else None


def _by_sender(session: Session, mailbox_id: int, mail: InboundMail) -> Match | None:
    """The sender is somebody (or a colleague of somebody) we have written to: perhaps a reply."""
    _, address = sender(mail.header("from"))
    if address is None:
        return None
    domain = registrable_domain(address.rpartition("@")[2])
    candidates = session.execute(
        select(Outbound, Conversation)
        .join(Conversation, col(Conversation.id) == col(Outbound.conversation_id))
        .where(
            col(Outbound.mailbox_id) == mailbox_id,
            col(Outbound.state).in_(_LEFT),
            or_(
                func.lower(col(Outbound.to_address)) == address.lower(),
                (col(Conversation.domain) == (domain or "")) & (col(Conversation.state) == ConversationState.OPEN),
            ),
        )
        .order_by(col(Outbound.id).desc())
        .limit(50)
    ).all()
    if not candidates:
        return None
    subject = bare_subject(mail.header("subject"))

    def rank(pair: tuple[Outbound, Conversation]) -> tuple[bool, bool, bool]:
        outbound, conversation = pair
        return (
            conversation.state is ConversationState.OPEN,
            outbound.to_address.lower() == address.lower(),
            bool(subject) and bare_subject(outbound.subject) == subject,
        )

    pairs = [(row[0], row[1]) for row in candidates]
    best = max(pairs, key=rank)
    _, same_address, same_subject = rank(best)
    kind = ("sender" if same_address else "sender-domain") + ("+subject" if same_subject else "")
    return _of(best[0], kind, certain=False)
