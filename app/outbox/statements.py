"""The SQL of one turn of a mailbox, built once: it runs for every mail, and building a statement costs as much as running it.

Everything goes to tables and not through objects (docs/explanation/performance.md has the figures). Each change of a
row's state is conditional on its state and on the holder's fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    exists,
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
    Mailbox,
    MailboxDay,
    Outbound,
    OutboundKind,
    SendAttempt,
    SendingDomain,
    Suppression,
)


def _table(model: Any) -> Table:
    return cast(Table, model.__table__)


OUTBOUND, MAILBOX, DAY = _table(Outbound), _table(Mailbox), _table(MailboxDay)
_ATTEMPT, _BLOCK, _CONVERSATION = _table(SendAttempt), _table(BlockingEvent), _table(Conversation)
_SUPPRESSION, _DOMAIN = _table(Suppression), _table(SendingDomain)
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
_NEXT_DUE = (
    select(OUTBOUND.c.id)
    .where(
        _WAITING,
        OUTBOUND.c.not_before <= _NOW,
        OUTBOUND.c.expires_at > _NOW,
        _CONVERSATION_OPEN,
        ~DOMAIN_HOLDS,
        ~_blocked(),
        ~exists(
            select(_other.c.id).where(_other.c.prospect_id == OUTBOUND.c.prospect_id, _other.c.state.in_(IN_FLIGHT))
        ),
    )
    .order_by(OUTBOUND.c.not_before, OUTBOUND.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=OUTBOUND)
)
_CLAIM = (
    update(OUTBOUND)
    .where(OUTBOUND.c.id == _NEXT_DUE.scalar_subquery(), OUTBOUND.c.state == OutboundState.QUEUED)
    .values(state=OutboundState.CLAIMED, fence=_FENCE, hold_reason=None)
    .returning(*OUTBOUND.columns)
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
_SPEND = (
    update(DAY)
    .where(DAY.c.mailbox_id == _MAILBOX_ID, DAY.c.day == bindparam("b_day"), DAY.c.used < DAY.c.cap)
    .values(used=DAY.c.used + 1)
)
_REFUND = (
    update(DAY)
    .where(DAY.c.mailbox_id == _MAILBOX_ID, DAY.c.day == bindparam("b_day"), DAY.c.used > 0)
    .values(used=DAY.c.used - 1)
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


def claim(session: Session, mailbox_id: int, fence: int, now: datetime) -> Outbound | None:
    """Claim the next due row, QUEUED -> CLAIMED under our fence; None when nothing is due.

    The object is a copy outside of any session: what is known of it changes only through the statements here.
    """
    row = run(session, _CLAIM, b_mailbox=mailbox_id, b_fence=fence, b_now=now).mappings().first()
    return None if row is None else Outbound(**row)


def among_senders(session: Session, key: int) -> None:
    """Let no new suppression commit until this transaction has (PostgreSQL; on SQLite the writer is alone)."""
    if session.get_bind().dialect.name == "postgresql":
        run(session, _AMONG_SENDERS, b_key=key)


def commit_point(
    session: Session,
    row: Outbound,
    fence: int,
    now: datetime,
    *,
    day: date,
    keys: Sequence[str],
    spellings: Sequence[str],
    gate: int | None,
) -> bool:
    """The point of no return for `row`: CLAIMED -> COMMITTED if nothing at all speaks against it. False: abort.

    The caller holds the lock on the prospect's row, so a reply that is being stored is either seen here, or waits
    until this has been decided. `keys` and `spellings` of the recipient are those of `app.prospects.suppression`.
    """
    values = {"b_row": row.id, "b_mailbox": row.mailbox_id, "b_fence": fence, "b_now": now}
    said = dict(zip(_SPELLINGS, spellings, strict=True))
    result = run(session, _COMMIT, **values, **said, b_day=day, b_keys=list(keys), b_gate=gate)
    return bool(result.rowcount == 1)


def spend(session: Session, mailbox_id: int, day: date) -> bool:
    """Take one of the day's mails; False when the cap is reached."""
    return bool(run(session, _SPEND, b_mailbox=mailbox_id, b_day=day).rowcount == 1)


def refund(session: Session, mailbox_id: int, day: date) -> None:
    """Give one of the day's mails back: the server refused it for certain."""
    run(session, _REFUND, b_mailbox=mailbox_id, b_day=day)


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


def log_attempt(session: Session, **values: Any) -> None:
    """Append a line to the log of attempts."""
    session.connection().execute(_LOG, values)
