"""Whether a time for which something waits may be believed: in the row and in a statement, by the same rule. Pure.

A machine's clock may be wrong for a while and put right again. What it has noted meanwhile stands further ahead than anybody sets such a
time (`furthest`, the caller's), or was noted in the future: it counts as over, else work would rest for as long as the clock was wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

#: Machines do not agree to the second; added to a bound that a machine sets in full.
SKEW = timedelta(minutes=1)


def over(until: datetime | None, now: datetime, furthest: datetime) -> bool:
    """Whether a time has come, or stands further ahead than anybody sets it; None: there is nothing to wait for."""
    return until is None or not now < until <= furthest


def over_in(column: Any, now: Any, furthest: Any) -> Any:
    """`over` in a statement, for a column that is not null; `now` and `furthest` may be parameters."""
    return (column <= now) | (column > furthest)


def ahead_in(column: Any, now: Any, furthest: Any) -> Any:
    """The opposite of `over` in a statement: what still waits, and may be believed."""
    return (column > now) & (column <= furthest)


def passed(at: datetime | None, pause: timedelta, now: datetime) -> bool:
    """Whether `pause` has gone by since `at`; so it has when that never was, or was noted in the future."""
    return at is None or over(at + pause, now, now + pause)


def due_or_under_way(due_at: datetime | None, claim: timedelta, now: datetime) -> bool:
    """Whether work is due, or under way: who begins it moves its due time on by `claim`, and only its record puts it further.

    So the last minutes before work that comes by itself count, too.
    """
    return due_at is not None and due_at - claim <= now
