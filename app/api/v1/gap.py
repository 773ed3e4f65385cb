"""The gap review: a site's gap domains under filters, a page at a time or as one file."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from app.api.door import LARGEST_ID, Call, Csv, Cursor, Door, Limit, Out, Page, decode_cursor, encode_cursor
from app.domain.gap import Follow
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.reports import gap, gap_file
from app.reports.gap import Filter
from app.sites import service as sites

door = Door("gap")

View = Literal["open", "working", "excluded", "closed", "removed"]
Order = Literal["rank", "domain", "authority", "traffic", "fit", "winnability"]
Scale = Literal[
    "ahrefs", "semrush", "moz", "majestic", "se-ranking", "dataforseo", "generic", "search-console", "common-crawl",
]  # fmt: skip
_FOLLOWED = {Follow.FOLLOWED: True, Follow.NOT_FOLLOWED: False, Follow.UNKNOWN: None}
_Percent = Annotated[int | None, Query(ge=0, le=100)]


class GapOut(Out):
    """One source domain. `linking` says of each competitor that it links to whether a link is followed (null: not known)."""

    id: int
    domain: str
    stage: Stage
    tier: int | None
    overlap: int | None
    linking: dict[str, bool | None]
    mention: str | None
    authority: float | None
    authority_provider: str | None
    traffic: int | None
    dofollow: bool | None
    fit: int | None
    winnability: int | None
    gate: str | None
    language: str | None
    best_page: str | None
    anchor: str | None
    verification: str | None
    removed_by: list[str]
    gap_state: str | None
    gap_seen: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """The filters of a request; `language` asks for the languages of the site, which only its row knows."""

    filter: Filter
    language: bool


def wish(
    site_id: Annotated[int, Query(ge=1, le=LARGEST_ID)],
    view: View = "open",
    tier: Annotated[int | None, Query(ge=1, le=3)] = None,
    authority: _Percent = None,
    provider: Annotated[Scale, Query(description="The scale on which `authority` counts.")] = "ahrefs",
    traffic: Annotated[int | None, Query(ge=0, le=LARGEST_ID)] = None,
    dofollow: bool = False,
    fit: _Percent = None,
    language: Annotated[bool, Query(description="Only pages in the site's languages.")] = False,
    known_only: Annotated[bool, Query(description="Hide what a floor cannot decide.")] = False,
    hidden_only: Annotated[bool, Query(description="Turn the list round: what at least one floor hides.")] = False,
    order: Order = "rank",
) -> Wish:
    """The filters of a request; a floor that is left out asks nothing."""
    asked = Filter(
        site_id,
        view=view,
        tier=tier,
        authority=authority,
        provider=provider,
        traffic=traffic,
        dofollow=dofollow,
        fit=fit,
        known_only=known_only,
        hidden_only=hidden_only,
        order=order,
    )
    return Wish(asked, language)


Wished = Annotated[Wish, Depends(wish)]


def _filter(call: Call, wished: Wish) -> Filter:
    site = sites.get(call.uow, wished.filter.site_id)
    return replace(wished.filter, languages=tuple(site.languages) if wished.language else ())


def _position(cursor: str | None, order: str) -> tuple[Any, int] | None:
    given = decode_cursor(cursor, str, str, int)
    if given is None:
        return None
    made_for, value, number = given
    try:
        if made_for != order:
            raise ValueError
        place = value if order in ("rank", "domain") else float(value)
    except ValueError:
        place = math.nan
    if isinstance(place, float) and not math.isfinite(place):
        problem = FieldProblem("cursor", say("Send `next` of the page before"))
        raise BadInput(say("the cursor is not one of this list"), problem)
    return place, number


@door.route("GET", "/gap", needs="prospects:read", answers=Page[GapOut])
def list_gap(call: Call, wished: Wished, cursor: Cursor = None, limit: Limit = 50) -> Any:
    """The domains that link to competitors and not to us, as far as they pass the filters, in the order asked for."""
    asked = _filter(call, wished)
    found = gap.listing(call.uow, asked, after=_position(cursor, asked.order), limit=limit + 1)
    more = None
    if len(found) > limit:
        value, number = gap.position(found[limit - 1], asked.order)
        more = encode_cursor(asked.order, str(value), number)
    items = [
        {**row, "linking": {name: _FOLLOWED[said] for name, said in row["linking"].items()}} for row in found[:limit]
    ]
    return {"items": items, "next": more}


@door.route("GET", "/gap/export", needs="prospects:read", answers=Csv)
def export_gap(call: Call, wished: Wished) -> Any:
    """The same as one CSV file, with every domain that passes; no cell acts as a formula."""
    asked = _filter(call, wished)
    ours = {page.id: page.url for page in sites.pages(call.uow, asked.site_id, archived=True)}
    return Csv(gap_file.lines(call.container.db, asked, ours))
