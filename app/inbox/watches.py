"""The SQL of watching: whose turn it is to look into a mailbox, and who holds the connection that waits for its mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from app.domain.ahead import SKEW, ahead_in, over, over_in
from app.domain.cadence import furthest_look
from app.models import Lease, Mailbox, MailboxWatch

_QUIET = {"synchronize_session": False}
_REGISTER = "idle:"
# Nobody sets a lease, or the rest of a waiting connection, further ahead than this.
_LEASE_MOST = timedelta(minutes=15)
_REST_MOST = timedelta(days=1) + SKEW


def _insert(session: Session) -> Any:
    return (sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert)(MailboxWatch)


def _over(column: Any, now: datetime, most: timedelta = _LEASE_MOST) -> Any:
    return or_(column.is_(None), over_in(column, now, now + most))


# --- looking --------------------------------------------------------------------------------------------------------------


def is_due(mailbox: Mailbox, now: datetime) -> bool:
    """Whether the time of its next look has come, or stands where only a clock that was ahead has put it: it was read in the future,
    or rests for longer than a mailbox does. Ten days that were an hour's error would be ten days without an answer read.
    """
    read = mailbox.polled_at
    furthest = furthest_look(now, mailbox.poll_failures)
    return over(mailbox.poll_due_at, now, furthest) or (read is not None and read > now + SKEW)


def _is_due(now: datetime) -> Any:
    """`is_due` in a statement."""
    due = col(Mailbox.poll_due_at)
    return or_(
        due.is_(None),
        over_in(due, now, furthest_look(now, 0)),
        and_(col(Mailbox.poll_failures) > 0, due > furthest_look(now, 1)),
        col(Mailbox.polled_at) > now + SKEW,
    )


def due_mailboxes(session: Session, now: datetime) -> list[int]:
    """Active mailboxes whose next look is due (`is_due`) and that nobody looks into, longest waiting first."""
    statement = (
        select(col(Mailbox.id))
        .outerjoin(MailboxWatch, col(MailboxWatch.mailbox_id) == col(Mailbox.id))
        .where(
            col(Mailbox.active).is_(True),
            _is_due(now),
            _over(col(MailboxWatch.poll_until), now),
        )
        # The two databases disagree where null stands.
        .order_by(col(Mailbox.poll_due_at).is_not(None), col(Mailbox.poll_due_at), col(Mailbox.id))
    )
    return list(session.execute(statement).scalars())


def told_mailboxes(session: Session, now: datetime) -> list[int]:
    """Those of `due_mailboxes` whose server told of mail that no look has seen, the longest waiting first."""
    due = due_mailboxes(session, now)
    if not due:
        return []
    told = (
        select(col(MailboxWatch.mailbox_id))
        .where(col(MailboxWatch.rung_at).is_not(None))
        .order_by(col(MailboxWatch.rung_at))
    )
    waiting = set(due)
    return [mailbox_id for mailbox_id in session.execute(told).scalars() if mailbox_id in waiting]


def claim_look(session: Session, mailbox_id: int, owner: str, now: datetime, until: datetime) -> bool:
    """Take the mailbox for one look; False while another look runs."""
    values = {"poll_owner": owner, "poll_since": now, "poll_until": until}
    statement = (
        _insert(session)
        .values(mailbox_id=mailbox_id, idle_failures=0, **values)
        .on_conflict_do_update(
            index_elements=["mailbox_id"],
            set_=values,
            where=_over(col(MailboxWatch.poll_until), now),
        )
        .returning(col(MailboxWatch.mailbox_id))
    )
    return session.execute(statement).first() is not None


def held(session: Session, mailbox_id: int, owner: str) -> MailboxWatch | None:
    """The row, locked, if `owner` holds the look."""
    statement = (
        select(MailboxWatch)
        .where(col(MailboxWatch.mailbox_id) == mailbox_id, col(MailboxWatch.poll_owner) == owner)
        .with_for_update()
    )
    return session.execute(statement).scalar_one_or_none()


def make_due(session: Session, mailbox_ids: Sequence[int], now: datetime) -> None:
    """The next look into these mailboxes is due now."""
    session.execute(
        update(Mailbox).where(col(Mailbox.id).in_(mailbox_ids)).values(poll_due_at=now).execution_options(**_QUIET)
    )


def by_mailbox(session: Session) -> dict[int, MailboxWatch]:
    """How each mailbox is watched; without those that nobody has looked into yet."""
    return {row.mailbox_id: row for row in session.execute(select(MailboxWatch)).scalars()}


# --- waiting connections ----------------------------------------------------------------------------------------------------


def announce(session: Session, owner: str, now: datetime, until: datetime) -> int:
    """Say that `owner` can hold connections until `until`; returns how many can, itself included."""
    name = _REGISTER + owner[-58:]
    make = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(
        make(Lease)
        .values(name=name, owner=owner, until=until, fence=1)
        .on_conflict_do_update(index_elements=["name"], set_={"until": until})
    )
    alive = select(func.count()).where(
        col(Lease.name).startswith(_REGISTER), ahead_in(col(Lease.until), now, now + _LEASE_MOST)
    )
    return int(session.execute(alive).scalar_one())


def leave(session: Session, owner: str) -> None:
    """`owner` holds no connection any more; its mailboxes are free at once."""
    release(session, owner, None)
    for row in session.execute(select(Lease).where(col(Lease.name) == _REGISTER + owner[-58:])).scalars():
        session.delete(row)


def forget_dead(session: Session, now: datetime) -> None:
    """Take away the announcements of processes that ended a day ago, and of those whose clock was ahead."""
    over = over_in(col(Lease.until), now - timedelta(days=1), now + _LEASE_MOST)
    dead = select(Lease).where(col(Lease.name).startswith(_REGISTER), over)
    for row in session.execute(dead).scalars():
        session.delete(row)


def renew(session: Session, owner: str, until: datetime) -> set[int]:
    """Keep what `owner` holds until `until`; returns the mailboxes. What was switched off is let go."""
    off = select(col(Mailbox.id)).where(col(Mailbox.active).is_(False)).scalar_subquery()
    session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.idle_owner) == owner, col(MailboxWatch.mailbox_id).in_(off))
        .values(idle_owner=None, idle_until=None, idle_since=None)
        .execution_options(**_QUIET)
    )
    kept = session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.idle_owner) == owner)
        .values(idle_until=until)
        .returning(col(MailboxWatch.mailbox_id))
        .execution_options(**_QUIET)
    )
    return set(kept.scalars())


def waitable(session: Session) -> int:
    """How many mailboxes could have a waiting connection: switched on, and read without a fault the last time."""
    ready = select(func.count()).where(*_ready())
    return int(session.execute(ready).scalar_one())


def claim_idle(session: Session, owner: str, now: datetime, until: datetime, limit: int) -> list[int]:
    """Take up to `limit` mailboxes that nobody waits for and whose rest is over; the longest without one first.

    Only those that were read without a fault: a password that the server refuses is not tried from two sides.
    """
    if limit <= 0:
        return []
    session.execute(
        _insert(session)
        .from_select(
            ["mailbox_id", "idle_failures"],
            select(col(Mailbox.id), literal(0))
            .outerjoin(MailboxWatch, col(MailboxWatch.mailbox_id) == col(Mailbox.id))
            .where(col(MailboxWatch.mailbox_id).is_(None), *_ready()),
        )
        .on_conflict_do_nothing()
    )
    free = (
        select(col(MailboxWatch.mailbox_id))
        .join(Mailbox, col(Mailbox.id) == col(MailboxWatch.mailbox_id))
        .where(
            *_ready(),
            _over(col(MailboxWatch.idle_until), now),
            _over(col(MailboxWatch.idle_retry_at), now, _REST_MOST),
        )
        .order_by(col(MailboxWatch.idle_retry_at).is_not(None), col(MailboxWatch.idle_retry_at), col(Mailbox.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=MailboxWatch)
    )
    taken = list(session.execute(free).scalars())
    session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.mailbox_id).in_(taken))
        .values(idle_owner=owner, idle_until=until, idle_since=None)
        .execution_options(**_QUIET)
    )
    return taken


def _ready() -> tuple[Any, ...]:
    return (col(Mailbox.active).is_(True), col(Mailbox.poll_failures) == 0, col(Mailbox.polled_at).is_not(None))


def release(session: Session, owner: str, mailbox_ids: Sequence[int] | None) -> None:
    """Let go of these mailboxes (None: of all), without a fault."""
    statement = update(MailboxWatch).where(col(MailboxWatch.idle_owner) == owner)
    if mailbox_ids is not None:
        statement = statement.where(col(MailboxWatch.mailbox_id).in_(mailbox_ids))
    values = {"idle_owner": None, "idle_until": None, "idle_since": None}
    session.execute(statement.values(**values).execution_options(**_QUIET))


def connected(session: Session, owner: str, mailbox_ids: Sequence[int], now: datetime) -> None:
    """These mailboxes have their waiting connection."""
    session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.idle_owner) == owner, col(MailboxWatch.mailbox_id).in_(mailbox_ids))
        .values(idle_since=now, idle_error=None, idle_retry_at=None)
        .execution_options(**_QUIET)
    )


def failures_of(session: Session, mailbox_id: int) -> tuple[int, datetime | None]:
    """How often in a row the mailbox's connection has failed, and since when it stands."""
    row = session.get(MailboxWatch, mailbox_id)
    return (0, None) if row is None else (row.idle_failures, row.idle_since)


def lost(session: Session, owner: str, mailbox_id: int, *, failures: int, retry_at: datetime, error: str) -> None:
    """The connection ended: it is tried again at `retry_at`, by whoever is first then."""
    session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.idle_owner) == owner, col(MailboxWatch.mailbox_id) == mailbox_id)
        .values(
            idle_owner=None,
            idle_until=None,
            idle_since=None,
            idle_failures=failures,
            idle_retry_at=retry_at,
            idle_error=error[:500],
        )
        .execution_options(**_QUIET)
    )


def rung(session: Session, mailbox_ids: Sequence[int], now: datetime) -> None:
    """The servers of these mailboxes told of mail: a look is due, even when one is under way."""
    make_due(session, mailbox_ids, now)
    under_way = and_(
        col(MailboxWatch.poll_owner).is_not(None), col(MailboxWatch.rung_at) < col(MailboxWatch.poll_since)
    )
    session.execute(
        update(MailboxWatch)
        .where(col(MailboxWatch.mailbox_id).in_(mailbox_ids))
        .values(
            rung_at=case((or_(col(MailboxWatch.rung_at).is_(None), under_way), now), else_=col(MailboxWatch.rung_at))
        )
        .execution_options(**_QUIET)
    )
