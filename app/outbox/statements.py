"""The SQL of a mail that leaves: the lease, the commit point, the counters, and the record of what came of it.

Everything goes to tables and not through objects (docs/explanation/performance.md has the figures). Each change of a
row's state is conditional on its state and on the holder's fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, Table, bindparam, exists, insert, or_, select, text, update
from sqlmodel import Session

from app.domain.delivery import OutboundState
from app.mail import resting
from app.models import Mailbox, Outbound
from app.outbox.conditions import (
    ATTEMPT,
    CONVERSATION,
    CONVERSATION_OPEN,
    DAY,
    DOMAIN_HOLDS,
    FENCE,
    IN_SLOT,
    INSTALLATION,
    MAILBOX,
    MAILBOX_ID,
    NOW,
    OUTBOUND,
    PERIOD,
    RECIPIENT_DAY,
    REST_MOST,
    RESTING,
    ROW,
    SITE_DAY,
    SPELLINGS,
    SUPPRESSED,
    UTC_DAY,
    blocked,
    run,
)

_HOLD_ON = (
    update(MAILBOX)
    .where(MAILBOX.c.id == MAILBOX_ID, MAILBOX.c.fence == FENCE)
    .values(lease_until=bindparam("b_until"))
    .returning(*MAILBOX.columns)
)
_LOCK = select(MAILBOX.c.id).where(MAILBOX.c.id == MAILBOX_ID).with_for_update()
# Held together by all senders until they commit; whoever stores a suppression waits for it (app.prospects.suppression).
_AMONG_SENDERS = text("SELECT pg_advisory_xact_lock_shared(:b_key)")
_COMMIT = (
    update(OUTBOUND)
    .where(
        OUTBOUND.c.id == ROW,
        OUTBOUND.c.state == OutboundState.CLAIMED,
        OUTBOUND.c.fence == FENCE,
        IN_SLOT,
        exists(
            select(MAILBOX.c.id).where(
                MAILBOX.c.id == MAILBOX_ID,
                MAILBOX.c.fence == FENCE,
                MAILBOX.c.lease_until > NOW,
                resting.may_send(NOW, REST_MOST),
            )
        ),
        ~SUPPRESSED,
        # Restored data, another's data, or data that was turned back while this process ran (app.installation.hold).
        ~exists(
            select(INSTALLATION.c.id).where(
                or_(
                    INSTALLATION.c.held_at.is_not(None),
                    INSTALLATION.c.identity != bindparam("b_identity", type_=String()),
                    INSTALLATION.c.ticks < bindparam("b_ticks", type_=BigInteger()),
                )
            )
        ),
        ~blocked(),
        CONVERSATION_OPEN,
        ~DOMAIN_HOLDS,
        ~RESTING,
    )
    .values(
        state=OutboundState.COMMITTED,
        committed_at=NOW,
        cap_day=bindparam("b_day"),
        gate_seen_event_id=bindparam("b_gate"),
    )
)


def _counting(table: Table, *same: ColumnElement[bool]) -> tuple[Any, Any]:
    """The statements that take one mail from a counter, only if its cap allows, and that give one back."""
    within = or_(table.c.cap.is_(None), table.c.used < table.c.cap)
    spend = update(table).where(*same, within).values(used=table.c.used + 1)
    return spend, update(table).where(*same, table.c.used > 0).values(used=table.c.used - 1)


_SPEND, _REFUND = _counting(DAY, DAY.c.mailbox_id == MAILBOX_ID, DAY.c.day == bindparam("b_day"))
_SPEND_SITE, _REFUND_SITE = _counting(SITE_DAY, SITE_DAY.c.site_id == bindparam("b_site"), SITE_DAY.c.day == UTC_DAY)
_SPEND_RECIPIENT, _REFUND_RECIPIENT = _counting(
    RECIPIENT_DAY, RECIPIENT_DAY.c.recipient == bindparam("b_recipient"), RECIPIENT_DAY.c.day == PERIOD
)
_DAY = select(DAY.c.used, DAY.c.cap).where(DAY.c.mailbox_id == MAILBOX_ID, DAY.c.day == bindparam("b_day"))
_SENT = (
    update(OUTBOUND)
    .where(OUTBOUND.c.id == ROW, OUTBOUND.c.state == OutboundState.COMMITTED, OUTBOUND.c.fence == FENCE)
    .values(state=OutboundState.SENT, sent_at=NOW, reply_code=bindparam("b_code"), reply_text=bindparam("b_text"))
)
_TOUCH = update(CONVERSATION).where(CONVERSATION.c.id == bindparam("b_conversation")).values(last_message_at=NOW)
_HEALTHY = update(MAILBOX).where(MAILBOX.c.id == MAILBOX_ID, MAILBOX.c.failures > 0).values(failures=0)
_LOG = insert(ATTEMPT)


def hold_on(session: Session, mailbox_id: int, fence: int, until: datetime) -> Mailbox | None:
    """Renew the lease; a copy of the mailbox as it stands now, or None when somebody has taken it."""
    row = run(session, _HOLD_ON, b_mailbox=mailbox_id, b_fence=fence, b_until=until).mappings().first()
    return None if row is None else Mailbox(**row)


def lock_mailbox(session: Session, mailbox_id: int) -> None:
    """Lock the mailbox's row until the transaction ends, whoever holds its lease."""
    run(session, _LOCK, b_mailbox=mailbox_id)


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
    installation: tuple[str, int],
    gate: int | None,
) -> bool:
    """The point of no return for `row`: CLAIMED -> COMMITTED if nothing at all speaks against it. False: abort.

    The caller holds the lock on the prospect's row, so a reply that is being stored is either seen here, or waits
    until this has been decided. `keys` and `spellings` of the recipient are those of `app.prospects.suppression`.
    """
    values: dict[str, Any] = {"b_row": row.id, "b_mailbox": row.mailbox_id, "b_fence": fence, "b_now": now}
    said = dict(zip(SPELLINGS, spellings, strict=True))
    values |= {"b_identity": installation[0], "b_ticks": installation[1], "b_rest_most": resting.furthest(now)}
    result = run(session, _COMMIT, **values, **said, b_day=day, b_keys=list(keys), b_site=row.site_id, b_gate=gate)
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
