"""Business days: pure, with the holidays and the zone handed in. Wall-clock time is kept over the change of summer time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

IsHoliday = Callable[[date], bool]
_SATURDAY = 5
# More than any country has in a row; a calendar in which every day is a holiday must not hang a worker.
_MOST_CLOSED_DAYS = 60


def no_holidays(_day: date) -> bool:
    """The calendar of a place without holidays."""
    return False


def is_business_day(day: date, is_holiday: IsHoliday = no_holidays) -> bool:
    """Monday to Friday, and no holiday."""
    return day.weekday() < _SATURDAY and not is_holiday(day)


def add_business_days(start: date, n: int, is_holiday: IsHoliday = no_holidays) -> date:
    """The n-th business day after `start` (n >= 0). With n = 0: `start` itself, or the next business day.

    Raises ValueError for a negative n, and when the calendar has no business day within two months.
    """
    if n < 0:
        raise ValueError("business days are counted forward")
    day = start if n else _open_from(start, is_holiday)
    for _ in range(n):
        day = _open_from(day + timedelta(days=1), is_holiday)
    return day


def business_moment(moment: datetime, n: int, zone: tzinfo, is_holiday: IsHoliday = no_holidays) -> datetime:
    """The same time of day in `zone`, n business days after `moment` (aware), as UTC.

    A time that the change to summer time skips becomes the same instant counted from before the change (02:30 -> 03:30); of
    a time that exists twice, the first is meant.
    """
    if moment.tzinfo is None:
        raise ValueError("the moment needs a time zone")
    local = moment.astimezone(zone)
    day = add_business_days(local.date(), n, is_holiday)
    return datetime.combine(day, local.time().replace(fold=0), tzinfo=zone).astimezone(UTC)


def _open_from(day: date, is_holiday: IsHoliday) -> date:
    for offset in range(_MOST_CLOSED_DAYS):
        candidate = day + timedelta(days=offset)
        if is_business_day(candidate, is_holiday):
            return candidate
    raise ValueError(f"the calendar has no business day in the {_MOST_CLOSED_DAYS} days from {day.isoformat()}")
