"""The rules of pacing: windows over the nights of summer time, weekends and holidays of countries, ramps, shares, mailboxes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars import holiday_name, hours_key, hours_of, work_days
from app.domain import pacing
from app.domain.calendar import WorkDays
from app.domain.pacing import Candidate, Hours, next_slot, window_on

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = WorkDays(weekend=frozenset())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_window_keeps_the_wall_clock_over_summer_time() -> None:
    hours = hours_of(hours_key("Europe/Berlin", "DE", "09:00-17:00"))
    assert next_slot(at("2026-03-27T20:00+01:00"), hours).start == at("2026-03-30T09:00+02:00")
    assert next_slot(at("2026-10-23T17:00+02:00"), hours).start == at("2026-10-26T09:00+01:00")
    inside = at("2026-10-26T12:00+01:00")
    assert next_slot(inside, hours) == pacing.Slot(inside, at("2026-10-26T17:00+01:00"))


def test_the_hour_that_is_skipped_and_the_hour_that_comes_twice() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    # 02:30 does not exist: the window opens when the clock shows 03:30, and one that ends then ends at 01:59:59 ...
    assert window_on(spring, Hours(BERLIN, EVERY_DAY, time(2, 30), time(5))).start == at("2026-03-29T03:30+02:00")
    assert window_on(spring, Hours(BERLIN, EVERY_DAY, time(1), time(2, 30))).end == at("2026-03-29T01:30+01:00")
    # ... and one that lies wholly in the hour that is skipped is not there on that day.
    swallowed = Hours(BERLIN, EVERY_DAY, time(2, 10), time(2, 50))
    assert window_on(spring, swallowed) is None
    assert next_slot(at("2026-03-29T00:00+01:00"), swallowed).start == at("2026-03-30T02:10+02:00")
    # 02:30 is there twice: the window opens at the second and closes at the first.
    assert window_on(autumn, Hours(BERLIN, EVERY_DAY, time(2, 30), time(5))).start == at("2026-10-25T02:30+01:00")
    assert window_on(autumn, Hours(BERLIN, EVERY_DAY, time(1), time(2, 30))).end == at("2026-10-25T02:30+02:00")


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "America/Santiago"]


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
    st.integers(0, 22),
    st.integers(1, 23),
    st.sampled_from(["DE", "US", "AU", "EG", "IN", None]),
    st.floats(0, 0.999),
)
def test_no_moment_of_a_slot_is_outside_the_window(moment, zone, opens, closes, country, part) -> None:
    if opens >= closes:
        closes = opens + 1
    hours = Hours(ZoneInfo(zone), work_days(country), time(opens, 30), time(closes, 45))
    slot = next_slot(moment, hours)
    assert moment <= slot.start < slot.end
    inside = (slot.start + (slot.end - slot.start) * part).astimezone(ZoneInfo(zone))
    assert time(opens, 30) <= inside.time() < time(closes, 45)
    assert inside.date() in work_days(country)
    assert slot.start - moment < timedelta(days=21)


def test_weekends_and_holidays_are_those_of_the_country() -> None:
    friday, sunday = date(2026, 6, 5), date(2026, 6, 7)
    assert friday in work_days("DE")
    assert sunday not in work_days("DE")
    assert friday not in work_days("IL")
    assert sunday in work_days("IL")
    assert date(2026, 7, 14) not in work_days("FR")
    assert date(2026, 7, 14) in work_days("DE")
    assert date(2026, 12, 25) in work_days(None)
    assert holiday_name("DE", date(2025, 10, 3))
    assert holiday_name("DE", date(2025, 10, 6)) is None


@pytest.mark.parametrize("text", ["9-17", "09:00", "17:00-09:00", "09:00-09:00", "25:00-26:00", "09:00-24:00"])
def test_a_window_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}'"):
        pacing.parse_window(text)


def test_a_new_mailbox_grows_up_to_its_cap() -> None:
    assert [pacing.ramp_cap(50, 10, 15, day) for day in range(5)] == [10, 25, 40, 50, 50]
    assert pacing.ramp_cap(5, 10, 15, 0) == 5
    assert pacing.ramp_cap(50, None, 15, 0) == 50


def test_periods_and_capacity() -> None:
    assert pacing.period_start(date(2026, 6, 1), 1) == date(2026, 6, 1)
    starts = {pacing.period_start(date(2026, 6, 1) + timedelta(days=n), 7) for n in range(70)}
    assert len(starts) in (10, 11)
    assert pacing.capacity(50, 3600, 600) == 7
    assert pacing.capacity(3, 3600, 600) == 3
    assert pacing.capacity(50, 10, 0) == 50
    assert pacing.capacity(-1, 3600, 600) == 0


def test_follow_ups_take_the_room_and_the_oldest_the_rest() -> None:
    assert pacing.room_for_pitches(10, 4) == 6
    assert pacing.room_for_pitches(3, 9) == 0
    assert pacing.share([7, 3, 9, 1], 2) == {1, 3}
    assert pacing.share([7], 0) == set()


def test_a_pause_runs_to_its_end_whatever_the_longest_one_is_now() -> None:
    now = at("2026-06-01T09:00+00:00")
    for ahead, longest, runs in (
        (3600, 60, True),
        (2 * 86_400, 60, False),
        (2 * 86_400, 3 * 86_400, True),
        (-1, 60, False),
    ):
        end = now + timedelta(seconds=ahead)
        assert pacing.pause_end(end, longest, now) == (end if runs else None)
    assert pacing.pause_end(None, 60, now) is None


def test_the_mailbox_for_a_new_conversation() -> None:
    fresh, busy = Candidate(1, cap=50, used=20, waiting=20), Candidate(2, cap=100, used=30, waiting=5)
    german = Candidate(3, cap=10, used=8, waiting=1, language="de")
    faulty = Candidate(4, cap=500, used=0, waiting=0, faults=2)
    own = Candidate(5, cap=50, used=49, waiting=0, own_site=True)
    assert pacing.choose_mailbox([], "de") is None
    assert pacing.choose_mailbox([fresh, busy], None) == busy
    assert pacing.choose_mailbox([fresh, german], "fr") == fresh
    assert pacing.choose_mailbox([german, faulty], "de") == german
    assert pacing.choose_mailbox([busy, own], None) == own
    even = [Candidate(n, cap=10, used=0, waiting=0) for n in (9, 8)]
    assert pacing.choose_mailbox(even, None).id == 8


def test_an_estimate_counts_the_caps_of_the_days_to_come() -> None:
    hours = hours_of(hours_key("Europe/Berlin", "DE", "09:00-17:00"))
    now = at("2026-06-01T10:00+02:00")  # a Monday

    def estimate(ahead: int, left: int, next_send: datetime | None = None) -> datetime:
        return pacing.estimate(
            now,
            ahead=ahead,
            left_today=left,
            cap_on=lambda day: 10 * day,
            mean_gap=600,
            next_send_at=next_send,
            zone=BERLIN,
            slot_after=lambda moment: next_slot(moment, hours).start,
        )

    assert estimate(0, 5) == now
    assert estimate(2, 5) == now + timedelta(minutes=20)
    assert estimate(0, 5, now + timedelta(hours=1)) == now + timedelta(hours=1)
    assert estimate(0, 0) == at("2026-06-02T09:00+02:00")
    assert estimate(14, 5) == at("2026-06-02T09:00+02:00")
    assert estimate(15, 5) == at("2026-06-03T09:00+02:00")
    # 10 + 20 + 30 go until Thursday, which is no holiday; Friday takes the next.
    assert estimate(65, 5) == at("2026-06-05T09:00+02:00")
    # No time left in today's window.
    assert estimate(60, 70) == at("2026-06-02T09:00+02:00")
