"""Decides which mailboxes this process waits for, writes down how that goes, and rings for a look when a server tells of mail.

A word of the server is a hint and no more: it makes the next look due now. Each mailbox has one waiting connection in the
whole installation, by a lease in `mailbox_watch`; the processes share the mailboxes out evenly.
"""

from __future__ import annotations

import math
import os
import queue
import random
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from app.container import Container
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import MailboxFault
from app.inbox import watches
from app.inbox.deps import InboxDeps, deps_of
from app.inbox.idling import Event, Lost, Mail, Standing, Switchboard
from app.inbox.metrics import IDLE_RINGS
from app.jobs import Job
from app.log import get_logger
from app.mail.idle import IdleLine, NoIdle
from app.mail.imap_signin import SignInRefused
from app.models import Folder, Mailbox

log = get_logger("inbox.push")

ROUND_SECONDS = 5.0
# A process that is stopped for longer loses its mailboxes to others.
LEASE = timedelta(seconds=60)
# Told of mail more often than this, a mailbox is looked into once for all of it.
_LEAST_GAP, _MOST_GAP = 1.0, 5.0
# Sign-ins that wait for a free thread, for each thread that signs in.
_AHEAD = 50
_LONG_ENOUGH = timedelta(minutes=10)
_NO_IDLE_REST = timedelta(days=1)
_REFUSED_REST = timedelta(minutes=15)
_FIRST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(minutes=30)


def rest_after(fault: MailboxFault, failures: int, chance: float) -> timedelta:
    """How long to wait after the `failures`th loss in a row (1, 2, ...); `chance` from 0 to 1 spreads it by half."""
    if isinstance(fault, NoIdle):
        return _NO_IDLE_REST
    rest = min(_FIRST_REST * float(1 << min(failures - 1, 12)), _LONGEST_REST)
    if isinstance(fault, SignInRefused):
        rest = max(rest, _REFUSED_REST)
    return rest * (0.5 + chance)


@dataclass(slots=True)
class _Ring:
    """When a mailbox was last rung for, and how long it must be quiet then."""

    at: float
    gap: float = _LEAST_GAP


class Watcher:
    """The waiting of one process: `start`, and `stop`, which frees its mailboxes for the others at once."""

    def __init__(self, container: Container, *, round_seconds: float = ROUND_SECONDS) -> None:
        self.owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(6)}"
        self._deps: InboxDeps = deps_of(container)
        self._settings = container.settings
        self._round_seconds = round_seconds
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._pending: list[Standing | Lost] = []
        self._rings: dict[int, _Ring] = {}
        self._later: dict[int, float] = {}
        self._stop = threading.Event()
        self._switchboard = Switchboard(self._connect, self._events.put, connecting=container.settings.idle_connecting)
        self._thread = threading.Thread(target=self._run, name="idle-keeper", daemon=True)

    def start(self) -> None:
        """Begin to claim mailboxes and to wait; does nothing where the settings allow no connection."""
        if self._settings.idle_connections:
            self._switchboard.start()
            self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Close every connection and give the mailboxes back."""
        if self._thread.ident is None:
            return
        self._stop.set()
        self._events.put(None)
        self._switchboard.stop(timeout)
        self._thread.join(timeout)
        try:
            with self._deps.db.work() as uow:
                watches.leave(uow.session, self.owner)
        except Exception as error:  # noqa: BLE001 - the database may be what made us stop; the lease then runs out
            log.warning("push.lease_kept", error=str(error))

    def _connect(self, mailbox_id: int) -> IdleLine:
        with self._deps.db.read() as uow:
            mailbox = uow.session.get(Mailbox, mailbox_id)
        if mailbox is None:
            raise MailboxFault(say("there is no mailbox {mailbox_id} any more", mailbox_id=mailbox_id))
        store = self._deps.connect(mailbox, self._settings.imap_timeout)
        try:
            return store.idle("INBOX", self._settings.idle_renew)
        except BaseException:
            store.close()
            raise

    # --- the keeper's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        next_round = 0.0
        while not self._stop.is_set():
            self._gather(next_round)
            try:
                self._write()
                if time.monotonic() >= next_round:
                    self._round()
                    next_round = time.monotonic() + self._round_seconds
            except Exception:
                # The database is away: what happened is kept, and polling goes on by itself when it is back.
                log.exception("push.round_failed")
                self._stop.wait(1.0)

    def _gather(self, next_round: float) -> None:
        """Wait for the next event, the next round or the next held-back ring, and take all events that there are."""
        until = min([next_round, *self._later.values()])
        wait = max(0.0, until - time.monotonic())
        try:
            event = self._events.get(timeout=wait) if wait else self._events.get_nowait()
            while True:
                if isinstance(event, Mail):
                    self._heard(event.mailbox_id)
                elif event is not None:
                    self._pending.append(event)
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _heard(self, mailbox_id: int) -> None:
        IDLE_RINGS.inc()
        last = self._rings.get(mailbox_id)
        self._later.setdefault(mailbox_id, time.monotonic() if last is None else last.at + last.gap)

    def _write(self) -> None:
        now = time.monotonic()
        due = [mailbox_id for mailbox_id, at in self._later.items() if at <= now]
        if not due and not self._pending:
            return
        # Need not wait for the disk: after a power cut no connection stands, and every mailbox is looked into.
        with self._deps.db.work(durable=False) as uow:
            behind = self._note(uow, self._pending)
            for mailbox_id in {*due, *behind}:
                uow.ring(Job.INBOX_TOLD, mailbox_id)
            if due or behind:
                watches.rung(uow.session, sorted({*due, *behind}), uow.now())
        for event in self._pending:
            if isinstance(event, Lost):
                self._switchboard.forget(event.mailbox_id)
        self._pending.clear()
        for mailbox_id in due:
            del self._later[mailbox_id]
            last = self._rings.get(mailbox_id)
            often = last is not None and now - last.at < 2 * last.gap
            gap = min(2 * last.gap, _MOST_GAP) if last is not None and often else _LEAST_GAP
            self._rings[mailbox_id] = _Ring(now, gap)

    def _note(self, uow: UnitOfWork, events: list[Standing | Lost]) -> list[int]:
        """Write what happened to the connections; returns the mailboxes that hold mail which no look has seen."""
        now = uow.now()
        opened = {event.mailbox_id: event.opened for event in events if isinstance(event, Standing)}
        behind: list[int] = []
        if opened:
            watches.connected(uow.session, self.owner, list(opened), now)
            cursors = uow.session.execute(
                select(col(Folder.mailbox_id), col(Folder.uidvalidity), col(Folder.next_uid)).where(
                    col(Folder.mailbox_id).in_(list(opened)), col(Folder.role) == "inbox"
                )
            )
            known = {row[0]: (row[1], row[2]) for row in cursors}
            behind = [
                mailbox_id
                for mailbox_id, inbox in opened.items()
                if known.get(mailbox_id) != (inbox.uidvalidity, inbox.uidnext)
            ]
        for event in events:
            if isinstance(event, Lost):
                self._note_loss(uow, event)
        return behind

    def _note_loss(self, uow: UnitOfWork, event: Lost) -> None:
        failures, since = watches.failures_of(uow.session, event.mailbox_id)
        stood = since is not None and uow.now() - since > _LONG_ENOUGH
        failures = 1 if stood else failures + 1
        rest = rest_after(event.fault, failures, random.SystemRandom().random())
        watches.lost(
            uow.session,
            self.owner,
            event.mailbox_id,
            failures=failures,
            retry_at=uow.now() + rest,
            error=event.fault.detail,
        )
        log.info("push.lost", mailbox_id=event.mailbox_id, reason=event.fault.detail, seconds=rest.total_seconds())

    def _round(self) -> None:
        """Renew what we hold, take what is ours by an even share, give back what is more."""
        with self._deps.db.work(durable=False) as uow:
            now = uow.now()
            until = now + LEASE
            able = watches.announce(uow.session, self.owner, now, until)
            watches.forget_dead(uow.session, now)
            ours = watches.renew(uow.session, self.owner, until)
            share = math.ceil(watches.waitable(uow.session) / able)
            most = min(self._settings.idle_connections, share)
            if len(ours) > most + max(2, most // 10):
                surplus = sorted(ours)[most:]
                watches.release(uow.session, self.owner, surplus)
                ours.difference_update(surplus)
            ahead = _AHEAD * self._settings.idle_connecting - self._switchboard.unfinished
            ours.update(watches.claim_idle(uow.session, self.owner, now, until, min(most - len(ours), ahead)))
        self._switchboard.hold(ours)
        self._rings = {mailbox_id: ring for mailbox_id, ring in self._rings.items() if mailbox_id in ours}
