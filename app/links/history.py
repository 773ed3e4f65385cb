"""The history of links as strips: one state a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from app.db.work import UnitOfWork
from app.domain.link_watch import Day, DayState, Seen, strip
from app.links import repository

DAYS = 30


def strips(
    uow: UnitOfWork, link_ids: Sequence[int], *, days: int = DAYS, last: date | None = None
) -> dict[int, list[Day]]:
    """The strip of each link: `days` days (UTC) that end with `last` (today when not given), oldest first.

    One query for all of them, so that a page of links asks once. A link that has no look, or that there is none of, has a
    strip of days on which nobody looked.
    """
    if not link_ids:
        return {}
    end = last or uow.now().astimezone(UTC).date()
    begin = datetime.combine(end - timedelta(days=days - 1), time.min, tzinfo=UTC)
    looks: dict[int, list[Seen]] = {link_id: [] for link_id in link_ids}
    for link_id, verdict, good_fetch, state, trouble, at in repository.looks_since(uow.session, link_ids, begin):
        seen = Seen(at.astimezone(UTC).date(), state or _guess(verdict, good_fetch=good_fetch), trouble)
        looks[link_id].append(seen)
    return {link_id: strip(seen, end, days) for link_id, seen in looks.items()}


def _guess(verdict: str, *, good_fetch: bool) -> DayState:
    """What a look of before states were kept made of its link, as far as its verdict says."""
    if verdict == "linked":
        return DayState.LIVE
    return DayState.MISSING if good_fetch else DayState.UNKNOWN
