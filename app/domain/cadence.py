"""How often a mailbox is looked into: often while people work, less often at night and at weekends."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from app.domain.ahead import SKEW

#: The settings take no longer pause between two looks.
LONGEST_PAUSE = timedelta(days=1)
#: A mailbox that cannot be read is looked into at least so often.
LONGEST_REST = timedelta(minutes=15)
OPENS, CLOSES = time(7), time(20)
_SATURDAY = 5


def furthest_look(now: datetime, failures: int) -> datetime:
    """Up to when the next look of a mailbox may stand, after so many failures in a row: what is later, a wrong clock has set."""
    return now + (LONGEST_REST if failures else LONGEST_PAUSE) + SKEW


def pause_before_next_look(local: datetime, busy: timedelta, quiet: timedelta) -> timedelta:
    """The pause after a look that ended at `local` (in the mailbox's time zone): `busy` from Monday to Friday between
    7 and 20 o'clock, else `quiet`, but never beyond the next opening."""
    if local.weekday() < _SATURDAY and OPENS <= local.time() < CLOSES:
        return busy
    opening = local.replace(hour=OPENS.hour, minute=0, second=0, microsecond=0)
    while opening <= local or opening.weekday() >= _SATURDAY:
        opening += timedelta(days=1)
    return max(busy, min(quiet, opening - local))
