"""When a digest is due: one key for each period, in the person's own time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.digest import Cadence, period_at


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("cadence", "local", "key"),
    [
        (Cadence.OFF, "2026-06-01T12:00", None),
        (Cadence.DAILY, "2026-06-01T06:59", None),
        (Cadence.DAILY, "2026-06-01T07:00", "2026-06-01"),
        (Cadence.DAILY, "2026-06-01T23:59", "2026-06-01"),
        (Cadence.HOURLY, "2026-06-01T03:05", "2026-06-01T01"),  # by UTC
        (Cadence.HOURLY, "2026-06-01T23:59", "2026-06-01T21"),
        (Cadence.WEEKLY, "2026-06-01T06:59", None),  # a Monday
        (Cadence.WEEKLY, "2026-06-01T07:00", "2026-W23"),
        (Cadence.WEEKLY, "2026-06-03T03:00", "2026-W23"),
        (Cadence.WEEKLY, "2026-06-07T23:59", "2026-W23"),
        (Cadence.WEEKLY, "2026-12-31T09:00", "2026-W53"),
        (Cadence.WEEKLY, "2027-01-01T09:00", "2026-W53"),
    ],
)
def test_the_period(cadence, local, key):
    found = period_at(cadence, at(local))
    assert (found.key if found else None) == key


def test_how_far_the_first_one_looks_back():
    assert period_at(Cadence.DAILY, at("2026-06-01T09:00")).back == timedelta(days=1)
    assert period_at(Cadence.WEEKLY, at("2026-06-01T09:00")).back == timedelta(days=7)
