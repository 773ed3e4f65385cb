"""Links that were seen, or vouched for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from app.api.door import Call, Cursor, Door, Id, Limit, Out, Page, decode_cursor, encode_cursor
from app.links import service
from app.models import LinkState
from app.reports import links

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
    lost_at: datetime | None
    check_due_at: datetime | None


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


@door.route("POST", "/links/{link_id}/check", needs="links:write", answers=LinkOut, status=202)
def check_link(call: Call, link_id: Id) -> Any:
    """Let a worker look at the page now; read the link again to see what it found."""
    service.request(call.uow, link_id)
    call.uow.session.flush()
    return links.listing(call.uow, link_id=link_id)[0]
