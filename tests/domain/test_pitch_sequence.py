"""When a step is due: the properties that hold for every date."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.domain.sequence_rules import Absence, Step, due_after

ZONES = st.sampled_from([ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(1, 20), ZONES, st.lists(st.tuples(st.integers(0, 30), st.integers(-400, 400)), max_size=3))
def test_never_earlier_than_its_wait_and_always_on_a_business_day(sent_at, wait, zone, absences):
    plain = due_after(sent_at, Step("follow-up-1", wait), zone)
    said = []
    for days, away in absences:
        received = sent_at + timedelta(days=days)
        said.append(Absence(received, received.date() + timedelta(days=away) if away % 3 else None))
    moved = due_after(sent_at, Step("follow-up-1", wait), zone, absences=said)
    assert moved >= plain > sent_at
    assert plain.astimezone(zone).weekday() < 5
    assert moved.astimezone(zone).weekday() < 5
    # The longest absence that is believed, after the last answer.
    assert moved - sent_at < timedelta(days=480)


def test_a_return_in_the_past_is_not_believed():
    sent = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    absence = Absence(sent + timedelta(hours=1), date(2026, 5, 1))
    due = due_after(sent, Step("follow-up-1", 2), ZoneInfo("UTC"), absences=[absence])
    assert due.date() == date(2026, 6, 8)


def test_a_long_leave_is_believed():
    sent = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    absence = Absence(sent + timedelta(hours=1), date(2026, 9, 15))
    due = due_after(sent, Step("follow-up-1", 2), ZoneInfo("UTC"), absences=[absence])
    assert due.date() == date(2026, 9, 16)
