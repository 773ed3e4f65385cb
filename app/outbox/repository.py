"""The SQL of the outbox. Every change of a row's state is conditional on its state and on the holder's fence."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from app.domain.delivery import OutboundState
from app.domain.pacing import ramp_cap
from app.models import (
    Mailbox,
    MailboxDay,
    MailboxPacing,
    Outbound,
    OutboundAlias,
    OutboundKind,
    RecipientDay,
    SendAttempt,
    SentCopy,
    SiteDay,
    SitePacing,
)
from app.outbox.conditions import DOMAIN_HOLDS, may_send

_QUIET = {"synchronize_session": False}


# Built once: it runs for every mail that leaves.
_AWAIT_COPY: dict[str, Any] = {
    "sqlite": sqlite_insert(SentCopy).on_conflict_do_nothing(),
    "postgresql": postgresql_insert(SentCopy).on_conflict_do_nothing(),
}


def _changed(result: Any) -> int:
    return cast(CursorResult[Any], result).rowcount


def take_lease(session: Session, mailbox_id: int, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the mailbox for `owner` and return the new fence, or None while another holds it or it may not send."""
    return session.execute(
        update(Mailbox)
        .where(
            col(Mailbox.id) == mailbox_id,
            or_(col(Mailbox.lease_until).is_(None), col(Mailbox.lease_until) < now),
            may_send(now),
        )
        .values(
            lease_owner=owner, lease_until=until, fence=col(Mailbox.fence) + 1, paused_reason=None, paused_until=None
        )
        .returning(col(Mailbox.fence))
        .execution_options(**_QUIET)
    ).scalar_one_or_none()


def renew_lease(session: Session, mailbox_id: int, fence: int, until: datetime) -> bool:
    """Hold on to the mailbox; False when somebody has taken it meanwhile."""
    result = session.execute(
        update(Mailbox)
        .where(col(Mailbox.id) == mailbox_id, col(Mailbox.fence) == fence)
        .values(lease_until=until)
        .execution_options(**_QUIET)
    )
    return _changed(result) == 1


def release_lease(session: Session, mailbox_id: int, fence: int) -> None:
    """Let the mailbox go, if it is still ours."""
    session.execute(
        update(Mailbox)
        .where(col(Mailbox.id) == mailbox_id, col(Mailbox.fence) == fence)
        .values(lease_owner=None, lease_until=None)
        .execution_options(**_QUIET)
    )


def recover(
    session: Session, mailbox_id: int, fence: int, now: datetime, reconcile_at: datetime
) -> list[tuple[int, int]]:
    """After a crash: what was only claimed goes back to the queue, what was committed becomes ambiguous.

    Returns (id, attempt) of the rows that became ambiguous.
    """
    session.execute(
        update(Outbound)
        .where(
            col(Outbound.mailbox_id) == mailbox_id,
            col(Outbound.state) == OutboundState.CLAIMED,
            col(Outbound.fence) < fence,
        )
        .values(state=OutboundState.QUEUED)
        .execution_options(**_QUIET)
    )
    lost = session.execute(
        update(Outbound)
        .where(
            col(Outbound.mailbox_id) == mailbox_id,
            col(Outbound.state) == OutboundState.COMMITTED,
            col(Outbound.fence) < fence,
        )
        .values(
            state=OutboundState.AMBIGUOUS,
            reconcile_at=reconcile_at,
            hold_reason="the sending process ended before the server's answer was recorded",
        )
        .returning(col(Outbound.id), col(Outbound.attempt_no))
        .execution_options(**_QUIET)
    )
    return [(row[0], row[1]) for row in lost]


def cap_of(session: Session, mailbox: Mailbox, now: datetime, before: date | None = None) -> int:
    """The cap of a mailbox for a day that begins now: its ramp, and half of that after three faults within a day."""
    cap = mailbox.daily_cap
    ramp = session.get(MailboxPacing, mailbox.id)
    if ramp is not None and ramp.ramp_start is not None:
        cap = ramp_cap(cap, ramp.ramp_start, ramp.ramp_step, days_used(session, mailbox.id, before))
    faults = session.execute(
        select(func.count())
        .select_from(SendAttempt)
        .join(Outbound, col(Outbound.id) == col(SendAttempt.outbound_id))
        .where(
            col(Outbound.mailbox_id) == mailbox.id,
            col(SendAttempt.outcome) == "mailbox-deferred",
            col(SendAttempt.at) > now - timedelta(hours=24),
        )
    ).scalar_one()
    return cap if faults < 3 else max(1, cap // 2)


def days_used(session: Session, mailbox_id: int, before: date | None = None) -> int:
    """On how many days (before `before`) a mailbox has let mail out: how far it is on its ramp."""
    statement = select(func.count()).select_from(MailboxDay)
    if before is not None:
        statement = statement.where(col(MailboxDay.day) < before)
    counted = session.execute(statement.where(col(MailboxDay.mailbox_id) == mailbox_id, col(MailboxDay.used) > 0))
    return int(counted.scalar_one())


def ensure_day(session: Session, mailbox: Mailbox, day: date, now: datetime) -> None:
    """Make the row that counts this mailbox's mails of `day`."""
    if session.get(MailboxDay, (mailbox.id, day)) is None:
        _ensure(session, MailboxDay, mailbox_id=mailbox.id, day=day, used=0, cap=cap_of(session, mailbox, now))


def ensure_site_day(session: Session, site_id: int, day: date, cap: int | None) -> None:
    """Make the row that counts a site's mails of `day` (UTC), under the site's own cap or else `cap`."""
    own = session.get(SitePacing, site_id)
    _ensure(session, SiteDay, site_id=site_id, day=day, used=0, cap=own.daily_cap if own and own.daily_cap else cap)


def ensure_recipient_day(session: Session, recipient: str, period: date, cap: int) -> None:
    """Make the row that counts the mails to a recipient's domain in a period."""
    _ensure(session, RecipientDay, recipient=recipient, day=period, used=0, cap=cap)


def _ensure(session: Session, table: Any, **values: Any) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(insert(table).values(**values).on_conflict_do_nothing())


def settle(session: Session, row_id: int, fence: int, from_state: OutboundState, **values: Any) -> bool:
    """Change a row that we hold; False when its state or its fence is no longer ours."""
    result = session.execute(
        update(Outbound)
        .where(col(Outbound.id) == row_id, col(Outbound.state) == from_state, col(Outbound.fence) == fence)
        .values(**values)
        .execution_options(**_QUIET)
    )
    return _changed(result) == 1


def resolve(session: Session, row_id: int, from_state: OutboundState, **values: Any) -> bool:
    """Change a row by its state alone (evidence, a person's decision); False when it was changed meanwhile."""
    result = session.execute(
        update(Outbound)
        .where(col(Outbound.id) == row_id, col(Outbound.state) == from_state)
        .values(**values)
        .execution_options(**_QUIET)
    )
    return _changed(result) == 1


def set_next_send(session: Session, mailbox_id: int, at: datetime) -> None:
    """The earliest moment of the mailbox's next mail."""
    session.execute(
        update(Mailbox).where(col(Mailbox.id) == mailbox_id).values(next_send_at=at).execution_options(**_QUIET)
    )


def add_alias(session: Session, message_id: str, outbound_id: int) -> None:
    """Remember another Message-ID of a message of ours; the first owner keeps it."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(
        insert(OutboundAlias).values(message_id=message_id, outbound_id=outbound_id).on_conflict_do_nothing()
    )


def due_mailboxes(session: Session, now: datetime) -> list[int]:
    """Mailboxes with work for `outbox.deliver`: due rows that may leave, or rows that a dead holder left behind."""

    def some(*where: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = select(col(Outbound.id)).where(col(Outbound.mailbox_id) == col(Mailbox.id), *where)
        return exists(mine.correlate(Mailbox))

    due = (col(Outbound.state) == OutboundState.QUEUED, col(Outbound.not_before) <= now, ~DOMAIN_HOLDS)
    # Kind by kind, because the index of the queue is in that order; a queue of any length costs a few looks.
    ready = and_(
        or_(*(some(*due, col(Outbound.kind) == kind) for kind in OutboundKind)),
        or_(col(Mailbox.next_send_at).is_(None), col(Mailbox.next_send_at) <= now),
    )
    stranded = some(col(Outbound.state).in_((OutboundState.CLAIMED, OutboundState.COMMITTED)))
    statement = select(col(Mailbox.id)).where(
        or_(ready, stranded),
        may_send(now),
        or_(col(Mailbox.lease_until).is_(None), col(Mailbox.lease_until) < now),
    )
    return list(session.execute(statement).scalars())


def due_reconciliations(session: Session, now: datetime) -> list[int]:
    """Mailboxes with ambiguous rows whose next look is due."""
    statement = (
        select(col(Outbound.mailbox_id))
        .where(col(Outbound.state) == OutboundState.AMBIGUOUS, col(Outbound.reconcile_at) <= now)
        .distinct()
    )
    return list(session.execute(statement).scalars())


def due_copies(session: Session, now: datetime) -> list[int]:
    """Mailboxes that are switched on and have sent mail whose copy has to be looked for."""
    statement = (
        select(col(SentCopy.mailbox_id))
        .join(Mailbox, col(Mailbox.id) == col(SentCopy.mailbox_id))
        .where(col(SentCopy.due_at) <= now, col(Mailbox.active).is_(True))
        .distinct()
    )
    return list(session.execute(statement).scalars())


def await_copy(session: Session, outbound_id: int, mailbox_id: int, due_at: datetime) -> None:
    """Have the copy of a sent message looked for from `due_at` on; doing it twice keeps the first."""
    values = {"outbound_id": outbound_id, "mailbox_id": mailbox_id, "due_at": due_at, "tries": 0, "appending": False}
    session.connection().execute(_AWAIT_COPY[session.get_bind().dialect.name], values)


def thread_of(session: Session, conversation_id: int) -> list[Outbound]:
    """The messages of a conversation that have left (or may have), oldest first."""
    return list(
        session.execute(
            select(Outbound)
            .where(
                col(Outbound.conversation_id) == conversation_id,
                col(Outbound.state).in_((OutboundState.SENT, OutboundState.COMMITTED, OutboundState.AMBIGUOUS)),
            )
            .order_by(col(Outbound.id))
        ).scalars()
    )
