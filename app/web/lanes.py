"""Which lane of the queue a page shows, and where in it: the part of a queue address behind the question mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.db.work import UnitOfWork
from app.reports import prospects as lists
from app.web.door import Visit

PAGE = 50


@dataclass(frozen=True, slots=True)
class Lane:
    """A site and a tier, each None for all."""

    site: int | None = None
    tier: int | None = None

    @property
    def query(self) -> str:
        """The lane as a query string with its question mark, or ""."""
        given = {name: value for name, value in (("site", self.site), ("tier", self.tier)) if value is not None}
        return f"?{urlencode(given)}" if given else ""

    def rows(self, uow: UnitOfWork, after: tuple[str, int] | None = None, limit: int = PAGE) -> list[dict[str, Any]]:
        """Prospects of this lane that wait for a decision."""
        return lists.queue(uow, site_id=self.site, tier=self.tier, after=after, limit=limit)

    def next_after(self, uow: UnitOfWork, rank_key: str, prospect_id: int) -> int | None:
        """The prospect that comes after one, or the first one when that was the last; None when the lane is empty."""
        found = self.rows(uow, (rank_key, prospect_id), 1) or self.rows(uow, limit=1)
        others = [row["id"] for row in found if row["id"] != prospect_id]
        return others[0] if others else None


def lane_of(visit: Visit) -> Lane:
    """The lane of the address, or of a form's fields; what is no number is all."""
    given = {**visit.request.query_params, **visit.form}

    def number(name: str) -> int | None:
        text = str(given.get(name, ""))
        return int(text) if text.isdecimal() and 0 < int(text) < 2**31 else None

    return Lane(number("site"), number("tier"))


def position_of(visit: Visit) -> tuple[str, int] | None:
    """Where the page before ended, from `after=<rank key>.<id>`; None at the beginning or when it makes no sense."""
    key, _, number = visit.request.query_params.get("after", "").rpartition(".")
    if not number.isdecimal() or int(number) >= 2**31 or len(key) > 80 or "\0" in key:
        return None
    return key, int(number)
