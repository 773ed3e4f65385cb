"""Working days: pure, with weekend, holidays and zone handed in. Wall-clock time is kept over the change of summer time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

IsHoliday = Callable[[date], bool]
SATURDAY_SUNDAY = frozenset({5, 6})
# More than any country has in a row; a calendar in which every day is a holiday must not hang a worker.
_MOST_CLOSED_DAYS = 60


def no_holidays(_day: date) -> bool:
    """The calendar of a place without holidays."""
    return False


@dataclass(frozen=True, slots=True)
class WorkDays:
    """The days on which people of a place work: `weekend` holds weekdays (Monday is 0), `is_holiday` says the rest."""

    is_holiday: IsHoliday = no_holidays
    weekend: frozenset[int] = SATURDAY_SUNDAY

    def __contains__(self, day: date) -> bool:
        """Whether `day` is a working day."""
        return day.weekday() not in self.weekend and not self.is_holiday(day)

    def from_day(self, start: date) -> date:
        """`start`, or the next working day. Raises ValueError when there is none within two months."""
        for offset in range(_MOST_CLOSED_DAYS):
            day = start + timedelta(days=offset)
            if day in self:
                return day
        raise ValueError(f"the calendar has no business day in the {_MOST_CLOSED_DAYS} days from {start.isoformat()}")


PLAIN_WEEK = WorkDays()


def add_business_days(start: date, n: int, days: WorkDays = PLAIN_WEEK) -> date:
    """The n-th business day after `start` (n >= 0). With n = 0: `start` itself, or the next business day.

    Raises ValueError for a negative n, and when the calendar has no business day within two months.
    """
    if n < 0:
        raise ValueError("business days are counted forward")
    day = start if n else days.from_day(start)
    for _ in range(n):
        day = days.from_day(day + timedelta(days=1))
    return day


def business_moment(moment: datetime, n: int, zone: tzinfo, days: WorkDays = PLAIN_WEEK) -> datetime:
    """The same time of day in `zone`, n business days after `moment` (aware), as UTC.

    A time that the change to summer time skips becomes the same instant counted from before the change (02:30 -> 03:30); of
    a time that exists twice, the first is meant.
    """
    if moment.tzinfo is None:
        raise ValueError("the moment needs a time zone")
    local = moment.astimezone(zone)
    day = add_business_days(local.date(), n, days)
    return datetime.combine(day, local.time().replace(fold=0), tzinfo=zone).astimezone(UTC)


def readings(day: date, clock: time, zone: tzinfo) -> tuple[datetime, datetime]:
    """The earlier and the later instant (UTC) that a wall-clock time can mean on `day`.

    They are one instant but for the hour that the change of summer time skips or repeats (PEP 495, both values of fold).
    """
    both = [datetime.combine(day, clock.replace(fold=fold), tzinfo=zone).astimezone(UTC) for fold in (0, 1)]
    return min(both), max(both)
