"""Business days over weekends, holidays and the two nights of summer time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import WorkDays, add_business_days, business_moment, readings

BERLIN = ZoneInfo("Europe/Berlin")
CHRISTMAS = {date(2026, 12, 25), date(2026, 12, 28)}


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        (date(2026, 5, 4), 4, date(2026, 5, 8)),  # Monday to Friday
        (date(2026, 5, 5), 4, date(2026, 5, 11)),  # over a weekend
        (date(2026, 5, 9), 1, date(2026, 5, 11)),  # from a Saturday
        (date(2026, 5, 9), 0, date(2026, 5, 11)),
        (date(2026, 5, 8), 0, date(2026, 5, 8)),
        (date(2026, 12, 22), 4, date(2026, 12, 30)),  # holidays on Friday and Monday
    ],
)
def test_adding(start, n, end):
    assert add_business_days(start, n, WorkDays(CHRISTMAS.__contains__)) == end


def test_what_cannot_be_counted():
    with pytest.raises(ValueError, match="forward"):
        add_business_days(date(2026, 5, 4), -1)
    with pytest.raises(ValueError, match="no business day"):
        add_business_days(date(2026, 5, 4), 1, WorkDays(lambda _day: True))
    with pytest.raises(ValueError, match="time zone"):
        business_moment(datetime(2026, 5, 4), 1, BERLIN)  # noqa: DTZ001


def test_the_time_of_day_is_kept_over_summer_time():
    sent = datetime(2026, 3, 25, 9, 30, tzinfo=BERLIN)
    due = business_moment(sent.astimezone(UTC), 4, BERLIN)
    assert due.astimezone(BERLIN) == datetime(2026, 3, 31, 9, 30, tzinfo=BERLIN)
    assert due - sent.astimezone(UTC) == timedelta(days=6, hours=-1)


def test_a_time_that_is_skipped_and_a_time_that_is_twice():
    cairo = ZoneInfo("Africa/Cairo")  # Summer time starts on a Friday at midnight.
    due = business_moment(datetime(2026, 4, 23, 0, 30, tzinfo=cairo), 1, cairo)
    assert due.astimezone(cairo) == datetime(2026, 4, 24, 1, 30, tzinfo=cairo)
    twice = business_moment(datetime(2026, 10, 29, 23, 30, tzinfo=cairo), 0, cairo)
    assert twice == datetime(2026, 10, 29, 23, 30, tzinfo=cairo, fold=0).astimezone(UTC)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 40), st.sets(st.dates(), max_size=20))
def test_exactly_n_business_days_lie_between(start, n, holidays):
    end = add_business_days(start, n, WorkDays(holidays.__contains__))
    days = [start + timedelta(days=i) for i in range(1, (end - start).days + 1)]
    worked = [day for day in days if day.weekday() < 5 and day not in holidays]
    assert len(worked) == n
    assert end == worked[-1]


def test_a_weekend_on_friday_and_saturday():
    days = WorkDays(weekend=frozenset({4, 5}))
    assert add_business_days(date(2026, 5, 7), 1, days) == date(2026, 5, 10)  # Thursday to Sunday


def test_the_two_readings_of_a_wall_clock_time():
    skipped = readings(date(2026, 3, 29), time(2, 30), BERLIN)
    assert skipped == (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    twice = readings(date(2026, 10, 25), time(2, 30), BERLIN)
    assert twice == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    earlier, later = readings(date(2026, 10, 26), time(2, 30), BERLIN)
    assert earlier == later
