"""Looks for evidence of what became of an ambiguous mail. Evidence makes it SENT; its absence never sends anything again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.said import say
from app.errors import Unavailable
from app.log import get_logger
from app.models import Inbound, Mailbox, Outbound
from app.outbox import record, repository

log = get_logger("outbox")

# A missing copy means something only where the provider is known to file one by itself, and after this much time.
ABSENCE_COUNTS_AFTER = timedelta(minutes=15)

SentCopy = Callable[[Outbound, Mailbox], datetime | None]


def reconcile(db: Database, sent_copy: SentCopy, mailbox_id: int) -> int:
    """Look for every due ambiguous mail of a mailbox (the job `outbox.reconcile`); how many were found to be sent.

    Evidence is a message that answers it (or a bounce that names it), or its copy in the folder of sent mail. The
    network is asked outside of any transaction.
    """
    known = _take_up(db, mailbox_id)
    with db.read() as uow:
        mailbox = uow.session.get(Mailbox, mailbox_id)
        due = list(
            uow.session.execute(
                select(Outbound)
                .where(
                    col(Outbound.mailbox_id) == mailbox_id,
                    col(Outbound.state) == OutboundState.AMBIGUOUS,
                    col(Outbound.reconcile_at) <= uow.now(),
                )
                .order_by(col(Outbound.id))
            ).scalars()
        )
    if mailbox is None:
        return 0
    return known + sum(_look(db, sent_copy, mailbox, row) for row in due)


def _take_up(db: Database, mailbox_id: int) -> int:
    """What stood behind an unsure mail when restored data was released is unsure in its turn, one of a prospect; how many are
    known to have left.
    """
    sent = 0
    with db.work() as uow:
        statement = select(Outbound).where(col(Outbound.mailbox_id) == mailbox_id, *repository.freed())
        busy: set[int] = set()
        for row in uow.session.execute(statement.order_by(col(Outbound.not_before), col(Outbound.id))).scalars():
            if row.prospect_id in busy:
                continue
            found = record.unsure(uow, row, row.evidence)
            sent += found is True
            if not found:
                busy.add(row.prospect_id)
    return sent


def _look(db: Database, sent_copy: SentCopy, mailbox: Mailbox, row: Outbound) -> bool:
    with db.read() as uow:
        evidence = answered(uow, row)
    # One that is switched off has no key any more.
    readable = mailbox.active
    if evidence is None and readable:
        try:
            filed = sent_copy(row, mailbox)
            evidence = f"its copy lies in the folder of sent mail ({filed:%d %b %Y %H:%M} UTC)" if filed else None
        except Unavailable as fault:
            readable = False
            log.info("outbox.reconcile_unreadable", outbound_id=row.id, reason=fault.detail)
    with db.work() as uow:
        if evidence is not None:
            return record.sent_by_evidence(uow, row_again(uow, row), evidence)
        now = uow.now()
        committed = row.committed_at or row.created_at
        meaningful = readable and bool(mailbox.autofiles_sent) and now - committed >= ABSENCE_COUNTS_AFTER
        repository.resolve(
            uow.session,
            row.id,
            OutboundState.AMBIGUOUS,
            reconcile_tries=row.reconcile_tries + 1,
            reconcile_at=record.next_look(row.reconcile_tries + 1, max(committed, now)),
            hold_reason=say("probably not sent: this mailbox files a copy of what it sends, and there is none; decide")
            if meaningful
            else row.hold_reason,
        )
    return False


def row_again(uow: UnitOfWork, row: Outbound) -> Outbound:
    """The row as it stands in this transaction."""
    return uow.session.get_one(Outbound, row.id, populate_existing=True)


# By these a message was matched with the very mail, not with whoever it says that it is from.
_NAMES_IT = ("in-reply-to", "references", "token", "returned-message", "id-in-body", "token-in-body", "by-hand")


def answered(uow: UnitOfWork, row: Outbound) -> str | None:
    """The received message that proves that `row` has arrived, in words, or None."""
    # Whom a message says that it is from proves nothing: anybody writes that, and a newsletter is from them as well.
    found = uow.session.execute(
        select(col(Inbound.id), col(Inbound.kind))
        .where(col(Inbound.outbound_id) == row.id, col(Inbound.match_kind).in_(_NAMES_IT))
        .limit(1)
    ).first()
    return None if found is None else f"a {found[1] or 'message'} (received mail {found[0]}) names it"
