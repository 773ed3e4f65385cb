"""Holds the connections that wait for mail: one thread and one selector for all of them, a few threads that sign in.

It knows no database. It is told which mailboxes to wait for, and tells what happens: a connection stands, the server
told of mail, a connection was lost.
"""

from __future__ import annotations

import contextlib
import heapq
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.domain.said import say
from app.errors import MailboxFault
from app.inbox.metrics import IDLE_CONNECTIONS, IDLE_LOST
from app.log import get_logger
from app.mail.idle import IdleLine
from app.mail.ports import Snapshot

log = get_logger("inbox.push")


@dataclass(frozen=True, slots=True)
class Standing:
    """The server has confirmed that it will tell; `opened` is the inbox as it was then."""

    mailbox_id: int
    opened: Snapshot


@dataclass(frozen=True, slots=True)
class Mail:
    """There may be new mail."""

    mailbox_id: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended, or could not be made."""

    mailbox_id: int
    fault: MailboxFault


Event = Standing | Mail | Lost


class Switchboard:
    """The connections of this process. `connect` signs in and may take its time; `tell` is called from several threads.

    A mailbox that was lost stays put until `forget` is called, so that whoever decides when to try again is heard.
    """

    def __init__(self, connect: Callable[[int], IdleLine], tell: Callable[[Event], None], *, connecting: int) -> None:
        self._connect = connect
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted: set[int] = set()
        self._lines: dict[int, IdleLine] = {}
        self._standing: set[int] = set()
        self._timers: list[tuple[float, int]] = []
        self._to_connect: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[tuple[int, IdleLine | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._loop = threading.Thread(target=self._run, name="idle", daemon=True)
        # Daemons: a sign-in that hangs must not keep the process from ending.
        self._connectors = [
            threading.Thread(target=self._sign_in, name=f"idle-connect-{number}", daemon=True)
            for number in range(connecting)
        ]

    def start(self) -> None:
        """Begin; nothing is connected yet."""
        self._selector = selectors.DefaultSelector()
        self._bell, self._clapper = socket.socketpair()
        self._bell.setblocking(False)
        self._clapper.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._loop.start()
        for thread in self._connectors:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Say goodbye to every server and end. Sign-ins under way are not waited for."""
        self._stop.set()
        for _ in self._connectors:
            self._to_connect.put(None)
        self._wake()
        self._loop.join(timeout)

    def hold(self, mailbox_ids: Iterable[int]) -> None:
        """Wait for these mailboxes and no others."""
        wanted = set(mailbox_ids)
        with self._lock:
            fresh, gone = wanted - self._wanted, self._wanted - wanted
            self._wanted = wanted
        for mailbox_id in sorted(fresh):
            self._to_connect.put(mailbox_id)
        for mailbox_id in gone:
            self._arrived.put((mailbox_id, None))
        if gone:
            self._wake()

    def forget(self, mailbox_id: int) -> None:
        """A lost mailbox may be asked for again."""
        with self._lock:
            self._wanted.discard(mailbox_id)

    @property
    def unfinished(self) -> int:
        """How many mailboxes are asked for and have no connection yet."""
        with self._lock:
            return len(self._wanted) - len(self._standing)

    # --- the threads that sign in -----------------------------------------------------------------------------------

    def _sign_in(self) -> None:
        while (mailbox_id := self._to_connect.get()) is not None and not self._stop.is_set():
            with self._lock:
                if mailbox_id not in self._wanted:
                    continue
            try:
                line = self._connect(mailbox_id)
            except MailboxFault as fault:
                self._lost(mailbox_id, fault)
            except Exception as error:
                log.exception("push.connect_failed", mailbox_id=mailbox_id)
                self._lost(
                    mailbox_id, MailboxFault(say("the waiting connection failed: {error}", error=type(error).__name__))
                )
            else:
                self._arrived.put((mailbox_id, line))
                self._wake()

    def _lost(self, mailbox_id: int, fault: MailboxFault) -> None:
        IDLE_LOST.inc()
        self._tell(Lost(mailbox_id, fault))

    # --- the thread of the selector ---------------------------------------------------------------------------------

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake already
            self._clapper.send(b"!")

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
        except Exception:
            log.exception("push.loop_failed")
        finally:
            for mailbox_id in list(self._lines):
                self._drop(mailbox_id)
            self._take_arrivals()  # what was signed in meanwhile is closed, too
            self._selector.close()
            self._bell.close()
            self._clapper.close()

    def _turn(self) -> None:
        rest = self._timers[0][0] - time.monotonic() if self._timers else 60.0
        for key, _ in self._selector.select(max(0.0, min(rest, 60.0))):
            if key.data is None:
                with contextlib.suppress(OSError):
                    self._bell.recv(4096)
            elif key.data in self._lines:
                self._use(key.data, IdleLine.read)
        self._take_arrivals()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, mailbox_id = heapq.heappop(self._timers)
            if mailbox_id in self._lines:
                self._use(mailbox_id, IdleLine.tick)
                self._set_timer(mailbox_id)

    def _take_arrivals(self) -> None:
        while True:
            try:
                mailbox_id, line = self._arrived.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                wanted = mailbox_id in self._wanted and not self._stop.is_set()
            if line is None:
                if not wanted:
                    self._drop(mailbox_id)
            elif not wanted or mailbox_id in self._lines:
                line.close()
            else:
                self._lines[mailbox_id] = line
                self._selector.register(line, selectors.EVENT_READ, mailbox_id)
                # The answer may have come before the socket was watched, and lie inside the TLS layer.
                self._use(mailbox_id, IdleLine.read)
                self._set_timer(mailbox_id)

    def _set_timer(self, mailbox_id: int) -> None:
        line = self._lines.get(mailbox_id)
        if line is not None:
            heapq.heappush(self._timers, (line.due, mailbox_id))

    def _use(self, mailbox_id: int, act: Callable[[IdleLine], bool | None]) -> None:
        line = self._lines[mailbox_id]
        due = line.due
        try:
            mail = act(line)
        except MailboxFault as fault:
            self._drop(mailbox_id)
            self._lost(mailbox_id, fault)
            return
        except Exception as error:
            log.exception("push.line_failed", mailbox_id=mailbox_id)
            self._drop(mailbox_id)
            self._lost(
                mailbox_id, MailboxFault(say("the waiting connection failed: {error}", error=type(error).__name__))
            )
            return
        if line.due < due:
            self._set_timer(mailbox_id)
        if line.idling and mailbox_id not in self._standing:
            with self._lock:
                self._standing.add(mailbox_id)
            IDLE_CONNECTIONS.set(len(self._standing))
            self._tell(Standing(mailbox_id, line.opened))
        if mail:
            self._tell(Mail(mailbox_id))

    def _drop(self, mailbox_id: int) -> None:
        line = self._lines.pop(mailbox_id, None)
        if line is None:
            return
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(line)
        line.close()
        with self._lock:
            self._standing.discard(mailbox_id)
        IDLE_CONNECTIONS.set(len(self._standing))
