"""When a mail may leave and from which mailbox: hours of the recipient, caps, ramp, gaps, and whose turn it is. Pure.

The sender (app/outbox) and the simulation (tests/domain/test_pacing_simulation.py) run these same functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from app.domain.ahead import over
from app.domain.calendar import WorkDays, readings

# The window that is never closed: no hours, no weekend, no holidays.
ALWAYS = "always"
# A window on a day of the change of summer time may vanish; more than this many working days in a row cannot be closed.
_MOST_DAYS_WITHOUT_A_WINDOW = 10
# The API takes no longer pause between two mails.
_PAUSED_AT_MOST = timedelta(days=1)
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Hours:
    """The working hours of a recipient: from `opens` up to, not including, `closes`, by the wall clock of `zone`, on `days`."""

    zone: tzinfo
    days: WorkDays
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Slot:
    """A span in which a mail may leave: `start` <= moment < `end`, both UTC."""

    start: datetime
    end: datetime


def parse_window(text: str) -> tuple[time, time]:
    """The two ends of "09:00-17:00". Raises ValueError that names what is wrong; a window lies within one day."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is no window; write it as 09:00-17:00, in the recipient's time")
    opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if opens >= closes:
        raise ValueError(f"'{text}' ends before it begins; a window lies within one day")
    return opens, closes


def window_on(day: date, hours: Hours) -> Slot | None:
    """The window of `day` in the recipient's time, None on a closed day, or when the change of summer time swallows it.

    Of a wall-clock time that is skipped or exists twice, the opening takes the later reading and the closing the earlier
    one, so that no moment of the slot lies outside the window by the wall clock.
    """
    if day not in hours.days:
        return None
    start, end = readings(day, hours.opens, hours.zone)[1], readings(day, hours.closes, hours.zone)[0]
    return Slot(start, end) if start < end else None


def next_slot(moment: datetime, hours: Hours) -> Slot:
    """The first span from `moment` (aware) on in which a mail may leave; it starts at `moment` when the window is open.

    Raises ValueError when the recipient's calendar has no open day within two months.
    """
    day = moment.astimezone(hours.zone).date()
    for _ in range(_MOST_DAYS_WITHOUT_A_WINDOW):
        day = hours.days.from_day(day)
        slot = window_on(day, hours)
        if slot is not None and moment < slot.end:
            return Slot(max(moment.astimezone(UTC), slot.start), slot.end)
        day += timedelta(days=1)
    raise ValueError(f"no window opens in the days from {moment.isoformat()}")


def ramp_cap(cap: int, start: int | None, step: int, days_used: int) -> int:
    """The cap of a mailbox on a day: `start` on its first day of sending, `step` more after each day on which it sent.

    Days on which nothing left do not count, so a mailbox that rested does not jump. `start` None: no ramp.
    """
    return cap if start is None else min(cap, start + step * days_used)


def gap_seconds(shortest: int, longest: int, chance: float) -> float:
    """The pause after a mail; `chance` in 0..1 is the caller's."""
    return shortest + chance * (longest - shortest)


def pause_end(next_send_at: datetime | None, longest: int, now: datetime) -> datetime | None:
    """When the pause after the last mail ends; None when it is over.

    One that lies more than a day ahead, and further than the longest pause (seconds), was reckoned by a clock that has been put right
    since: it is none. A pause that runs is not cut short by a shorter longest one.
    """
    furthest = now + max(_PAUSED_AT_MOST, timedelta(seconds=longest))
    return None if over(next_send_at, now, furthest) else next_send_at


def period_start(day: date, days: int) -> date:
    """The first day of the counting period of `days` days in which `day` lies; periods are counted from 0001-01-01."""
    return date.fromordinal(day.toordinal() - day.toordinal() % days)


def capacity(left_of_cap: int, seconds_left: float, mean_gap: float) -> int:
    """How many mails can still leave today: what the cap leaves, and no more than the pauses leave time for."""
    by_time = left_of_cap if mean_gap <= 0 else int(seconds_left // mean_gap) + 1
    return max(0, min(left_of_cap, by_time))


def room_for_pitches(today: int, follow_ups: int) -> int:
    """How many new pitches may leave of `today` mails when `follow_ups` follow-ups are due today: those go first."""
    return max(0, today - follow_ups)


def share(waiting: Iterable[int], room: int) -> set[int]:
    """The waiting mails (ids, in the order of approval) that are among today's `room`: the oldest.

    Without it, recipients whose day begins earlier would take the whole cap, day after day.
    """
    return set(sorted(waiting)[: max(0, room)])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mailbox that could take a new conversation, with what is known of its day. `faults`: failures in a row."""

    id: int
    cap: int
    used: int
    waiting: int
    language: str | None = None
    own_site: bool = False
    faults: int = 0


def choose_mailbox(candidates: Sequence[Candidate], language: str | None) -> Candidate | None:
    """The mailbox for a new conversation; None without candidates.

    In this order: fewest failures in a row; writes the recipient's language; belongs to this site rather than to all; the largest
    part of today's cap still free, with what waits counted as sent; the lower id.
    """
    return min(candidates, key=lambda one: _preference(one, language), default=None)


def _preference(one: Candidate, language: str | None) -> tuple[int, bool, bool, float, int]:
    foreign = bool(one.language and language and one.language != language)
    taken = (one.used + one.waiting) / max(1, one.cap)
    return one.faults, foreign, not one.own_site, taken, one.id


def estimate(
    now: datetime,
    *,
    ahead: int,
    left_today: int,
    cap_on: Callable[[int], int],
    mean_gap: float,
    next_send_at: datetime | None,
    zone: tzinfo,
    slot_after: Callable[[datetime], datetime],
) -> datetime:
    """When a mail leaves if nothing changes: `ahead` mails of its mailbox go before it, in the order of the queue.

    `left_today` mails are left of the mailbox's cap, `cap_on(n)` is the cap n days from now (n >= 1); `slot_after` gives the next
    open moment of the recipient. The answer is an estimate: each mail before it may wait for its own recipient's hours.
    """
    start = max(now, next_send_at) if next_send_at is not None else now
    today = start.astimezone(zone).date()
    if ahead < left_today:
        moment = slot_after(start + timedelta(seconds=ahead * mean_gap))
        if moment.astimezone(zone).date() == today:
            return moment
    else:
        moment = start
    left, day = ahead - left_today, 0
    while left >= 0:
        day += 1
        left -= max(1, cap_on(day))
    midnight = datetime.combine(today + timedelta(days=day), time(), tzinfo=zone).astimezone(UTC)
    return slot_after(max(midnight, moment))
