"""The audit, read only: what was done to settings, people, mailboxes and prospects, by whom, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query

from app.api.door import Call, Cursor, Door, Limit, Moment, Out, Page, decode_cursor, encode_cursor
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.reports import audit

door = Door("audit")

_Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


class AuditLineOut(Out):
    """One act. `kind` and `key` name the thing; `before` and `after` hold what differs; `redacted`: an erasure has taken words out."""

    at: datetime
    actor: str
    verb: str
    kind: str
    key: str | None
    name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    correlation_id: str | None
    redacted: bool


@door.route("GET", "/audit", needs="audit:read", answers=Page[AuditLineOut])
def list_audit(
    call: Call,
    actor: _Word = None,
    kind: _Word = None,
    key: _Word = None,
    verb: _Word = None,
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Every act that fits, newest first: `since` included, `until` not, both with their zone. Nothing here can be written."""
    wanted = audit.Wanted(actor=actor, kind=kind, key=key, verb=verb, since=_utc(since), until=_utc(until))
    found = audit.listing(call.uow, wanted, after=_position(cursor), limit=limit + 1)
    items = found[:limit]
    last = audit.position(items[-1]) if len(found) > limit else None
    return {
        "items": items,
        "next": encode_cursor(last[0].astimezone(UTC).isoformat(), last[1], last[2]) if last else None,
    }


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _position(cursor: str | None) -> audit.Position | None:
    parts = decode_cursor(cursor, str, int, int)
    if parts is None:
        return None
    try:
        return datetime.fromisoformat(parts[0]).astimezone(UTC), parts[1], parts[2]
    except (ValueError, OverflowError):
        raise BadInput(
            say("the cursor is not one of this list"), FieldProblem("cursor", say("Send `next` of the page before"))
        ) from None
