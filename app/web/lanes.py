"""Which lane of the queue a page shows, and where in it: the part of a queue address behind the question mark."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from app.desk.service import Person
from app.reports.prospects import Lane
from app.web.door import Visit

PAGE = 50


def query_of(lane: Lane, **more: Any) -> str:
    """The lane, and what else is given, as a query string with its question mark, or ""."""
    given = {"site": lane.site, "tier": lane.tier, **more}
    given = {name: value for name, value in given.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def lane_of(visit: Visit) -> Lane:
    """The lane of the address, or of a form's fields; what is no number is all."""
    given = {**visit.request.query_params, **visit.form}

    def number(name: str, most: int) -> int | None:
        text = str(given.get(name, ""))
        return int(text) if text.isdecimal() and 0 < int(text) <= most else None

    return Lane(number("site", 2**31 - 1), number("tier", 9))


def position_of(visit: Visit) -> tuple[str, int] | None:
    """Where the page before ended, from `after=<rank key>.<id>`; None at the beginning or when it makes no sense."""
    key, _, number = visit.request.query_params.get("after", "").rpartition(".")
    if not number.isdecimal() or int(number) >= 2**31 or len(key) > 80 or "\0" in key:
        return None
    return key, int(number)


def person_of(visit: Visit) -> Person:
    """The signed-in person, as the desk knows them."""
    who = visit.who
    return Person(who.id, who.caller, who.actor, who.full_name or who.name)
