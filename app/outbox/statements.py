"""The SQL of one turn of a mailbox, built once: it runs for every mail, and building a statement costs as much as running it.

Everything goes to tables and not through objects (docs/explanation/performance.md has the figures). Each change of a
row's state is conditional on its state and on the holder's fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlmodel import Session

from app.domain.blocking import ENDS
from app.domain.delivery import IN_FLIGHT, OutboundState
from app.models import (
    BlockingEvent,
    Conversation,
    ConversationState,
    Installation,
    Mailbox,
    MailboxDay,
    Outbound,
    OutboundKind,
    RecipientDay,
    SendAttempt,
    SendingDomain,
    SiteDay,
    Suppression,
)


def _table(model: Any) -> Table:
    return cast(Table, model.__table__)


OUTBOUND, MAILBOX, DAY = _table(Outbound), _table(Mailbox), _table(MailboxDay)
_ATTEMPT, _BLOCK, _CONVERSATION = _table(SendAttempt), _table(BlockingEvent), _table(Conversation)
_SUPPRESSION, _DOMAIN = _table(Suppression), _table(SendingDomain)
_SITE_DAY, _RECIPIENT_DAY = _table(SiteDay), _table(RecipientDay)
_INSTALLATION = _table(Installation)
_NOW: BindParameter[Any] = bindparam("b_now")
_FENCE: BindParameter[Any] = bindparam("b_fence")
_MAILBOX_ID: BindParameter[Any] = bindparam("b_mailbox")
_ROW: BindParameter[Any] = bindparam("b_row")


def run(session: Session, statement: Any, **values: Any) -> Any:
    """Run a prebuilt statement on the session's connection, past its object map."""
    return session.connection().execute(statement, values)


def may_send(now: Any) -> ColumnElement[bool]:
    """The mailbox is switched on and does not rest."""
    return and_(MAILBOX.c.active.is_(True), or_(MAILBOX.c.paused_reason.is_(None), MAILBOX.c.paused_until <= now))


def _blocked(*kinds: Any) -> ColumnElement[bool]:
    conditions = [
        _BLOCK.c.prospect_id == OUTBOUND.c.prospect_id,
        _BLOCK.c.id > OUTBOUND.c.event_floor,
        _BLOCK.c.cleared_at.is_(None),
    ]
    if kinds:
        conditions.append(_BLOCK.c.kind.in_(kinds))
    return exists(select(_BLOCK.c.id).where(*conditions))


# A person's answer may go into a closed conversation; what the machine sends may not.
_CONVERSATION_OPEN = or_(
    OUTBOUND.c.kind == OutboundKind.REPLY,
    exists(
        select(_CONVERSATION.c.id).where(
            _CONVERSATION.c.id == OUTBOUND.c.conversation_id, _CONVERSATION.c.state == ConversationState.OPEN
        )
    ),
)
# A sending domain that fails its checks begins no new conversation; those that run go on (app.deliverability).
DOMAIN_HOLDS = and_(
    OUTBOUND.c.kind == OutboundKind.PITCH,
    exists(
        select(_DOMAIN.c.id).where(
            _DOMAIN.c.hold_reason.is_not(None),
            MAILBOX.c.id == OUTBOUND.c.mailbox_id,
            MAILBOX.c.email.like(literal("%@") + _DOMAIN.c.domain),
        )
    ),
)
_WAITING = and_(OUTBOUND.c.mailbox_id == _MAILBOX_ID, OUTBOUND.c.state == OutboundState.QUEUED)

_HOLD_ON = (
    update(MAILBOX)
    .where(MAILBOX.c.id == _MAILBOX_ID, MAILBOX.c.fence == _FENCE)
    .values(lease_until=bindparam("b_until"))
    .returning(*MAILBOX.columns)
)
_LOCK = select(MAILBOX.c.id).where(MAILBOX.c.id == _MAILBOX_ID).with_for_update()
_CANCEL = tuple(
    update(OUTBOUND).where(_WAITING, condition).values(state=OutboundState.CANCELLED, hold_reason=reason)
    for condition, reason in (
        (_blocked(*sorted(ENDS)), "stopped: an answer, opt-out, bounce or link came first"),
        (~_CONVERSATION_OPEN, "stopped: the conversation was closed"),
        (OUTBOUND.c.expires_at <= _NOW, "expired: it had waited too long to be worth sending"),
    )
)
_other = OUTBOUND.alias("other")
# In the recipient's hours: the slot that the row carries is open. An answer that a person writes has no hours.
_IN_SLOT = and_(OUTBOUND.c.not_before <= _NOW, or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > _NOW))
_UTC_DAY: BindParameter[Any] = bindparam("b_utc_day")
_PERIOD: BindParameter[Any] = bindparam("b_period")
_CAPPED = or_(
    exists(
        select(_SITE_DAY.c.site_id).where(
            _SITE_DAY.c.site_id == OUTBOUND.c.site_id,
            _SITE_DAY.c.day == _UTC_DAY,
            _SITE_DAY.c.used >= _SITE_DAY.c.cap,
        )
    ),
    exists(
        select(_RECIPIENT_DAY.c.recipient).where(
            _RECIPIENT_DAY.c.recipient == OUTBOUND.c.recipient,
            _RECIPIENT_DAY.c.day == _PERIOD,
            _RECIPIENT_DAY.c.used >= _RECIPIENT_DAY.c.cap,
        )
    ),
)
_MAY_LEAVE = and_(
    OUTBOUND.c.expires_at > _NOW,
    _CONVERSATION_OPEN,
    ~DOMAIN_HOLDS,
    ~_blocked(),
    ~exists(select(_other.c.id).where(_other.c.prospect_id == OUTBOUND.c.prospect_id, _other.c.state.in_(IN_FLIGHT))),
)


def _lane(kind: OutboundKind, *more: Any, by_age: bool = False) -> Any:
    # The index of the queue holds one kind after the other in the order of their slots. When not everything can leave today,
    # today's share is small, and is taken in the order of approval.
    order = (OUTBOUND.c.id,) if by_age else (OUTBOUND.c.not_before, OUTBOUND.c.id)
    return (
        select(OUTBOUND.c.id)
        .where(_WAITING, OUTBOUND.c.kind == kind, _IN_SLOT, _MAY_LEAVE, *more)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True, of=OUTBOUND)
        .scalar_subquery()
    )


def _claim_from(*lanes: Any) -> Any:
    return (
        update(OUTBOUND)
        .where(OUTBOUND.c.id == func.coalesce(*lanes), OUTBOUND.c.state == OutboundState.QUEUED)
        .values(state=OutboundState.CLAIMED, fence=_FENCE, hold_reason=None)
        .returning(*OUTBOUND.columns)
    )


# What a person wrote first, then follow-ups, then new pitches.
_CLAIM = _claim_from(
    _lane(OutboundKind.REPLY), _lane(OutboundKind.FOLLOW_UP, ~_CAPPED), _lane(OutboundKind.PITCH, ~_CAPPED)
)
_CLAIM_SHARE = _claim_from(
    _lane(OutboundKind.REPLY),
    _lane(OutboundKind.FOLLOW_UP, ~_CAPPED, OUTBOUND.c.id <= bindparam("b_follow_ups"), by_age=True),
    _lane(OutboundKind.PITCH, ~_CAPPED, OUTBOUND.c.id <= bindparam("b_pitches"), by_age=True),
)
_TODAY = (
    select(OUTBOUND.c.id)
    .where(
        _WAITING,
        OUTBOUND.c.kind == bindparam("b_kind", type_=OUTBOUND.c.kind.type),
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
        or_(OUTBOUND.c.closes_at.is_(None), OUTBOUND.c.closes_at > _NOW),
        _MAY_LEAVE,
    )
    .limit(bindparam("b_most"))
)
# The oldest by the columns of the index alone, and then those of them that may leave: a long queue is not read row by row.
_OLD = (
    select(OUTBOUND.c.id)
    .where(
        _WAITING,
        OUTBOUND.c.kind == bindparam("b_kind", type_=OUTBOUND.c.kind.type),
        OUTBOUND.c.not_before < bindparam("b_end", type_=OUTBOUND.c.not_before.type),
    )
    .order_by(OUTBOUND.c.id)
    .limit(bindparam("b_look"))
)
_OLDEST = (
    select(OUTBOUND.c.id).where(OUTBOUND.c.id.in_(_OLD), _MAY_LEAVE).order_by(OUTBOUND.c.id).limit(bindparam("b_most"))
)
_FRONT = (
    select(OUTBOUND.c.site_id, OUTBOUND.c.recipient)
    .where(_WAITING, OUTBOUND.c.kind.in_((OutboundKind.FOLLOW_UP, OutboundKind.PITCH)), OUTBOUND.c.not_before <= _NOW)
    .limit(200)
    .subquery()
)
_CAPPED_IN_FRONT = (
    select(_SITE_DAY.c.site_id, _RECIPIENT_DAY.c.recipient)
    .select_from(
        _FRONT.outerjoin(
            _SITE_DAY,
            and_(
                _SITE_DAY.c.site_id == _FRONT.c.site_id,
                _SITE_DAY.c.day == _UTC_DAY,
                _SITE_DAY.c.used >= _SITE_DAY.c.cap,
            ),
        ).outerjoin(
            _RECIPIENT_DAY,
            and_(
                _RECIPIENT_DAY.c.recipient == _FRONT.c.recipient,
                _RECIPIENT_DAY.c.day == _PERIOD,
                _RECIPIENT_DAY.c.used >= _RECIPIENT_DAY.c.cap,
            ),
        )
    )
    .where(or_(_SITE_DAY.c.site_id.is_not(None), _RECIPIENT_DAY.c.recipient.is_not(None)))
    .distinct()
)
_AHEAD = select(func.count()).select_from(
    select(OUTBOUND.c.id)
    .where(
        _WAITING,
        OUTBOUND.c.kind == bindparam("b_kind", type_=OUTBOUND.c.kind.type),
        OUTBOUND.c.id < _ROW,
    )
    .subquery()
)
_SPELLINGS = ("b_written", "b_normal")
# Held together by all senders until they commit; whoever stores a suppression waits for it (app.prospects.suppression).
_AMONG_SENDERS = text("SELECT pg_advisory_xact_lock_shared(:b_key)")
_COMMIT = (
    update(OUTBOUND)
    .where(
        OUTBOUND.c.id == _ROW,
        OUTBOUND.c.state == OutboundState.CLAIMED,
        OUTBOUND.c.fence == _FENCE,
        _IN_SLOT,
        exists(
            select(MAILBOX.c.id).where(
                MAILBOX.c.id == _MAILBOX_ID,
                MAILBOX.c.fence == _FENCE,
                MAILBOX.c.lease_until > _NOW,
                may_send(_NOW),
            )
        ),
        ~exists(select(_SUPPRESSION.c.id).where(_SUPPRESSION.c.key.in_(bindparam("b_keys", expanding=True)))),
        ~exists(
            select(_SUPPRESSION.c.id).where(
                _SUPPRESSION.c.pattern.is_not(None),
                or_(_SUPPRESSION.c.site_id.is_(None), _SUPPRESSION.c.site_id == OUTBOUND.c.site_id),
                or_(*(bindparam(name, type_=String()).like(_SUPPRESSION.c.pattern, escape="!") for name in _SPELLINGS)),
            )
        ),
        # Restored data, another's data, or data that was turned back while this process ran (app.installation.hold).
        ~exists(
            select(_INSTALLATION.c.id).where(
                or_(
                    _INSTALLATION.c.held_at.is_not(None),
                    _INSTALLATION.c.identity != bindparam("b_identity", type_=String()),
                    _INSTALLATION.c.ticks < bindparam("b_ticks", type_=BigInteger()),
                )
            )
        ),
        ~_blocked(),
        _CONVERSATION_OPEN,
        ~DOMAIN_HOLDS,
    )
    .values(
        state=OutboundState.COMMITTED,
        committed_at=_NOW,
        cap_day=bindparam("b_day"),
        gate_seen_event_id=bindparam("b_gate"),
    )
)


def _counting(table: Table, *same: ColumnElement[bool]) -> tuple[Any, Any]:
    """The statements that take one mail from a counter, only if its cap allows, and that give one back."""
    within = or_(table.c.cap.is_(None), table.c.used < table.c.cap)
    spend = update(table).where(*same, within).values(used=table.c.used + 1)
    return spend, update(table).where(*same, table.c.used > 0).values(used=table.c.used - 1)


_SPEND, _REFUND = _counting(DAY, DAY.c.mailbox_id == _MAILBOX_ID, DAY.c.day == bindparam("b_day"))
_SPEND_SITE, _REFUND_SITE = _counting(
    _SITE_DAY, _SITE_DAY.c.site_id == bindparam("b_site"), _SITE_DAY.c.day == _UTC_DAY
)
_SPEND_RECIPIENT, _REFUND_RECIPIENT = _counting(
    _RECIPIENT_DAY, _RECIPIENT_DAY.c.recipient == bindparam("b_recipient"), _RECIPIENT_DAY.c.day == _PERIOD
)
_DAY = select(DAY.c.used, DAY.c.cap).where(DAY.c.mailbox_id == _MAILBOX_ID, DAY.c.day == bindparam("b_day"))
_SENT = (
    update(OUTBOUND)
    .where(OUTBOUND.c.id == _ROW, OUTBOUND.c.state == OutboundState.COMMITTED, OUTBOUND.c.fence == _FENCE)
    .values(state=OutboundState.SENT, sent_at=_NOW, reply_code=bindparam("b_code"), reply_text=bindparam("b_text"))
)
_TOUCH = update(_CONVERSATION).where(_CONVERSATION.c.id == bindparam("b_conversation")).values(last_message_at=_NOW)
_HEALTHY = update(MAILBOX).where(MAILBOX.c.id == _MAILBOX_ID, MAILBOX.c.failures > 0).values(failures=0)
_LOG = insert(_ATTEMPT)


def hold_on(session: Session, mailbox_id: int, fence: int, until: datetime) -> Mailbox | None:
    """Renew the lease; a copy of the mailbox as it stands now, or None when somebody has taken it."""
    row = run(session, _HOLD_ON, b_mailbox=mailbox_id, b_fence=fence, b_until=until).mappings().first()
    return None if row is None else Mailbox(**row)


def lock_mailbox(session: Session, mailbox_id: int) -> None:
    """Lock the mailbox's row until the transaction ends, whoever holds its lease."""
    run(session, _LOCK, b_mailbox=mailbox_id)


def cancel_stopped(session: Session, mailbox_id: int, now: datetime) -> int:
    """Cancel what may not leave any more: blocked for good, its conversation closed, or expired. Returns how many."""
    expired: int = run(session, _CANCEL[2], b_mailbox=mailbox_id, b_now=now).rowcount
    return expired + sum(int(run(session, statement, b_mailbox=mailbox_id).rowcount) for statement in _CANCEL[:2])


def claim(
    session: Session,
    mailbox_id: int,
    fence: int,
    now: datetime,
    *,
    period: date,
    up_to: tuple[int, int] | None = None,
) -> Outbound | None:
    """Claim the next due row, QUEUED -> CLAIMED under our fence; None when nothing is due.

    `period` is the first day of the present period of recipients' caps; `up_to` the ids of the youngest follow-up and pitch
    that may leave today when not all may. The object is a copy outside of any session: what is known of it changes only
    through the statements here.
    """
    values: dict[str, Any] = {"b_mailbox": mailbox_id, "b_fence": fence, "b_now": now, "b_period": period}
    values["b_utc_day"] = now.astimezone(UTC).date()
    statement = _CLAIM
    if up_to is not None:
        statement = _CLAIM_SHARE
        values["b_follow_ups"], values["b_pitches"] = up_to
    row = run(session, statement, **values).mappings().first()
    return None if row is None else Outbound(**row)


def among_senders(session: Session, key: int) -> None:
    """Let no new suppression commit until this transaction has (PostgreSQL; on SQLite the writer is alone)."""
    if session.get_bind().dialect.name == "postgresql":
        run(session, _AMONG_SENDERS, b_key=key)


def waiting_today(
    session: Session, mailbox_id: int, kind: OutboundKind, now: datetime, end: datetime, most: int
) -> int:
    """How many mails of `kind` may leave between `now` and `end`, counted up to `most`."""
    values = {"b_mailbox": mailbox_id, "b_kind": kind, "b_now": now, "b_end": end, "b_most": most}
    return len(run(session, _TODAY, **values).all())


def nth_oldest(session: Session, mailbox_id: int, kind: OutboundKind, now: datetime, end: datetime, n: int) -> int:
    """The id of the n-th oldest mail (from 1) that may leave before `end`, among the few hundred oldest."""
    values = {"b_mailbox": mailbox_id, "b_kind": kind, "b_now": now, "b_end": end, "b_most": n, "b_look": 4 * n + 200}
    found = run(session, _OLDEST, **values).scalars().all()
    return int(found[-1]) if found else 0


def capped_in_front(
    session: Session, mailbox_id: int, now: datetime, period: date
) -> list[tuple[int | None, str | None]]:
    """Sites and recipients whose cap is reached, of the mails that stand first in the queue."""
    values = {"b_mailbox": mailbox_id, "b_now": now, "b_utc_day": now.astimezone(UTC).date(), "b_period": period}
    return [(row[0], row[1]) for row in run(session, _CAPPED_IN_FRONT, **values)]


def older_than(session: Session, row: Outbound) -> int:
    """How many waiting mails of the same mailbox and kind were approved before `row`."""
    return int(run(session, _AHEAD, b_mailbox=row.mailbox_id, b_kind=row.kind, b_row=row.id).scalar_one())


def commit_point(
    session: Session,
    row: Outbound,
    fence: int,
    now: datetime,
    *,
    day: date,
    keys: Sequence[str],
    spellings: Sequence[str],
    installation: tuple[str, int],
    gate: int | None,
) -> bool:
    """The point of no return for `row`: CLAIMED -> COMMITTED if nothing at all speaks against it. False: abort.

    The caller holds the lock on the prospect's row, so a reply that is being stored is either seen here, or waits
    until this has been decided. `keys` and `spellings` of the recipient are those of `app.prospects.suppression`.
    """
    values: dict[str, Any] = {"b_row": row.id, "b_mailbox": row.mailbox_id, "b_fence": fence, "b_now": now}
    said = dict(zip(_SPELLINGS, spellings, strict=True))
    values |= {"b_identity": installation[0], "b_ticks": installation[1]}
    result = run(session, _COMMIT, **values, **said, b_day=day, b_keys=list(keys), b_gate=gate)
    return bool(result.rowcount == 1)


def spend(session: Session, mailbox_id: int, day: date) -> bool:
    """Take one of the day's mails; False when the cap is reached."""
    return bool(run(session, _SPEND, b_mailbox=mailbox_id, b_day=day).rowcount == 1)


def refund(session: Session, mailbox_id: int, day: date) -> None:
    """Give one of the day's mails back: the server refused it for certain."""
    run(session, _REFUND, b_mailbox=mailbox_id, b_day=day)


def spend_site(session: Session, site_id: int, day: date) -> bool:
    """Take one of the site's mails of `day` (UTC); False when its cap is reached, or nothing has counted yet."""
    return bool(run(session, _SPEND_SITE, b_site=site_id, b_utc_day=day).rowcount == 1)


def spend_recipient(session: Session, recipient: str, period: date) -> bool:
    """Take one of the mails that a recipient's domain may have in a period; False as above."""
    return bool(run(session, _SPEND_RECIPIENT, b_recipient=recipient, b_period=period).rowcount == 1)


def refund_others(session: Session, row: Outbound, day: date, period: date) -> None:
    """Give the site and the recipient back what `row` has taken."""
    run(session, _REFUND_SITE, b_site=row.site_id, b_utc_day=day)
    if row.recipient is not None:
        run(session, _REFUND_RECIPIENT, b_recipient=row.recipient, b_period=period)


def counter(session: Session, mailbox_id: int, day: date) -> tuple[int, int] | None:
    """(used, cap) of the day, or None before its first mail."""
    row = run(session, _DAY, b_mailbox=mailbox_id, b_day=day).first()
    return None if row is None else (row[0], row[1])


def sent(session: Session, row_id: int, fence: int, now: datetime, code: int | None, text: str | None) -> bool:
    """COMMITTED -> SENT under our fence; False when the row is no longer ours."""
    values = {"b_row": row_id, "b_fence": fence, "b_now": now, "b_code": code, "b_text": text}
    return bool(run(session, _SENT, **values).rowcount == 1)


def touch(session: Session, conversation_id: int, mailbox_id: int, now: datetime) -> None:
    """A message has left: the conversation's last moment, and a mailbox that works."""
    run(session, _TOUCH, b_conversation=conversation_id, b_now=now)
    run(session, _HEALTHY, b_mailbox=mailbox_id)


def log_attempt(session: Session, **values: Any) -> int:
    """Append a line to the log of attempts; its id."""
    inserted = session.connection().execute(_LOG, values).inserted_primary_key
    return int(inserted[0]) if inserted else 0
