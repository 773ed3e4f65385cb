"""Sees that what was sent lies in the folder of sent mail, once: filed by the provider, or by us where it files nothing.

Which of the two a provider does is learned from its own mails, never assumed: five in a row that appeared by themselves,
or five that did not within the waiting time, decide, and five to the contrary decide anew. Nothing here can send, and
nothing here touches the state of a message: a copy that cannot be filed is given up, and the message stays sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.delivery import OutboundState
from app.errors import MailboxFault
from app.inbox import service as inbox
from app.log import get_logger
from app.mail.ports import MailStore
from app.models import Mailbox, Outbound, SentCopy
from app.outbox.service import wire_bytes

log = get_logger("outbox")

# Until then a provider may still be filing; Google and Microsoft take seconds.
WAIT = timedelta(minutes=15)
LEARNED_AFTER = 5
_CLAIM = timedelta(minutes=5)
_MOST_TRIES = 12
_AT_ONCE = 50
_QUIET = {"synchronize_session": False}


class Filing(MailStore, Protocol):
    """A mailbox that copies can be filed in."""

    def append(self, folder: str, raw: bytes, at: Any) -> None:
        """File a message, marked as read."""


def file_copies(db: Database, connect: Callable[[Mailbox], MailStore], mailbox_id: int) -> int:
    """Look after the due copies of one mailbox (the job `outbox.file`); how many are settled. Safe at any time.

    `connect` raises MailboxFault when the mailbox cannot be read: its copies are then tried again later.
    """
    with db.read() as look:
        mailbox = look.session.get(Mailbox, mailbox_id)
        due = list(
            look.session.execute(
                select(SentCopy)
                .where(col(SentCopy.mailbox_id) == mailbox_id, col(SentCopy.due_at) <= look.now())
                .order_by(col(SentCopy.due_at), col(SentCopy.outbound_id))
                .limit(_AT_ONCE)
            ).scalars()
        )
    if mailbox is None or not due:
        return 0
    store: Filing | None = None
    done = 0
    try:
        store = cast(Filing, connect(mailbox))
        folder = next((entry.name for entry in store.folders() if entry.role == "sent"), None)
        for copy in due:
            done += _one(db, store, folder, copy)
    except MailboxFault as fault:
        log.info("outbox.copies_wait", mailbox_id=mailbox_id, reason=fault.detail)
        for copy in due:
            with db.work() as uow:
                _later(uow, copy)
    finally:
        if store is not None:
            store.close()
    return done


def _one(db: Database, store: Filing, folder: str | None, copy: SentCopy) -> bool:
    with db.work() as uow:
        if not _claim(uow, copy):
            return False  # Another worker looks after it, or has done so.
        row = uow.session.get_one(Outbound, copy.outbound_id)
        mailbox = uow.session.get_one(Mailbox, copy.mailbox_id)
        now = uow.now()
    if folder is None or row.state is not OutboundState.SENT or row.sent_at is None:
        return _settle(db, copy, "there is no folder for sent mail")
    store.examine(folder)
    found = store.find(row.message_id, row.token)
    if found:
        inbox.remember_id(db, row, store.message_ids(found[:1]).get(found[0]))
        return _settle(db, copy, "filed", appeared=None if copy.appending else True)
    if copy.appending:
        # A worker died while it filed this one, and nothing has arrived: its absence was counted then.
        pass
    elif mailbox.autofiles_sent is not False and now < row.sent_at + WAIT:
        with db.work() as uow:
            _move(uow, copy, due_at=row.sent_at + WAIT)
        return False
    elif mailbox.autofiles_sent:
        # It files what it sends; one that is missing is told apart from a change of habit by the next ones.
        return _settle(db, copy, "missing", appeared=False)
    with db.work() as uow:
        counted = copy.appending
        if not _move(uow, copy, appending=True):
            return False  # This look took so long that another worker has begun one.
        if not counted:
            _learn(uow, copy.mailbox_id, appeared=False)
    store.append(folder, wire_bytes(row), row.sent_at)
    return _settle(db, copy, "appended")


def _claim(uow: UnitOfWork, copy: SentCopy) -> bool:
    return _move(uow, copy, due_at=uow.now() + _CLAIM, tries=copy.tries + 1)


def _move(uow: UnitOfWork, copy: SentCopy, **values: Any) -> bool:
    """Change the row if nobody has claimed it since `copy` was read; `copy` then shows the new values."""
    same = (col(SentCopy.outbound_id) == copy.outbound_id, col(SentCopy.due_at) == copy.due_at)
    changed = uow.session.execute(update(SentCopy).where(*same).values(**values).execution_options(**_QUIET))
    if cast(CursorResult[Any], changed).rowcount != 1:
        return False
    for name, value in values.items():
        setattr(copy, name, value)
    return True


def _later(uow: UnitOfWork, copy: SentCopy) -> None:
    if copy.tries >= _MOST_TRIES:
        uow.session.execute(delete(SentCopy).where(col(SentCopy.outbound_id) == copy.outbound_id))
        return
    rest = min(timedelta(minutes=5) * 2 ** min(copy.tries, 8), timedelta(hours=12))
    _move(uow, copy, due_at=uow.now() + rest, tries=copy.tries + 1)


def _settle(db: Database, copy: SentCopy, how: str, *, appeared: bool | None = None) -> bool:
    with db.work() as uow:
        if appeared is not None:
            _learn(uow, copy.mailbox_id, appeared=appeared)
        uow.session.execute(delete(SentCopy).where(col(SentCopy.outbound_id) == copy.outbound_id))
    log.info("outbox.copy", outbound_id=copy.outbound_id, how=how)
    return True


def _learn(uow: UnitOfWork, mailbox_id: int, *, appeared: bool) -> None:
    mailbox = uow.session.get_one(Mailbox, mailbox_id, with_for_update=True, populate_existing=True)
    run = mailbox.autofiled_seen
    run = max(run, 0) + 1 if appeared else min(run, 0) - 1
    mailbox.autofiled_seen = max(-LEARNED_AFTER, min(LEARNED_AFTER, run))
    if abs(run) >= LEARNED_AFTER and mailbox.autofiles_sent is not appeared:
        mailbox.autofiles_sent = appeared
        log.info("outbox.learned", mailbox_id=mailbox_id, autofiles_sent=appeared)
