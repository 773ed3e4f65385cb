"""What rules have taken off the gap, and what people have taken back of that."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from app.api.door import Call, Cursor, Door, Id, Limit, Line, Model, Out, Page, decode_cursor, encode_cursor
from app.gaps import kept
from app.gaps.amend import ALL

door = Door("removals")


class RemovedOut(Out):
    """One source domain that rules have taken off the list; `seen` is what they went by."""

    id: int
    site_id: int
    domain: str
    removed_by: list[str]
    seen: str | None
    tier: int | None
    overlap: int | None
    competitors: list[str]
    dofollow: bool | None
    authority: float | None
    authority_provider: str | None
    traffic: int | None
    language: str | None
    language_source: str | None
    best_page: str | None
    target: str | None
    anchor: str | None
    first_seen: date | None
    score: float | None


class KeptIn(Model):
    """A rule of the whole site, or one domain (then without a rule: every rule)."""

    rule: Annotated[str | None, Field(max_length=64, pattern=r"^[a-z0-9-]+$")] = None
    domain: Annotated[Line | None, Field(min_length=1, max_length=253)] = None

    @model_validator(mode="after")
    def _something(self) -> KeptIn:
        if self.rule is None and self.domain is None:
            raise ValueError("give a rule, a domain, or both")
        return self


class KeptOut(Out):
    """One thing that was taken back; `rule` is `*` where every rule of the domain is. It holds until `ended_at`."""

    id: int
    site_id: int
    rule: str
    domain: str | None
    by: str
    at: datetime
    ended_by: str | None
    ended_at: datetime | None


@door.route("GET", "/sites/{site_id}/removed-gaps", needs="prospects:read", answers=Page[RemovedOut])
def list_removed(call: Call, site_id: Id, cursor: Cursor = None, limit: Limit = 50) -> Any:
    """What rules have taken off the list at the last computation, best first."""
    after = decode_cursor(cursor, str, int)
    found = kept.removed(call.uow, site_id, after=(after[0], after[1]) if after else None, limit=limit + 1)
    items = found[:limit]
    return {
        "items": items,
        "next": encode_cursor(items[-1].rank_key, items[-1].id) if len(found) > limit else None,
    }


@door.route("GET", "/sites/{site_id}/kept-removals", needs="prospects:read", answers=list[KeptOut])
def list_kept(call: Call, site_id: Id, ended: bool = False) -> Any:
    """What was taken back, by whom and when, the newest first; `ended` adds what is over."""
    return kept.listing(call.uow, site_id, ended=ended)


@door.route("POST", "/sites/{site_id}/kept-removals", needs="prospects:write", answers=KeptOut, status=201)
def keep(call: Call, site_id: Id, body: KeptIn) -> Any:
    """Take a rule back for a site, or every rule for a domain: at once, and at every later computation."""
    if body.domain is not None:
        return kept.keep_row(call.uow, site_id, body.domain, rule=body.rule or ALL, actor=call.actor)
    return kept.keep_rule(call.uow, site_id, body.rule or "", actor=call.actor)


@door.route("DELETE", "/sites/{site_id}/kept-removals/{kept_id}", needs="prospects:write", answers=KeptOut)
def end(call: Call, site_id: Id, kept_id: Id) -> Any:
    """Apply the rule again, from the next computation on."""
    return kept.end(call.uow, site_id, kept_id, actor=call.actor)
