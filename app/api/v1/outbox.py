"""The outbox: what waits and why, what was tried, and the decision about a mail whose fate is unknown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from app.api.door import Call, Cursor, Door, Id, Limit, Model, Out, Page, decode_cursor, encode_cursor
from app.api.problems import Reason
from app.desk import service as desk
from app.domain.delivery import OutboundState
from app.models import Outbound, OutboundKind
from app.outbox import service
from app.reports import mail

door = Door("outbox")


class OutboundOut(Out):
    """One frozen message."""

    id: int
    prospect_id: int
    conversation_id: int
    mailbox_id: int
    domain: str
    kind: OutboundKind
    step_no: int
    to_address: str
    subject: str
    message_id: str
    state: OutboundState
    attempt_no: int
    waiting: Reason | None = Field(description="Why it has not left, and until when; null when it does not wait.")
    not_before: datetime
    expires_at: datetime
    sent_at: datetime | None
    reply_code: int | None
    reply_text: str | None
    evidence: str | None
    approved_by: str
    created_at: datetime


class AttemptOut(Out):
    """What happened at which step of which attempt."""

    attempt_no: int
    stage: str
    outcome: str
    code: int | None
    text: str | None
    at: datetime


class OutboundDetail(OutboundOut):
    """The message with every attempt."""

    attempts: list[AttemptOut]


class DecisionIn(Model):
    """What a person has found out about an ambiguous mail."""

    decision: Literal["treat-as-sent", "send-again"]


def _shown(call: Call, row: Outbound, domain: str) -> dict[str, Any]:
    skip = service.why_waiting(call.uow, row, call.container.settings)
    waiting = Reason(reason=skip.reason, sentence=skip.sentence, until=skip.until) if skip else None
    return {**row.model_dump(exclude={"raw"}), "domain": domain, "waiting": waiting}


def _one(call: Call, outbound_id: int) -> dict[str, Any]:
    from app.prospects import service as prospects

    row = service.get(call.uow, outbound_id)
    call.uow.session.flush()
    return _shown(call, row, prospects.get(call.uow, row.prospect_id).domain)


@door.route("GET", "/outbox", needs="outbox:read", answers=Page[OutboundOut])
def list_outbox(
    call: Call,
    state: OutboundState | None = None,
    prospect_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Messages of ours, newest first, each with the reason why it waits."""
    before = decode_cursor(cursor, int)
    found = mail.outbox(
        call.uow,
        states=(state,) if state else (),
        prospect_id=prospect_id,
        before=before[0] if before else None,
        limit=limit + 1,
    )
    items = [_shown(call, row, domain) for row, domain in found[:limit]]
    return {"items": items, "next": encode_cursor(items[-1]["id"]) if len(found) > limit else None}


@door.route("GET", "/outbox/{outbound_id}", needs="outbox:read", answers=OutboundDetail)
def get_outbound(call: Call, outbound_id: Id) -> Any:
    """One message with its attempts."""
    return {**_one(call, outbound_id), "attempts": service.attempts(call.uow, outbound_id)}


@door.route("POST", "/outbox/{outbound_id}/decision", needs="outbox:write", answers=OutboundOut)
def decide_outbound(call: Call, outbound_id: Id, body: DecisionIn) -> Any:
    """Decide an ambiguous message: it has arrived (`treat-as-sent`), or it has not (`send-again`). 409 for any other."""
    decide = service.treat_as_sent if body.decision == "treat-as-sent" else service.send_again
    decide(call.uow, outbound_id, actor=call.actor)
    return _one(call, outbound_id)


@door.route("POST", "/outbox/{outbound_id}/cancel", needs="outbox:write", answers=OutboundOut)
def cancel_outbound(call: Call, outbound_id: Id) -> Any:
    """Take a waiting message back: a pitch becomes a draft again, and what an answer has answered waits. 409 once a worker holds it."""
    desk.take_out(call.uow, outbound_id, actor=call.actor)
    return _one(call, outbound_id)
