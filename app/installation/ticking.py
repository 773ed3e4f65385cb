"""Who ticks the clock: a lease in the database, read by the workers that take it and by who looks after the installation."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.domain.ahead import SKEW, over, over_in
from app.models import Lease

LEASE = "clock"


def lease_term(sweep_seconds: float) -> timedelta:
    """How long a clock holds the lease: three sweeps and at least five seconds, so that a slow one loses nothing."""
    return timedelta(seconds=max(3 * sweep_seconds, 5.0))


def holder(session: Session, now: datetime, term: timedelta) -> str | None:
    """Who ticks now; None when nobody does, also where the lease was taken by a clock that was ahead."""
    lease = session.get(Lease, LEASE)
    return None if lease is None or over(lease.until, now, now + term + SKEW) else lease.owner


def take_lease(session: Session, owner: str, now: datetime, term: timedelta) -> int | None:
    """Take or renew the lease until `now + term`; the fence when `owner` holds it now, None when another does.

    Compare-and-set in one statement: of two that try at once, one wins. The fence grows with each new holder.
    """
    insert = sqlite.insert(Lease) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(Lease)
    session.execute(
        insert.values(name=LEASE, owner=owner, until=now + term, fence=1).on_conflict_do_nothing(
            index_elements=["name"]
        )
    )
    renewed = session.execute(
        update(Lease)
        .where(col(Lease.name) == LEASE, col(Lease.owner) == owner)
        .values(until=now + term)
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if renewed is not None:
        return int(renewed)
    taken = session.execute(
        update(Lease)
        .where(col(Lease.name) == LEASE, over_in(col(Lease.until), now, now + term + SKEW))
        .values(owner=owner, until=now + term, fence=col(Lease.fence) + 1)
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return None if taken is None else int(taken)


def give_back_lease(session: Session, owner: str, now: datetime) -> bool:
    """End the lease of `owner` now, so that the next clock need not wait for it; False when it was not the holder."""
    result = session.execute(
        update(Lease)
        .where(col(Lease.name) == LEASE, col(Lease.owner) == owner)
        .values(until=now - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )
    return isinstance(result, CursorResult) and result.rowcount > 0
