"""Mentions: lists of pages that may name us, and searches for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.api.door import Call, Door, Line, Model, Out, RowId
from app.mentions import asking, candidates, searching
from app.models import PullState
from app.sites import service as sites

door = Door("mentions")


class MentionListIn(Model):
    """Pages that may name a site."""

    site_id: RowId
    urls: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(min_length=1, max_length=1000)]
    source: Annotated[Line, Field(min_length=1, max_length=100, description="Where they come from, for the evidence.")]


class RejectedLine(Out):
    """A line that was not taken."""

    line: int
    reason: str


class MentionListOut(Out):
    """What became of the pages. Each is read by a worker before anything is said about it."""

    taken: int
    known: int
    prospects: int = Field(description="Prospects that were made for them.")
    rejected_count: int
    rejected: list[RejectedLine]


class SearchIn(Model):
    """The site whose names are searched for."""

    site_id: RowId


class SearchOut(MentionListOut):
    """The same for a search, with what it took."""

    requests: int
    cost: float | None = Field(description="By GAPBRIDGE_SEARCH_COST; null where that is not set.")


class SearchRequestOut(Out):
    """One request to the search provider."""

    id: int
    site_id: int
    provider: str
    query: str
    state: PullState
    results: int | None
    cost: float | None
    error: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None


class SearchesOut(Out):
    """The latest requests of a site, and what the day's budget has left (null without a provider)."""

    left_today: int | None
    items: list[SearchRequestOut]


def _told(taken: candidates.Taken) -> dict[str, Any]:
    rejected = [{"line": line, "reason": reason} for line, reason, _ in taken.rejected]
    return {
        "taken": taken.taken,
        "known": taken.known,
        "prospects": taken.prospects,
        "rejected_count": taken.rejected_count,
        "rejected": rejected,
    }


@door.route("POST", "/mentions/lists", needs="prospects:write", answers=MentionListOut)
def take_mentions(call: Call, body: MentionListIn) -> Any:
    """Take pages that may name a site. Domains that are no prospects become some; each page is read by a worker."""
    sites.get(call.uow, body.site_id)
    source = f"list: {body.source}"
    return _told(candidates.take(call.uow, body.site_id, body.urls, source=source, actor=call.actor))


@door.route("POST", "/mentions/searches", needs="prospects:write", answers=SearchOut, own_transactions=True)
def search_mentions(call: Call, body: SearchIn) -> Any:
    """Ask the configured search provider for pages that name a site. 409 where the day's budget is used up."""
    container = call.container
    done = searching.search_site(container.db, container.settings, body.site_id, actor=call.actor)
    return {**_told(done.taken), "requests": done.requests, "cost": done.cost}


@door.route("GET", "/mentions/searches", needs="prospects:read", answers=SearchesOut)
def list_searches(call: Call, site_id: Annotated[int, Query(ge=1, le=2**31 - 1)]) -> Any:
    """What was asked of the search provider, newest first, with its cost."""
    settings = call.container.settings
    left = asking.budget(call.uow, settings).left if settings.search_provider != "none" else None
    return {"left_today": left, "items": asking.requests_of(call.uow, site_id)}
