"""Received messages and conversations."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Query

from app.api.door import Call, Cursor, Door, Id, Limit, Model, Out, Page, RowId, decode_cursor, encode_cursor
from app.domain.inbound import Intent, Kind
from app.domain.said import say
from app.errors import NotFound
from app.inbox import service
from app.inbox.suggestions import suggestions
from app.models import Conversation, ConversationState, InboundState, Prospect
from app.reports import mail

door = Door("messages")


class MessageOut(Out):
    """A received message; `kind` and `intent` are null until it is parsed, or where no rule is sure."""

    id: int
    mailbox_id: int
    prospect_id: int | None
    conversation_id: int | None
    outbound_id: int | None
    domain: str | None
    state: InboundState
    kind: str | None
    rule: str | None
    intent: str | None
    from_address: str | None
    from_name: str | None
    subject: str | None
    match_kind: str | None
    returns_on: date | None
    bounce: dict[str, Any] | None
    handled_by: str | None
    handled_at: datetime | None
    received_at: datetime | None
    stored_at: datetime


class MessageDetail(MessageOut):
    """The message with its new text, without quotes and signature. HTML is never given out."""

    text: str | None
    possible_reply: bool


class SuggestionOut(Out):
    """A prospect whose reply a message may be: `score` from 25 to 100, and each reason as a sentence."""

    prospect_id: int
    conversation_id: int
    outbound_id: int
    domain: str
    to_address: str
    subject: str
    score: int
    reasons: list[str]


class HandledIn(Model):
    """A person has dealt with it, and may correct what they want."""

    intent: Intent | None = None


class ReplyIn(Model):
    """Whose reply it is, where the machine does not know."""

    prospect_id: RowId | None = None


class BounceIn(Model):
    """Which of our mails came back, where the report does not say."""

    outbound_id: RowId


class ConversationOut(Out):
    """All mail with one contact about one prospect."""

    id: int
    site_id: int
    prospect_id: int
    mailbox_id: int
    domain: str
    contact: str
    state: ConversationState
    subject: str
    agreed: bool
    started_at: datetime
    closed_at: datetime | None
    last_message_at: datetime | None


class ThreadLine(Out):
    """One mail of a conversation: `direction` is "out" or "in"; the text is there for received mail only."""

    direction: str
    id: int
    at: datetime
    kind: str | None
    subject: str | None
    state: str | None = None
    from_address: str | None = None
    text: str | None = None


def _one(call: Call, inbound_id: int) -> dict[str, Any]:
    row = service.get(call.uow, inbound_id)
    call.uow.session.flush()
    prospect = call.uow.session.get(Prospect, row.prospect_id) if row.prospect_id else None
    return {
        **row.model_dump(exclude={"raw", "parsed"}),
        "domain": prospect.domain if prospect else None,
        "possible_reply": mail.possible_reply(call.uow, row.id),
    }


@door.route("GET", "/messages", needs="messages:read", answers=Page[MessageOut])
def list_messages(
    call: Call,
    kind: Kind | None = None,
    handled: bool | None = None,
    matched: bool | None = None,
    prospect_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Received messages, newest first."""
    before = decode_cursor(cursor, int)
    found = mail.inbound(
        call.uow,
        kinds=(kind.value,) if kind else (),
        handled=handled,
        matched=matched,
        prospect_id=prospect_id,
        before=before[0] if before else None,
        limit=limit + 1,
    )
    return {"items": found[:limit], "next": encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None}


@door.route("GET", "/messages/{message_id}", needs="messages:read", answers=MessageDetail)
def get_message(call: Call, message_id: Id) -> Any:
    """One message with its text."""
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/handled", needs="messages:write", answers=MessageDetail)
def handle_message(call: Call, message_id: Id, body: HandledIn) -> Any:
    """A person has dealt with the message."""
    service.mark_handled(call.uow, message_id, actor=call.actor, intent=body.intent)
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/reply", needs="messages:write", answers=MessageDetail)
def confirm_reply(call: Call, message_id: Id, body: ReplyIn) -> Any:
    """It is a reply: the sequence ends. 409 for a report that belongs to nobody, and for anything else whose prospect is neither known nor named."""
    service.is_reply(call.uow, message_id, actor=call.actor, prospect_id=body.prospect_id)
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/bounce", needs="messages:write", answers=MessageDetail)
def place_bounce(call: Call, message_id: Id, body: BounceIn) -> Any:
    """A report that names none of our mails is about this one; a worker acts on it. 409 for any other message or mail."""
    service.is_bounce(call.uow, message_id, body.outbound_id, actor=call.actor)
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/dismiss", needs="messages:write", answers=MessageDetail)
def dismiss_message(call: Call, message_id: Id) -> Any:
    """It is no reply: the follow-ups that it paused go on, and it needs nobody. 409 for a certain one."""
    service.dismiss(call.uow, message_id, actor=call.actor)
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/suppress", needs="messages:write", answers=MessageDetail)
def suppress_sender(call: Call, message_id: Id) -> Any:
    """Never write to the sender of a message that belongs to nobody, and put it away. 409 for any other message, and for a machine's."""
    service.suppress(call.uow, call.container.vault, message_id, actor=call.actor)
    return _one(call, message_id)


@door.route("POST", "/messages/{message_id}/try-again", needs="messages:write", answers=MessageDetail)
def try_message_again(call: Call, message_id: Id) -> Any:
    """Read a message in quarantine once more. 409 for any other message."""
    service.try_again(call.uow, message_id, actor=call.actor)
    return _one(call, message_id)


@door.route("GET", "/messages/{message_id}/suggestions", needs="messages:read", answers=list[SuggestionOut])
def suggest_for_message(call: Call, message_id: Id) -> Any:
    """Whose reply it may be, best first; `POST .../reply` with the `prospect_id` says that it is.

    For a report that names none of our mails: which came back; `POST .../bounce` with the `outbound_id` says so.
    """
    return [asdict(one) for one in suggestions(call.uow, message_id)]


@door.route("GET", "/conversations", needs="messages:read", answers=Page[ConversationOut])
def list_conversations(
    call: Call,
    state: ConversationState | None = None,
    prospect_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Conversations, newest first."""
    before = decode_cursor(cursor, int)
    found = mail.conversations(
        call.uow,
        state=state,
        prospect_id=prospect_id,
        before=before[0] if before else None,
        limit=limit + 1,
    )
    return {"items": found[:limit], "next": encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None}


@door.route("GET", "/conversations/{conversation_id}/messages", needs="messages:read", answers=list[ThreadLine])
def get_thread(call: Call, conversation_id: Id) -> Any:
    """Both sides of a conversation, oldest first."""
    if call.uow.session.get(Conversation, conversation_id) is None:
        raise NotFound(say("there is no conversation {conversation_id}", conversation_id=conversation_id))
    return mail.thread(call.uow, conversation_id)
