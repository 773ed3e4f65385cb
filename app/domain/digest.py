"""When a digest is due, and for which period: each period is one mail, whatever happens to the machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOUR = 7
"""The local hour from which a digest may leave."""
_BACK = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}


class Cadence(StrEnum):
    """How often a person wants the digest."""

    OFF = "off"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class Kind(StrEnum):
    """The mails to staff: what changed, replies that wait, what waits too long, mailboxes that need somebody, tier-1 links lost."""

    DIGEST = "digest"
    REPLIES = "replies"
    LATE = "late"
    MAILBOXES = "mailboxes"
    LINKS = "links"


class DigestState(StrEnum):
    """`sending` may begin again, because no final dot was written; `written` and `unknown` never do."""

    READY = "ready"
    SENDING = "sending"
    WRITTEN = "written"
    SENT = "sent"
    EMPTY = "empty"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Period:
    """A day (`2026-11-28`), an ISO week (`2026-W48`) or an hour (`2026-11-28T14`, UTC), and how far back its first mail looks."""

    key: str
    back: timedelta


def _hour(local: datetime) -> str:
    # By UTC: the hour that a change of the clock repeats is two hours.
    return f"{local.astimezone(UTC):%Y-%m-%dT%H}"


def period_at(cadence: Cadence, local: datetime) -> Period | None:
    """The period whose digest is due at a local time; None before its hour, and when none is wanted.

    A day's digest is due from seven o'clock on, a week's from Monday seven o'clock on, an hour's when it has begun.
    """
    if cadence is Cadence.OFF:
        return None
    if cadence is Cadence.HOURLY:
        key, due = _hour(local), True
    elif cadence is Cadence.DAILY:
        key, due = local.date().isoformat(), local.hour >= HOUR
    else:
        year, week, day = local.isocalendar()
        key, due = f"{year}-W{week:02d}", day > 1 or local.hour >= HOUR
    return Period(key, _BACK[cadence.value]) if due else None


def notice_period(kind: Kind, local: datetime) -> Period | None:
    """The period of a notice at a local time: there is one mail for it, and none when there is nothing to tell.

    Replies are told once a day from seven o'clock on. What is late, and a tier-1 link that was lost, is told within the hour,
    and a mailbox at once; while it needs somebody, again each day from seven o'clock on.
    """
    if kind is Kind.REPLIES:
        return period_at(Cadence.DAILY, local)
    if kind in (Kind.LATE, Kind.LINKS):
        return Period(_hour(local), timedelta(hours=1))
    return Period((local - timedelta(hours=HOUR)).date().isoformat(), timedelta(days=1))
