"""Finds the message of ours that a received one belongs to: the order of docs/explanation/inbox.md, the first hit wins.

Only tokens and Message-IDs that we have made prove anything. A From header proves nothing: what is matched by it alone can
pause a sequence until a person has looked, and nothing else.

Messages are matched in batches: `marks_of` lists what each carries, in the order of proof, and one `Book` looks all of it
up with a handful of queries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from app.db.parts import parts
from app.db.vault import Vault
from app.domain.delivery import HAS_LEFT
from app.domain.inbound import InboundMail, Kind, Verdict
from app.domain.mail_tokens import addresses, bare_subject, message_ids, sender
from app.domain.public_providers import is_public
from app.inbox.identity import tokens_in
from app.inbox.repository import mates, own_addresses
from app.keys import registrable_domain
from app.mail.ids import is_own
from app.models import Conversation, ConversationState, Outbound, OutboundAlias, Site

_ADDRESS_HEADERS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "received")
# The subject that the mailto form of List-Unsubscribe asks for.
_MAILTO_SUBJECT = re.compile(r"^\s*unsubscribe-([a-z2-7]{24})\s*$", re.IGNORECASE)
_SES_ID = re.compile(r"<([0-9a-f]{16}-[0-9a-f-]{20,60})@[a-z0-9.-]{1,60}\.amazonses\.com>", re.IGNORECASE)
_REPORTED_WITHIN = timedelta(days=10)
TOKEN_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Match:
    """What a message belongs to and how that is known (`acting` knows which kinds are proof)."""

    kind: str
    outbound_id: int
    conversation_id: int
    prospect_id: int
    # Whom the conversation is with: the prospect's domain, and the one of the address that was written to.
    with_domains: tuple[str | None, ...]
    # Our subject, without prefixes.
    subject: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What a message carries: (kind, Message-ID or token) in the order of proof, then addresses that prove nothing."""

    ids: tuple[tuple[str, str], ...] = ()
    sender: str | None = None
    domain: str | None = None
    subject: str = ""
    reported: tuple[str, ...] = ()
    machine: bool = False


@dataclass(frozen=True, slots=True)
class _Ours:
    id: int
    conversation_id: int
    prospect_id: int
    message_id: str
    to_address: str
    subject: str
    committed_at: datetime | None
    domain: str
    open: bool


def marks_of(mail: InboundMail, verdict: Verdict, raw: bytes) -> Marks:
    """The marks of a parsed message."""
    machine = verdict.kind in (Kind.BOUNCE, Kind.COMPLAINT)
    found: list[tuple[str, str]] = [("token", token) for token in _tokens_in_addresses(mail)]
    found += [("token", token) for token in _MAILTO_SUBJECT.findall(mail.header("subject")[:500])]
    found += [("in-reply-to", entry) for entry in thread_ids(mail.headers.get("in-reply-to", ()))]
    found += [("references", entry) for entry in reversed(thread_ids(mail.headers.get("references", ())))]
    if machine or mail.original is not None:
        found += [("returned-message", entry) for entry in _in_report(mail)]
    found += marks_in_bytes(raw)
    found += [("id-in-body" if value.startswith("<") else "token-in-body", value) for value in mail.quoted]
    _, address = sender(mail.header("from"))
    named = (*(verdict.bounce.recipients if verdict.bounce else ()), *verdict.reported)
    return Marks(
        ids=tuple(dict.fromkeys(found))[:200],
        sender=address.lower() if address else None,
        domain=registrable_domain(address.rpartition("@")[2]) if address else None,
        subject=bare_subject(mail.header("subject")),
        reported=tuple(entry.lower() for entry in named) if machine else (),
        machine=machine,
    )


def marks_in_bytes(raw: bytes) -> list[tuple[str, str]]:
    """The marks that can be found without any parser: for messages that break it, and for what they quote."""
    ids, tokens = tokens_in(raw)
    return [*(("id-in-body", entry) for entry in ids), *(("token-in-body", entry) for entry in tokens)]


class Book:
    """Our side of the marks of many messages, read at once."""

    def __init__(self, session: Session, vault: Vault, mailbox_ids: Iterable[int], all_marks: Sequence[Marks]) -> None:
        self._vault = vault
        wanted = {value for marks in all_marks for _, value in marks.ids}
        self._by_mark: dict[str, _Ours] = {}
        ids, tokens = [v for v in wanted if v.startswith("<")], [v for v in wanted if not v.startswith("<")]
        for part in parts(ids):
            for row in session.execute(_columns(col(Outbound.message_id)).where(col(Outbound.message_id).in_(part))):
                self._by_mark[row[0]] = _ours(row)
            aliased = _columns(col(OutboundAlias.message_id)).join(
                OutboundAlias, col(OutboundAlias.outbound_id) == col(Outbound.id)
            )
            for row in session.execute(aliased.where(col(OutboundAlias.message_id).in_(part))):
                self._by_mark.setdefault(row[0], _ours(row))
        for part in parts(tokens):
            for row in session.execute(_columns(col(Outbound.token)).where(col(Outbound.token).in_(part))):
                # The token is an HMAC over the random part of the Message-ID: a row that was tampered with proves nothing.
                if is_own(vault, str(row[4])):
                    self._by_mark[row[0]] = _ours(row)
        self.own_addresses = set(own_addresses(session))
        self._own_domains = own_domains(self.own_addresses, session.execute(select(col(Site.domains))).scalars())
        people = {marks.sender for marks in all_marks if marks.sender} | {
            a for marks in all_marks for a in marks.reported
        }
        domains = {marks.domain for marks in all_marks if marks.domain}
        self._by_people: dict[int, list[_Ours]] = {
            mailbox_id: self._people(session, mailbox_id, sorted(people), sorted(domains))
            for mailbox_id in set(mailbox_ids)
        }

    @staticmethod
    def _people(session: Session, mailbox_id: int, people: list[str], domains: list[str]) -> list[_Ours]:
        # Where two mailboxes read one account, an answer to either lies in it.
        together = mates(session, mailbox_id) if people or domains else []
        left = (col(Outbound.mailbox_id).in_(together), col(Outbound.state).in_(HAS_LEFT))
        found: dict[int, _Ours] = {}
        for part in parts(people):
            by_address = _columns(col(Outbound.token)).where(*left, func.lower(col(Outbound.to_address)).in_(part))
            found |= {row[1]: _ours(row) for row in session.execute(by_address)}
        for part in parts(domains):
            # Through the conversations, where an index names the few that are open.
            by_domain = _columns(col(Outbound.token)).where(
                *left, col(Conversation.domain).in_(part), col(Conversation.state) == ConversationState.OPEN
            )
            found |= {row[1]: _ours(row) for row in session.execute(by_domain)}
        return sorted(found.values(), key=lambda ours: -ours.id)

    def find(self, mailbox_id: int, marks: Marks, now: datetime) -> Match | None:
        """The match of one message, or None for mail that belongs to nothing we know."""
        for kind, value in marks.ids:
            if value in self._by_mark:
                return _match(self._by_mark[value], kind)
        candidates = self._by_people.get(mailbox_id, [])
        if marks.machine:
            return next(
                (
                    _match(ours, "reported-address")
                    for ours in candidates
                    if ours.to_address in marks.reported
                    and ours.committed_at is not None
                    and ours.committed_at >= now - _REPORTED_WITHIN
                ),
                None,
            )
        return self._by_sender(candidates, marks)

    def is_own_side(self, marks: Marks, found: Match | None) -> bool:
        """Whether the sender is one of our people, as far as From tells: at a domain of our mailboxes or sites.

        Not where the conversation is with that very domain, as with somebody at a small provider that both sides use.
        """
        return (
            not marks.machine
            and marks.domain in self._own_domains
            and (found is None or marks.domain not in found.with_domains)
        )

    @staticmethod
    def _by_sender(candidates: list[_Ours], marks: Marks) -> Match | None:
        """The sender is somebody (or a colleague of somebody) we have written to: perhaps a reply."""
        best: tuple[tuple[bool, bool, bool], _Ours] | None = None
        for ours in candidates:
            same_address = ours.to_address == marks.sender
            if not same_address and not (ours.open and ours.domain == marks.domain):
                continue
            rank = (ours.open, same_address, bool(marks.subject) and bare_subject(ours.subject) == marks.subject)
            if best is None or rank > best[0]:
                best = (rank, ours)
        if best is None:
            return None
        (_, same_address, same_subject), ours = best
        return _match(ours, ("sender" if same_address else "sender-domain") + ("+subject" if same_subject else ""))


def own_domains(addresses: Iterable[str], sites: Iterable[Iterable[str]]) -> frozenset[str]:
    """The registrable domains of our mailboxes and sites, without the providers at which anybody has an address."""
    hosts = (*(address.rpartition("@")[2] for address in addresses), *(name for names in sites for name in names))
    found = {registrable_domain(host) for host in hosts}
    return frozenset(domain for domain in found if domain and not is_public(domain))


def proven(match_kind: str | None) -> bool:
    """Whether a message was matched by a mark of ours or by a person, and not by its From header alone."""
    return match_kind is not None and not match_kind.startswith("sender")


def _columns(mark: object) -> Select[Any]:
    chosen: Select[Any] = select(
        mark,  # type: ignore[call-overload]
        col(Outbound.id),
        col(Outbound.conversation_id),
        col(Outbound.prospect_id),
        col(Outbound.message_id),
        col(Outbound.to_address),
        col(Outbound.subject),
        col(Outbound.committed_at),
        col(Conversation.domain),
        col(Conversation.state),
    )
    return chosen.join(Conversation, col(Conversation.id) == col(Outbound.conversation_id))


def _ours(row: Sequence[object]) -> _Ours:
    _, outbound_id, conversation_id, prospect_id, message_id, to_address, subject, committed_at, domain, state = row
    return _Ours(
        id=outbound_id,  # type: ignore[arg-type]
        conversation_id=conversation_id,  # type: ignore[arg-type]
        prospect_id=prospect_id,  # type: ignore[arg-type]
        message_id=str(message_id),
        to_address=str(to_address).lower(),
        subject=str(subject),
        committed_at=committed_at,  # type: ignore[arg-type]
        domain=str(domain),
        open=state == ConversationState.OPEN,
    )


def _match(ours: _Ours, kind: str) -> Match:
    written_to = registrable_domain(ours.to_address.rpartition("@")[2])
    domains = (ours.domain, written_to)
    return Match(kind, ours.id, ours.conversation_id, ours.prospect_id, domains, bare_subject(ours.subject))


def thread_ids(values: Iterable[str]) -> list[str]:
    """The Message-IDs in such headers, in brackets; one that Amazon SES has made also under the host that we know it by.

    SES replaces our id, tells its own without a host (`app.outbox.record`), and writes it with the host of its region.
    """
    found = [f"<{entry}>" for value in values for entry in message_ids(value)]
    return [name for entry in found for name in dict.fromkeys((entry, _SES_ID.sub(r"<\1@email.amazonses.com>", entry)))]


def _tokens_in_addresses(mail: InboundMail) -> list[str]:
    found: dict[str, None] = {}
    for name in _ADDRESS_HEADERS:
        for value in mail.headers.get(name, ()):
            if "+" in value:
                found.update(dict.fromkeys(_tags(value)))
    return list(found)[:50]


def _tags(value: str) -> Iterable[str]:
    for address in addresses(value):
        tag = address.rpartition("@")[0].rpartition("+")[2].lower()
        if len(tag) == TOKEN_LENGTH and tag.isalnum() and tag.isascii():
            yield tag


def _in_report(mail: InboundMail) -> list[str]:
    """A report names the message by its envelope id, or returns its headers."""
    values: list[str] = []
    for block in mail.report[:50]:
        values += [block.get("original-envelope-id", ""), block.get("x-original-message-id", "")]
    if mail.feedback:
        values.append(mail.feedback.get("original-envelope-id", ""))
    original = mail.original or {}
    found = thread_ids((*original.get("message-id", ()), *original.get("references", ())))
    found += [value if value.startswith("<") else f"<{value}>" for value in values if 0 < len(value) <= 250]
    found += [token for value in (*original.get("reply-to", ()), *values) for token in _tags(value)]
    return found
