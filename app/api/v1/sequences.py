"""Follow-ups that stand still, and what a person decides about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.api.door import Call, Cursor, Door, Id, Limit, Out, Page, decode_cursor, encode_cursor
from app.models import RunState
from app.reports import sequences as reports
from app.sequences import service

door = Door("sequences")


class PausedRunOut(Out):
    """Follow-ups that stand still: why (`reason`, with what exactly in `detail`), since when, and before which step.

    `message_id` is the received message that may be their reply: that is decided about the message.
    """

    id: int
    prospect_id: int
    domain: str
    tier: int | None
    reason: str | None
    detail: str | None
    next_step: int
    since: datetime | None
    message_id: int | None


class RunOut(Out):
    """The follow-ups to one prospect; `end_reason` says why they are paused or have ended."""

    id: int
    prospect_id: int
    sequence_id: int
    state: RunState
    end_reason: str | None
    next_step: int
    due_at: datetime | None


@door.route("GET", "/sequence-runs/paused", needs="pitches:read", answers=Page[PausedRunOut])
def list_paused(call: Call, rested: bool = True, cursor: Cursor = None, limit: Limit = 50) -> Any:
    """Follow-ups that stand still, by their number. Without `rested`: those that nobody has looked at."""
    after = decode_cursor(cursor, int)
    found = reports.paused(call.uow, rested=rested, after=after[0] if after else 0, limit=limit + 1)
    items = [
        {
            **row,
            "reason": row["end_reason"],
            "detail": (row["data"] or {}).get("detail"),
            "message_id": row["inbound_id"],
        }
        for row in found[:limit]
    ]
    return {"items": items, "next": encode_cursor(items[-1]["id"]) if len(found) > limit else None}


@door.route("POST", "/prospects/{prospect_id}/follow-ups/stop", needs="pitches:write", answers=RunOut)
def stop_run(call: Call, prospect_id: Id) -> Any:
    """No more follow-ups to a prospect until somebody lets them go on; the conversation stays open. 409 where none are to come."""
    return service.stop(call.uow, prospect_id, actor=call.actor)


@door.route("POST", "/sequence-runs/{run_id}/resume", needs="pitches:write", answers=RunOut)
def resume_run(call: Call, run_id: Id) -> Any:
    """Let paused follow-ups go on. 409 for those that are not paused, and where a message may be their reply."""
    return service.resume(call.uow, run_id, actor=call.actor)


@door.route("POST", "/sequence-runs/{run_id}/rest", needs="pitches:write", answers=RunOut)
def rest_run(call: Call, run_id: Id) -> Any:
    """Let paused follow-ups rest until somebody lets them go on; the conversation stays open. 409 as for `resume`."""
    return service.rest(call.uow, run_id, actor=call.actor)
