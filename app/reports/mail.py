"""Lists of mail: the outbox, what was received, and conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import defer
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import Answer, Cause, OutboundState, Verdict, cause_of
from app.domain.delivery import Stage as SmtpStage
from app.domain.inbound import Kind
from app.domain.pipeline import Stage
from app.models import (
    BlockingEvent,
    Contact,
    Conversation,
    ConversationState,
    Inbound,
    InboundState,
    Mailbox,
    Outbound,
    Prospect,
    SendAttempt,
)
from app.reports.sql import Row, columns, rows

# What a person looks at; the machine deals with the rest by itself and shows it under "all".
FOR_PEOPLE = ("reply", "opt-out", "complaint", "other")


def answered() -> ColumnElement[bool]:
    """Whether a received message counts as an answer of theirs: a person's, and no newsletter, report or copy of our own mail."""
    return col(Inbound.kind).in_((Kind.REPLY.value, Kind.OPT_OUT.value))


_INBOUND = (
    Inbound.id,
    Inbound.mailbox_id,
    Inbound.prospect_id,
    Inbound.conversation_id,
    Inbound.outbound_id,
    Inbound.state,
    Inbound.kind,
    Inbound.rule,
    Inbound.intent,
    Inbound.from_address,
    Inbound.from_name,
    Inbound.subject,
    Inbound.match_kind,
    Inbound.returns_on,
    Inbound.bounce,
    Inbound.handled_by,
    Inbound.handled_at,
    Inbound.received_at,
    Inbound.stored_at,
    Prospect.domain,
)


def outbox(
    uow: UnitOfWork,
    *,
    states: tuple[OutboundState, ...] = (),
    prospect_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[tuple[Outbound, str]]:
    """Messages with their prospect's domain, newest first; the bytes are not loaded."""
    statement = (
        select(Outbound, col(Prospect.domain))
        .join(Prospect, col(Prospect.id) == col(Outbound.prospect_id))
        .options(defer(Outbound.raw))  # type: ignore[arg-type]
        .order_by(col(Outbound.id).desc())
        .limit(limit)
    )
    if states:
        statement = statement.where(col(Outbound.state).in_(states))
    if prospect_id is not None:
        statement = statement.where(col(Outbound.prospect_id) == prospect_id)
    if before is not None:
        statement = statement.where(col(Outbound.id) < before)
    return [(row[0], row[1]) for row in uow.session.execute(statement)]


def mailbox_names(uow: UnitOfWork, ids: set[int]) -> dict[int, str]:
    """The address of each of these mailboxes, by id."""
    return {
        row[0]: row[1]
        for row in uow.session.execute(columns(Mailbox.id, Mailbox.email).where(col(Mailbox.id).in_(ids)))
    }


@dataclass(frozen=True, slots=True)
class Failure:
    """Of a mail that was refused for good: what the refusal speaks of, and whether its prospect was lost by it."""

    cause: Cause
    lost: bool


def failures(uow: UnitOfWork, outbound_ids: list[int]) -> dict[int, Failure]:
    """What is known about mails that were refused, by their id: one statement."""
    statement = (
        columns(
            Outbound.id, Outbound.reply_code, Outbound.reply_text, SendAttempt.stage, col(Prospect.stage).label("now")
        )
        .join(SendAttempt, col(SendAttempt.outbound_id) == col(Outbound.id))
        .join(Prospect, col(Prospect.id) == col(Outbound.prospect_id))
        .where(col(Outbound.id).in_(outbound_ids), col(SendAttempt.outcome) == Verdict.REJECTED.value)
    )
    found: dict[int, Failure] = {}
    for row in uow.session.execute(statement):
        answer = Answer(row.reply_code, row.reply_text or "") if row.reply_code else None
        found[row.id] = Failure(cause_of(SmtpStage(row.stage), answer), row.now is Stage.LOST)
    return found


def inbound(
    uow: UnitOfWork,
    *,
    kinds: tuple[str, ...] = (),
    handled: bool | None = None,
    matched: bool | None = None,
    prospect_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Row]:
    """Received messages, newest first, with the prospect's domain where one is known. Without their text."""
    statement = (
        columns(*_INBOUND)
        .join(Prospect, col(Prospect.id) == col(Inbound.prospect_id), isouter=True)
        .order_by(col(Inbound.id).desc())
        .limit(limit)
    )
    if kinds:
        statement = statement.where(col(Inbound.kind).in_(kinds))
    if handled is not None:
        at = col(Inbound.handled_at)
        statement = statement.where(at.is_not(None) if handled else at.is_(None))
    if matched is not None:
        whose = col(Inbound.prospect_id)
        statement = statement.where(whose.is_not(None) if matched else whose.is_(None))
    if prospect_id is not None:
        statement = statement.where(col(Inbound.prospect_id) == prospect_id)
    if before is not None:
        statement = statement.where(col(Inbound.id) < before)
    return rows(uow, statement)


def quarantined(uow: UnitOfWork, limit: int = 50) -> list[Row]:
    """Messages that broke the parser, newest first."""
    statement = columns(Inbound.id, Inbound.size, Inbound.error, Inbound.failures, Inbound.stored_at)
    statement = statement.where(col(Inbound.state) == InboundState.QUARANTINED)
    return rows(uow, statement.order_by(col(Inbound.id).desc()).limit(limit))


def possible_reply(uow: UnitOfWork, inbound_id: int) -> bool:
    """Whether this message pauses a sequence until a person has said whether it is a reply."""
    statement = columns(BlockingEvent.id).where(
        col(BlockingEvent.inbound_id) == inbound_id,
        col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY,
        col(BlockingEvent.cleared_at).is_(None),
    )
    return uow.session.execute(statement).first() is not None


def conversations(
    uow: UnitOfWork,
    *,
    state: ConversationState | None = None,
    prospect_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Row]:
    """Conversations, newest first, with the contact's address."""
    statement = (
        columns(
            Conversation.id,
            Conversation.site_id,
            Conversation.prospect_id,
            Conversation.mailbox_id,
            Conversation.domain,
            Conversation.state,
            Conversation.subject,
            Conversation.agreed,
            Conversation.started_at,
            Conversation.closed_at,
            Conversation.last_message_at,
            col(Contact.email).label("contact"),
        )
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .order_by(col(Conversation.id).desc())
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(col(Conversation.state) == state)
    if prospect_id is not None:
        statement = statement.where(col(Conversation.prospect_id) == prospect_id)
    if before is not None:
        statement = statement.where(col(Conversation.id) < before)
    return rows(uow, statement)


def thread(uow: UnitOfWork, conversation_id: int) -> list[dict[str, Any]]:
    """Both sides of a conversation in order; of our own mail the subject and state, of theirs the text."""
    ours = rows(
        uow,
        columns(
            Outbound.id, Outbound.kind, Outbound.state, Outbound.subject, Outbound.sent_at, Outbound.created_at
        ).where(col(Outbound.conversation_id) == conversation_id),
    )
    theirs = rows(
        uow,
        columns(
            Inbound.id,
            Inbound.kind,
            Inbound.subject,
            Inbound.from_address,
            Inbound.text,
            Inbound.received_at,
            Inbound.stored_at,
        ).where(col(Inbound.conversation_id) == conversation_id),
    )
    lines = [{"direction": "out", "at": row["sent_at"] or row["created_at"], **row} for row in ours]
    lines += [{"direction": "in", "at": row["received_at"] or row["stored_at"], **row} for row in theirs]
    return sorted(lines, key=lambda line: line["at"])
