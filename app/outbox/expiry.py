"""Takes out of the queue what may not leave any more: stopped, closed or too old; also where no turn begins.

A mail may wait for 14 days (`app.domain.delivery.KEEP_FOR`). While its mailbox rests that time stands still, for 60 days of each
rest at most: who signs in again after a fortnight finds what was approved. A mailbox that is switched off was let go by a person, and the
time runs on. Nothing expires by a clock that has leapt (`app.installation.steady`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CursorResult, String, case, cast, extract, func, literal, update
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.delivery import REST_FORGIVEN, OutboundState
from app.inbox import unanswered
from app.installation import steady
from app.log import get_logger
from app.mail import resting
from app.models import Mailbox, Outbound
from app.outbox import claims, plan, record, repository, statements
from app.settings import Settings

log = get_logger("outbox")

_QUIET = {"synchronize_session": False}
# The rests of ordinary faults are minutes; the rows need not be written for them.
_SHORT = timedelta(hours=1)


def rests(mailbox: Mailbox, now: datetime) -> bool:
    """Whether a mailbox that is switched on sends nothing now."""
    return mailbox.active and resting.rests(mailbox, now)


def ends_at(row: Outbound, mailbox: Mailbox | None, now: datetime) -> datetime:
    """When a waiting mail is given up, if nothing changes: later while its mailbox rests."""
    return row.expires_at + REST_FORGIVEN if mailbox is not None and rests(mailbox, now) else row.expires_at


def take_out(uow: UnitOfWork, mailbox: Mailbox) -> None:
    """Cancel what may not leave any more, each with its reason. The caller holds the lock on the mailbox's row."""
    now = uow.now()
    expired = steady.expired_by(uow.session, now)
    if expired is not None and rests(mailbox, now):
        expired -= REST_FORGIVEN
    for answer_id in claims.cancel_stopped(uow.session, mailbox.id, expired):
        unanswered.comes_back(uow, uow.session.get_one(Outbound, answer_id))


def sweep(db: Database, settings: Settings, mailbox_id: int) -> bool:
    """The turn of a mailbox that may not send: note when its rest began, clean up after a sender that died, and take out what is
    over. False: it may send.
    """
    with db.work() as uow:
        statements.lock_mailbox(uow.session, mailbox_id)
        mailbox = uow.session.get(Mailbox, mailbox_id, populate_existing=True)
        if mailbox is None or (mailbox.active and not rests(mailbox, uow.now())):
            return False
        if mailbox.active and mailbox.rests_since is None:
            mailbox.rests_since = uow.now()
        mailbox.looked_through_at = uow.now()
        uow.session.flush()
        fence = repository.take_over(uow.session, mailbox_id, uow.now())
        if fence is not None:
            record.left_behind(uow, mailbox_id, fence)
        plan.mend(uow.session, settings, mailbox_id, uow.now())
        take_out(uow, mailbox)
        return True


def forgive(uow: UnitOfWork, mailbox_id: int, since: datetime, until: datetime | None) -> None:
    """The rest that began at `since` and ended at `until` (null: now) is over: what waited through it may wait for so much longer.

    The next turn may come long after a rest that ended by itself.
    """
    over = min(uow.now(), until or uow.now())
    uow.session.execute(
        update(Mailbox).where(col(Mailbox.id) == mailbox_id).values(rests_since=None).execution_options(**_QUIET)
    )
    if over - since < _SHORT:
        return
    # One statement, however long the queue is: it stands in the transaction that takes the mailbox.
    created = col(Outbound.created_at)
    waited = int(over.timestamp()) - case(
        (created <= since, int(since.timestamp())), else_=cast(extract("epoch", created), BigInteger)
    )
    most = int(REST_FORGIVEN.total_seconds())
    later = uow.session.execute(
        update(Outbound)
        .where(col(Outbound.mailbox_id) == mailbox_id, col(Outbound.state) == OutboundState.QUEUED, created < over)
        .values(expires_at=_plus(uow, col(Outbound.expires_at), case((waited > most, most), else_=waited)))
        .execution_options(**_QUIET)
    )
    rows = later.rowcount if isinstance(later, CursorResult) else 0
    log.info("outbox.rest_forgiven", mailbox_id=mailbox_id, since=since.isoformat(), rows=rows)


def _plus(uow: UnitOfWork, column: Any, seconds: Any) -> Any:
    if uow.session.get_bind().dialect.name == "postgresql":
        return column + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    # As the times of all rows are written there: with six digits behind the second.
    return func.strftime("%Y-%m-%d %H:%M:%f000", column, cast(seconds, String) + literal(" seconds"))
