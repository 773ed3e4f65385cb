"""Whose turn it is: one look into a mailbox at a time, in slices, so that no mailbox keeps the others waiting.

The bell names a mailbox; its row says whether a look is due, and a lease lets one worker look. A mailbox with more mail
than one slice takes goes to the end of the line, not to its head. A mailbox (or a server) that has made us wait may
occupy half of the threads at most.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from app.db.work import UnitOfWork
from app.errors import MailboxFault
from app.inbox import service, watches
from app.inbox.deps import InboxDeps, deps_of
from app.inbox.metrics import LOOK_LATE, LOOKS, PUSH_LAG
from app.inbox.sync import SyncResult
from app.jobs import Job
from app.log import get_logger
from app.models import Mailbox

if TYPE_CHECKING:
    from app.container import Container

log = get_logger("inbox")

SLICE = timedelta(seconds=20)
# Above a slice with its last answers: a second look at the same time would only cost a connection.
_LEASE = timedelta(minutes=2)
_PUT_OFF = timedelta(seconds=5)
# A look that fails after this much time has kept a thread from others.
_SLOW_SECONDS = 5.0
_REMEMBER_SECONDS = 300.0


def poll(container: Container, mailbox_id: int) -> SyncResult | None:
    """The job `inbox.poll`: one look into a mailbox if it is due and nobody looks; else None. Safe twice or late."""
    return take_turn(deps_of(container), mailbox_id)


def want_look(uow: UnitOfWork, mailbox_id: int) -> None:
    """Make the next look into a mailbox due now, and wake a worker for it."""
    watches.make_due(uow.session, [mailbox_id], uow.now())
    uow.ring(Job.INBOX_TOLD, mailbox_id)


def take_turn(deps: InboxDeps, mailbox_id: int, *, budget: timedelta = SLICE) -> SyncResult | None:
    """One slice of reading, under the lease of the mailbox. Raises MailboxFault when the mailbox cannot be read."""
    with deps.db.read() as uow:
        mailbox = uow.session.get(Mailbox, mailbox_id)
    if mailbox is None or not mailbox.active:
        return None
    with _turnstile.enter(mailbox, most_slow=max(1, deps.settings.poll_threads // 2)) as allowed:
        if not allowed:
            with deps.db.work(durable=False) as uow:
                watches.make_due(uow.session, [mailbox_id], uow.now() + _PUT_OFF)
            LOOKS.labels("put off").inc()
            return None
        owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(6)}"
        if not _claim(deps, mailbox_id, owner):
            return None
        result: SyncResult | None = None
        given_back = False

        def give_back(uow: UnitOfWork, found: SyncResult) -> None:
            nonlocal given_back
            _give_back(uow, mailbox_id, owner, current=found.current)
            given_back = True

        started = time.monotonic()
        try:
            result = service.look(deps, mailbox_id, budget=budget, also=give_back)
            _turnstile.went_well(mailbox)
        except MailboxFault:
            if time.monotonic() - started > _SLOW_SECONDS:
                _turnstile.made_us_wait(mailbox)
            raise
        finally:
            LOOKS.labels("failed" if result is None else "more" if result.unfinished else "current").inc()
            if not given_back:
                with deps.db.work(durable=False) as uow:
                    _give_back(uow, mailbox_id, owner, current=False)
        return result


def _claim(deps: InboxDeps, mailbox_id: int, owner: str) -> bool:
    with deps.db.work(durable=False) as uow:
        now = uow.now()
        mailbox = uow.session.get(Mailbox, mailbox_id)
        if mailbox is None or not watches.is_due(mailbox, now):
            return False
        if not watches.claim_look(uow.session, mailbox_id, owner, now, now + _LEASE):
            return False
        if mailbox.poll_due_at is not None:
            LOOK_LATE.observe(max(0.0, (now - mailbox.poll_due_at).total_seconds()))
        return True


def _give_back(uow: UnitOfWork, mailbox_id: int, owner: str, *, current: bool) -> None:
    """Give the lease back. What the server told of while we looked is looked for at once."""
    row = watches.held(uow.session, mailbox_id, owner)
    if row is None:
        return  # it took longer than the lease, and another look has begun
    now = uow.now()
    told, since = row.rung_at, row.poll_since
    row.poll_owner = row.poll_since = row.poll_until = None
    if told is not None and since is not None and told >= since:
        want_look(uow, mailbox_id)
    elif told is not None and current:
        PUSH_LAG.observe((now - told).total_seconds())
        row.rung_at = None


class _Turnstile:
    """Lets through whoever has answered lately; of the others only a few at a time, so that they never fill all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slow_inside = 0
        self._slow_hosts: dict[str, float] = {}

    @contextmanager
    def enter(self, mailbox: Mailbox, *, most_slow: int) -> Iterator[bool]:
        """Whether `mailbox` may be looked into now."""
        with self._lock:
            slow = mailbox.poll_failures > 0 or self._slow_hosts.get(mailbox.imap_host, 0.0) > time.monotonic()
            allowed = not slow or self._slow_inside < most_slow
            self._slow_inside += slow and allowed
        try:
            yield allowed
        finally:
            with self._lock:
                self._slow_inside -= slow and allowed

    def made_us_wait(self, mailbox: Mailbox) -> None:
        """The server of this mailbox hangs: its other mailboxes will, too."""
        with self._lock:
            self._slow_hosts[mailbox.imap_host] = time.monotonic() + _REMEMBER_SECONDS

    def went_well(self, mailbox: Mailbox) -> None:
        """The server of this mailbox answers."""
        with self._lock:
            self._slow_hosts.pop(mailbox.imap_host, None)


_turnstile = _Turnstile()
