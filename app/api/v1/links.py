"""Links that were seen, or vouched for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.api.door import Call, Cursor, Door, Id, Limit, Out, Page, decode_cursor, encode_cursor
from app.domain.link_watch import DayState, Trouble
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import BadInput
from app.links import history, service
from app.models import LinkState, PitchState
from app.reports import links, recovery

door = Door("links")


class LinkOut(Out):
    """One link. `unknown` means that the page could not be checked, and is never the same as lost."""

    id: int
    site_id: int
    prospect_id: int
    domain: str
    source_url: str
    target_url: str | None
    state: LinkState
    verified: bool
    override_reason: str | None
    rel: list[str]
    dofollow: bool | None
    anchor: str | None
    context: str | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    last_checked_at: datetime | None
    first_missing_at: datetime | None
    changed_at: datetime | None
    lost_at: datetime | None
    trouble: Trouble | None = Field(
        description="What good looks last saw wrong with it, or else why none could be made."
    )
    trouble_detail: str | None
    check_due_at: datetime | None


class DayOut(Out):
    """One day (UTC) of a link. `missing` is not yet proved lost; `none`: nobody looked."""

    day: date
    state: DayState
    trouble: Trouble | None
    checks: int


class StripOut(Out):
    """The latest days of a link, oldest first."""

    link_id: int
    days: list[DayOut]


class RecoveryOut(Out):
    """A link to win back. `since` is when it was first found so; the pitch is the one that asks for it, a draft when it is ready."""

    link_id: int
    site_id: int
    prospect_id: int
    domain: str
    source_url: str
    target_url: str | None
    anchor: str | None
    kind: recovery.Kind
    trouble: Trouble | None
    detail: str | None
    since: datetime
    last_seen_at: datetime | None
    lost_at: datetime | None
    stage: Stage
    pitch_id: int | None
    pitch_state: PitchState | None
    pitch_subject: str | None
    conversation_id: int | None


@door.route("GET", "/links", needs="links:read", answers=Page[LinkOut])
def list_links(
    call: Call,
    site_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    state: LinkState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Links, newest first."""
    before = decode_cursor(cursor, int)
    found = links.listing(call.uow, site_id=site_id, state=state, before=before[0] if before else None, limit=limit + 1)
    return {"items": found[:limit], "next": encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None}


@door.route("GET", "/links/recovery", needs="links:read", answers=Page[RecoveryOut])
def list_recovery(
    call: Call,
    site_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    kind: recovery.Kind | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Links that were lost, and links that are worth less, each proved by two looks; newest trouble first."""
    after = decode_cursor(cursor, str, int)
    try:
        before = (datetime.fromisoformat(after[0]).astimezone(UTC), after[1]) if after else None
    except ValueError:
        raise BadInput(say("the cursor is not one of this list")) from None
    found = recovery.listing(call.uow, site_id=site_id, kind=kind, before=before, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return {
        "items": found[:limit],
        "next": encode_cursor(last["since"].isoformat(), last["link_id"]) if last else None,
    }


@door.route("GET", "/links/{link_id}/history", needs="links:read", answers=StripOut)
def link_history(
    call: Call, link_id: Id, days: Annotated[int, Query(ge=1, le=366, description="Days that end with today.")] = 30
) -> Any:
    """What the looks at a link said, one state a day."""
    service.get(call.uow, link_id)
    return {"link_id": link_id, "days": history.strips(call.uow, [link_id], days=days)[link_id]}


@door.route("POST", "/links/{link_id}/check", needs="links:write", answers=LinkOut, status=202)
def check_link(call: Call, link_id: Id) -> Any:
    """Let a worker look at the page now; read the link again to see what it found."""
    service.request(call.uow, link_id)
    call.uow.session.flush()
    return links.listing(call.uow, link_id=link_id)[0]
