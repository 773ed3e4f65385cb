"""What changed in a gap: the digest of each look at the data, and its changes one by one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from app.api.door import Call, Cursor, Door, Limit, Out, Page, decode_cursor, encode_cursor
from app.gaps import changes
from app.models import ChangeKind

door = Door("gap-changes")

_Site = Annotated[int, Query(ge=1, le=2**31 - 1)]


class GapChangeOut(Out):
    """One source domain; `before` and `after` hold class, tier, overlap, competitors and links_to_us."""

    id: int
    refresh_id: int
    kind: ChangeKind
    domain: str
    tier: int | None
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


class GapRefreshOut(Out):
    """One look: how many changes of each kind, and how many losses are held back because the data cannot prove them."""

    id: int
    counts: dict[str, int]
    held_back: int
    held_back_why: list[str]
    actor: str
    at: datetime


@door.route("GET", "/gap-changes", needs="imports:read", answers=Page[GapChangeOut])
def list_changes(
    call: Call, site_id: _Site, kind: ChangeKind | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Any:
    """The changes of a site, newest first."""
    before = decode_cursor(cursor, int)
    found = changes.changes_of(call.uow, site_id, kind=kind, before_id=before[0] if before else None, limit=limit + 1)
    items = [one.model_dump() for one in found[:limit]]
    return {"items": items, "next": encode_cursor(items[-1]["id"]) if len(found) > limit else None}


@door.route("GET", "/gap-refreshes", needs="imports:read", answers=list[GapRefreshOut])
def list_refreshes(call: Call, site_id: _Site) -> Any:
    """The latest looks at the data of a site, newest first: the digest."""
    return [one.model_dump() for one in changes.refreshes_of(call.uow, site_id)]
