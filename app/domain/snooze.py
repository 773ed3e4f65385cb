"""When a snoozed prospect comes back: moments in the person's own time zone, each with the digit that chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING = time(9)
# "Until they reply" has no date; a reply wakes it, whenever it comes.
NEVER = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Preset:
    """`name` is stable; `until` is in UTC."""

    digit: str
    name: str
    until: datetime


def at_morning(day: date, zone: ZoneInfo) -> datetime:
    """Nine in the morning of `day` in `zone`, in UTC, whatever the clocks did in the night."""
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def presets(now: datetime, zone: ZoneInfo) -> list[Preset]:
    """Tomorrow, next Monday, in two weeks, and until they reply."""
    today = now.astimezone(zone).date()
    return [
        Preset("1", "tomorrow", at_morning(today + timedelta(days=1), zone)),
        Preset("2", "monday", at_morning(today + timedelta(days=7 - today.weekday()), zone)),
        Preset("3", "two-weeks", at_morning(today + timedelta(days=14), zone)),
        Preset("4", "reply", NEVER),
    ]
