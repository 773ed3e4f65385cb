"""Whether this machine's clock may be believed in what cannot be taken back: mail that expires.

The heartbeat notes the time every few seconds. When two of its notes lie more than a day apart, the clock has leapt, or nobody
beat for so long. Where the process that beats began after the last note, it was a stop. A process that was started when the clock was
wrong already looks the same, so both are treated alike: for a day from then on nothing expires: a clock that is put right again has
done no harm, and after a long stop what is too old is taken out a day later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, null, select
from sqlmodel import Session, col

from app.domain.said import Day, say
from app.errors import Skip
from app.installation import identity
from app.models import Installation

LEAP = timedelta(days=1)
# The reason of `doubt` after a stop, which is no fault of the clock.
STOPPED = "long-stop"
# For so long after a leap was noted, what it may have put out of place is looked for.
_LATELY = timedelta(hours=1)


def noting(now: datetime, began: datetime | None) -> dict[str, Any]:
    """What the heartbeat of a process that `began` then writes into the row of the installation. None: it begins now, and does not
    stay, as a command that cron runs.
    """
    before = col(Installation.seen_at)
    near = and_(before >= now - LEAP, before <= now + LEAP)
    # No process lived over the time that is missing, and the time went on: that is a stop.
    start = began or now
    slept = case((before < start, before), else_=None) if start <= now else null()
    return {
        "seen_at": now,
        "leapt_at": case((near, col(Installation.leapt_at)), else_=now),
        "stopped_at": case((near, col(Installation.stopped_at)), else_=slept),
    }


def doubt(session: Session, now: datetime) -> Skip | None:
    """Why nothing expires now, with the time until when; None while the clock runs steadily."""
    row = identity.stored(session)
    if row is None:
        return None
    leapt = row.leapt_at if row.leapt_at is not None and abs(now - row.leapt_at) < LEAP else None
    if leapt is None and abs(now - row.seen_at) <= LEAP:
        return None
    until = (leapt + LEAP).isoformat() if leapt is not None else None
    if leapt is not None and row.stopped_at is not None:
        stopped = say(
            "nothing ran here from {day} on, for more than a day; until it has run for a day no waiting mail expires",
            day=Day.of(row.stopped_at),
        )
        return Skip(STOPPED, stopped, until)
    return Skip(
        "clock-leapt",
        say(
            "this machine's clock has leapt by more than a day, or nothing ran for so long (it is {day}, {time} UTC by it); "
            "until it has run steadily for a day no waiting mail expires. If the time is wrong, correct it",
            day=Day.of(now),
            time=f"{now:%H:%M}",
        ),
        until,
    )


def expired_by(session: Session, now: datetime) -> datetime | None:
    """What is too old by this moment may be taken out; None: nothing may. After a stop it is the moment of the last heartbeat before it:
    where cron alone beats, once in a week, what was too old a week ago is taken out.
    """
    found = doubt(session, now)
    if found is None:
        return now
    row = identity.stored(session)
    return row.stopped_at if row is not None and found.reason == STOPPED else None


def may_plan(session: Session, now: datetime) -> bool:
    """Whether a mail may be put off by this clock. Not before a heartbeat has noted its leap: only what is put off after that is
    looked for when the clock is right again.
    """
    found = doubt(session, now)
    return found is None or found.until is not None


def leapt_lately(now: datetime) -> ColumnElement[bool]:
    """Whether a heartbeat of the last hour has noted a leap."""
    at = col(Installation.leapt_at)
    return exists(select(col(Installation.id)).where(at > now - _LATELY, at <= now))
