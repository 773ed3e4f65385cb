"""Which lane of the queue a page shows, and where in it: the part of a queue address behind the question mark."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from app.desk.service import Person
from app.reports.prospects import Lane
from app.web.door import Visit, row_number
from app.web.i18n import ngettext

PAGE = 50
# So many lines of a list are compared.
_MOST = 200


def query_of(lane: Lane, **more: Any) -> str:
    """The lane, and what else is given, as a query string with its question mark, or ""."""
    given = {"site": lane.site, "tier": lane.tier, **more}
    given = {name: value for name, value in given.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def lane_of(visit: Visit) -> Lane:
    """The lane of the address, or of a form's fields; what is no number is all."""
    given = {**visit.request.query_params, **visit.form}

    def number(name: str, most: int) -> int | None:
        found = row_number(str(given.get(name, "")))
        return found if found is not None and found <= most else None

    return Lane(number("site", 2**31 - 1), number("tier", 9))


def position_of(visit: Visit) -> tuple[str, int] | None:
    """Where the page before ended, from `after=<rank key>.<id>`; None at the beginning or when it makes no sense."""
    key, _, number = visit.request.query_params.get("after", "").rpartition(".")
    row = row_number(number)
    if row is None or len(key) > 80 or "\0" in key:
        return None
    return key, row


def person_of(visit: Visit) -> Person:
    """The signed-in person, as the desk knows them."""
    who = visit.who
    return Person(who.id, who.caller, who.actor, who.full_name or who.name)


def shown_in(visit: Visit) -> list[int]:
    """The rows of the list that an open page shows, from `shown=<id>.<id>…` of the address."""
    given = visit.request.query_params.get("shown", "").split(".")[:_MOST]
    return [number for one in given if (number := row_number(one))]


def changes(shown: list[int], there: list[int], *, whole: bool = False) -> str:
    """How many lines of a list are others by now, in words; "" while it is as it was.

    What follows the last line is not shown, so that it is no change when it moves up behind what a person has decided: unless the
    list is shown as a `whole`, to its end.
    """
    seen = there if whole else there[: len(shown)]
    count = max(len(set(shown) - set(there)), len(set(seen) - set(shown)))
    return ngettext("One line has changed.", "{number} lines have changed.", count) if count else ""
