"""The SQL of the outbox. Every change of a row's state is conditional on its state and on the holder's fence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.domain.ahead import over_in
from app.domain.delivery import HAS_LEFT, IN_FLIGHT, OutboundState
from app.domain.pacing import pause_end, ramp_cap
from app.domain.said import say
from app.installation import steady
from app.mail import resting
from app.models import (
    Mailbox,
    MailboxDay,
    MailboxPacing,
    Outbound,
    OutboundKind,
    RecipientDay,
    SendAttempt,
    SentCopy,
    SiteDay,
    SitePacing,
)
from app.outbox.conditions import DOMAIN_HOLDS, OUTBOUND, RESTING

_QUIET = {"synchronize_session": False}
# What waits for longer is reckoned anew after a leap of the clock; what holidays or a cap have put off so far comes out the same.
# What the gate or a server's answer has put off waits for hours.
_FAR = timedelta(days=3)
_FAR_HELD = timedelta(days=1)
# A mailbox that sends nothing may have a long queue: it is not walked at each sweep.
_LOOK_THROUGH_EVERY = timedelta(minutes=5)


# Built once: it runs for every mail that leaves.
_AWAIT_COPY: dict[str, Any] = {
    "sqlite": sqlite_insert(SentCopy).on_conflict_do_nothing(),
    "postgresql": postgresql_insert(SentCopy).on_conflict_do_nothing(),
}


def _changed(result: Any) -> int:
    return cast(CursorResult[Any], result).rowcount


def _free(now: datetime) -> ColumnElement[bool]:
    """Nobody holds the mailbox. A lease that ends a day ahead was taken by a clock that has been put right since."""
    until = col(Mailbox.lease_until)
    return or_(until.is_(None), over_in(until, now, now + steady.LEAP))


def rest_of(session: Session, mailbox_id: int) -> tuple[datetime, datetime | None] | None:
    """When the rest of a mailbox was noted to begin, and when it ended by itself (null: a person ended it); None without one."""
    since = col(Mailbox.rests_since)
    found = session.execute(
        select(since, col(Mailbox.paused_until)).where(col(Mailbox.id) == mailbox_id, since.is_not(None))
    ).first()
    return None if found is None else (found[0], found[1])


def take_lease(session: Session, mailbox_id: int, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the mailbox for `owner` and return the new fence, or None while another holds it or it may not send."""
    return session.execute(
        update(Mailbox)
        .where(
            col(Mailbox.id) == mailbox_id,
            _free(now),
            resting.may_send(now, resting.furthest(now)),
        )
        .values(
            lease_owner=owner, lease_until=until, fence=col(Mailbox.fence) + 1, paused_reason=None, paused_until=None
        )
        .returning(col(Mailbox.fence))
        .execution_options(**_QUIET)
    ).scalar_one_or_none()


def take_over(session: Session, mailbox_id: int, now: datetime) -> int | None:
    """A new fence for a mailbox that may not send and whose last holder ended with mail in his hands; None where there is none."""
    left = select(col(Outbound.id)).where(
        col(Outbound.mailbox_id) == mailbox_id,
        col(Outbound.state).in_((OutboundState.CLAIMED, OutboundState.COMMITTED)),
    )
    return session.execute(
        update(Mailbox)
        .where(col(Mailbox.id) == mailbox_id, _free(now), exists(left))
        .values(lease_owner=None, lease_until=None, fence=col(Mailbox.fence) + 1)
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


def recover(session: Session, mailbox_id: int, fence: int, reconcile_at: datetime) -> list[tuple[int, int]]:
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
            hold_reason=say("the sending process ended before the server's answer was recorded"),
        )
        .returning(col(Outbound.id), col(Outbound.attempt_no))
        .execution_options(**_QUIET)
    )
    return [(row[0], row[1]) for row in lost]


def cap_of(session: Session, mailbox: Mailbox, now: datetime, before: date | None = None) -> int:
    """The cap of a mailbox for a day that begins now: its ramp, and half of that after three faults within a day."""
    return caps_of(session, [mailbox], now, before)[mailbox.id]


def caps_of(
    session: Session, mailboxes: Sequence[Mailbox], now: datetime, before: date | None = None
) -> dict[int, int]:
    """`cap_of` for several, by the id of the mailbox: three statements."""
    ids = [one.id for one in mailboxes]
    paced = session.execute(select(MailboxPacing).where(col(MailboxPacing.mailbox_id).in_(ids))).scalars()
    ramps = {one.mailbox_id: one for one in paced if one.ramp_start is not None}
    used = days_used(session, list(ramps), before) if ramps else {}
    failed = session.execute(
        select(col(Outbound.mailbox_id), func.count())
        .join(SendAttempt, col(Outbound.id) == col(SendAttempt.outbound_id))
        .where(
            col(Outbound.mailbox_id).in_(ids),
            col(SendAttempt.outcome) == "mailbox-deferred",
            col(SendAttempt.at) > now - timedelta(hours=24),
        )
        .group_by(col(Outbound.mailbox_id))
    )
    faults = {row[0]: row[1] for row in failed}
    caps: dict[int, int] = {}
    for one in mailboxes:
        cap, ramp = one.daily_cap, ramps.get(one.id)
        if ramp is not None and ramp.ramp_start is not None:
            cap = ramp_cap(cap, ramp.ramp_start, ramp.ramp_step, used[one.id])
        caps[one.id] = cap if faults.get(one.id, 0) < 3 else max(1, cap // 2)
    return caps


def days_used(session: Session, mailbox_ids: Sequence[int], before: date | None = None) -> dict[int, int]:
    """On how many days (before `before`) each mailbox has let mail out: how far it is on its ramp."""
    statement = select(col(MailboxDay.mailbox_id), func.count()).group_by(col(MailboxDay.mailbox_id))
    if before is not None:
        statement = statement.where(col(MailboxDay.day) < before)
    counted = session.execute(statement.where(col(MailboxDay.mailbox_id).in_(mailbox_ids), col(MailboxDay.used) > 0))
    return dict.fromkeys(mailbox_ids, 0) | {row[0]: int(row[1]) for row in counted}


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
    """Change a row that we hold; False when its state or its fence is no longer ours.

    It waits no shorter than until the moment that it is meant to leave at: an absence may have moved that while we held it, and
    is then the reason; and it stays good for as long as that has made it.
    """
    if "not_before" in values and "wanted_at" not in values:
        at, meant = literal(values["not_before"], OUTBOUND.c.not_before.type), col(Outbound.wanted_at)
        values["not_before"] = case((meant > at, meant), else_=at)
        if "expires_at" in values:
            ends = literal(values["expires_at"], OUTBOUND.c.expires_at.type)
            values["expires_at"] = case((meant > at, col(Outbound.expires_at)), else_=ends)
        if "hold_reason" in values:
            why = literal(values["hold_reason"], OUTBOUND.c.hold_reason.type)
            values["hold_reason"] = case((meant > at, col(Outbound.hold_reason)), else_=why)
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


def astray(now: datetime) -> list[ColumnElement[bool]]:
    """What waits for a moment days ahead that is later than the one it was meant to leave at: after a leap, what the wrong clock has
    put off.

    An absence, or what is wrong with the mail itself, moves the moment that it is meant to leave at (`wanted_at`), too.
    """
    at = col(Outbound.not_before)
    return [
        col(Outbound.state) == OutboundState.QUEUED,
        at > now + _FAR_HELD,
        or_(at > now + _FAR, col(Outbound.hold_reason).is_not(None)),
        col(Outbound.wanted_at) < at,
    ]


def due_mailboxes(session: Session, now: datetime) -> list[int]:
    """Mailboxes with work for `outbox.deliver`: due rows that may leave, or rows that a dead holder left behind.

    Of those that rest or are switched off: where mail waits, every few minutes, for what has waited too long or was stopped; and at once
    where it begins to wait through a rest.
    Of all, for an hour after a leap of the clock: where mail waits that it may have put off by days (`plan.mend`).
    """

    def some(*where: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = select(col(Outbound.id)).where(col(Outbound.mailbox_id) == col(Mailbox.id), *where)
        return exists(mine.correlate(Mailbox))

    queued = col(Outbound.state) == OutboundState.QUEUED
    due = (queued, col(Outbound.not_before) <= now, ~DOMAIN_HOLDS, ~RESTING)
    # Kind by kind, because the index of the queue is in that order; a queue of any length costs a few looks.
    ready = or_(*(some(*due, col(Outbound.kind) == kind) for kind in OutboundKind))
    stranded = some(col(Outbound.state).in_((OutboundState.CLAIMED, OutboundState.COMMITTED)))
    lost = and_(
        steady.leapt_lately(now), or_(*(some(*astray(now), col(Outbound.kind) == kind) for kind in OutboundKind))
    )
    able = select(
        col(Mailbox.id), col(Mailbox.next_send_at), col(Mailbox.gap_max_seconds), stranded.label("stranded")
    ).where(or_(ready, stranded, lost), resting.may_send(now, resting.furthest(now)), _free(now))
    found = [
        row.id
        for row in session.execute(able)
        if row.stranded or pause_end(row.next_send_at, row.gap_max_seconds, now) is None
    ]
    away = or_(col(Mailbox.active).is_(False), resting.resting(now))
    looked = col(Mailbox.looked_through_at)
    again = or_(
        looked.is_(None),
        over_in(looked, now - _LOOK_THROUGH_EVERY, now),
        and_(col(Mailbox.active).is_(True), col(Mailbox.rests_since).is_(None)),
    )
    unable = select(col(Mailbox.id)).where(away, or_(and_(again, some(queued)), lost, and_(stranded, _free(now))))
    return sorted({*found, *session.execute(unable).scalars()})


def due_reconciliations(session: Session, now: datetime) -> list[int]:
    """Mailboxes with ambiguous rows whose next look is due, or with what stood behind such a row after a restore."""
    unsure = select(col(Outbound.mailbox_id)).where(
        col(Outbound.state) == OutboundState.AMBIGUOUS, col(Outbound.reconcile_at) <= now
    )
    behind = select(col(Outbound.mailbox_id)).where(*freed())
    return list(session.execute(unsure.union(behind)).scalars())


def freed() -> list[ColumnElement[bool]]:
    """Rows that may have left before a restore, and no longer stand behind an unsure one of their prospect."""
    other = aliased(Outbound)
    in_front = select(col(other.id)).where(
        col(other.prospect_id) == col(Outbound.prospect_id), col(other.state).in_(IN_FLIGHT)
    )
    return [col(Outbound.state) == OutboundState.QUEUED, col(Outbound.evidence).is_not(None), ~exists(in_front)]


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
                col(Outbound.state).in_(HAS_LEFT),
            )
            .order_by(col(Outbound.id))
        ).scalars()
    )
