"""The clock of received messages: working hours of the mailbox, over nights, weekends and the change of summer time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.calendar import PLAIN_WEEK
from app.domain.inbound import Intent, Kind
from app.domain.pacing import Hours
from app.domain.triage import Promise, ReplyClass, add_working_time, due_at, suggested, wants_people

BERLIN = Hours(ZoneInfo("Europe/Berlin"), PLAIN_WEEK, time(9), time(17))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN.zone)


@pytest.mark.parametrize(
    ("came", "hours", "due"),
    [
        ("2025-06-03T10:00", 4, "2025-06-03T14:00"),
        ("2025-06-03T13:00", 4, "2025-06-03T17:00"),
        ("2025-06-03T15:30", 4, "2025-06-04T11:30"),
        ("2025-06-06T16:00", 4, "2025-06-09T12:00"),  # Friday to Monday
        ("2025-06-07T03:00", 4, "2025-06-09T13:00"),  # Saturday
        ("2025-06-06T12:00", 8, "2025-06-09T12:00"),  # one working day
        ("2025-06-06T12:00", 20, "2025-06-10T16:00"),
        ("2025-10-24T16:00", 4, "2025-10-27T12:00"),  # the clocks go back on the Sunday between
    ],
)
def test_the_clock_stands_still_outside_the_hours(came: str, hours: int, due: str) -> None:
    assert add_working_time(berlin(came), timedelta(hours=hours), BERLIN) == berlin(due)


def test_without_hours_every_hour_counts() -> None:
    start = datetime(2025, 6, 7, 3, tzinfo=UTC)
    assert add_working_time(start, timedelta(hours=30), None) == start + timedelta(hours=30)


def test_each_class_has_its_time() -> None:
    came, promise = berlin("2025-06-02T09:00"), Promise()
    hours = {
        about: (due_at(came, about, BERLIN, promise) - came) / timedelta(hours=1)
        for about in (ReplyClass.INTERESTED, ReplyClass.QUESTION, ReplyClass.WANTS_PAYMENT, ReplyClass.NOT_NOW, None)
    }
    assert list(hours.values()) == [4, 4, 8, 8, 2]


def test_every_verdict_of_the_machine_has_a_class_or_none() -> None:
    for kind in Kind:
        for intent in (None, *Intent):
            found = suggested(kind.value, intent.value if intent else None)
            assert found is None or found in set(ReplyClass)
    assert suggested("reply", "opt-out") is ReplyClass.UNSUBSCRIBE
    assert suggested("reply", "not-now") is ReplyClass.NOT_NOW
    assert suggested("reply", None) is None
    assert suggested(None, None) is None
    assert [kind for kind in Kind if not wants_people(kind.value, None)] == [Kind.AUTO_REPLY, Kind.BOUNCE]
    assert not wants_people("other", "own-copy")
