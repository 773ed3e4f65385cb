"""One connection that waits for mail by IMAP IDLE (RFC 2177): signed in by `app.mail.imap`, then driven without blocking.

IMAPClient's own `idle_check` answers an empty list for ever once the server has closed, and holds a thread for each
connection. So the socket is taken over after the sign-in, and these few lines of protocol speak on it: whoever owns a
selector calls `read` when the socket is readable and `tick` when `due` has come, and may do so for thousands of them.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import random
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING

from app.domain.said import say
from app.domain.texts import in_short
from app.errors import MailboxFault

if TYPE_CHECKING:
    from app.mail.ports import Snapshot

# RFC 2177 lets a server end an IDLE after 30 minutes; network devices forget a silent connection much sooner.
MOST_RENEW_SECONDS = 29 * 60.0
_READ = 65536
# A line of a server that idles is short. What is longer is no IMAP.
_LONGEST_LINE = 65536
_EARLY_ENDS = 3
_MOST_READS = 64
_EXISTS = re.compile(rb"\* (\d{1,10}) (EXISTS|EXPUNGE)\b", re.IGNORECASE)
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}$")
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class NoIdle(MailboxFault):
    """The server does not offer IDLE: its mailboxes are only polled."""


class _State(enum.Enum):
    ASKED = "asked"  # IDLE was sent, the continuation has not come
    IDLING = "idling"
    ENDING = "ending"  # DONE was sent, the tagged answer has not come


class IdleLine:
    """A signed-in connection with an open folder, in IDLE. For one thread at a time.

    `opened` is what the server told of the folder at its opening. `renew` seconds after each start the IDLE is
    ended and begun again, which shows that the server still lives; every answer may take `timeout` seconds. Times are
    of `time.monotonic`.
    """

    def __init__(self, host: str, sock: socket.socket, opened: Snapshot, *, renew: float, timeout: float) -> None:
        self.opened = opened
        self._host = host
        self._sock = sock
        self._exists = opened.exists
        self._renew = min(renew, MOST_RENEW_SECONDS)
        self._timeout = timeout
        self._tags = itertools.count(1)
        self._incoming = bytearray()
        self._outgoing = b""
        self._skip = 0
        self._early = 0
        self._mail = False
        self._since = 0.0
        self._state = _State.ASKED
        self.due = 0.0
        sock.setblocking(False)
        _keep_alive(sock)
        self._begin()

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._sock.fileno()

    @property
    def idling(self) -> bool:
        """Whether the server has confirmed that it will tell."""
        return self._state is _State.IDLING

    def read(self) -> bool:
        """Take what has come; True when there may be new mail. Raises MailboxFault when the connection is over.

        Reads until the socket has no more: with TLS, bytes may wait inside the library that no selector sees.
        """
        for _ in range(_MOST_READS):
            try:
                chunk = self._sock.recv(_READ)
            except _WOULD_BLOCK:
                break
            except OSError as error:
                raise MailboxFault(
                    say("the connection to {host} broke ({short})", host=self._host, short=in_short(error))
                ) from error
            if not chunk:
                raise MailboxFault(say("{host} closed the connection", host=self._host))
            self._incoming += chunk
            self._lines()
        else:
            raise MailboxFault(say("{host} sends without end while we wait for mail", host=self._host))
        self._flush()
        mail, self._mail = self._mail, False
        return mail

    def tick(self) -> None:
        """Do what is due: renew the IDLE, or raise MailboxFault because an answer is overdue."""
        if time.monotonic() < self.due:
            return
        if self._state is not _State.IDLING:
            raise MailboxFault(
                say(
                    "{host} did not answer for {timeout:.0f} seconds while we waited for mail",
                    host=self._host,
                    timeout=self._timeout,
                )
            )
        self._state = _State.ENDING
        self.due = time.monotonic() + self._timeout
        self._say(b"DONE\r\n")

    def close(self) -> None:
        """Say goodbye, without waiting for an answer; never raises."""
        with contextlib.suppress(OSError, ValueError):
            self._sock.send(b"DONE\r\n" * (self._state is not _State.ENDING) + b"%b LOGOUT\r\n" % self._next_tag())
        with contextlib.suppress(OSError):
            self._sock.close()

    # --- protocol -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._tag = self._next_tag()
        self._state = _State.ASKED
        self.due = time.monotonic() + self._timeout
        self._say(self._tag + b" IDLE\r\n")

    def _next_tag(self) -> bytes:
        return b"W%d" % next(self._tags)

    def _say(self, line: bytes) -> None:
        self._outgoing += line
        self._flush()

    def _flush(self) -> None:
        while self._outgoing:
            try:
                self._outgoing = self._outgoing[self._sock.send(self._outgoing) :]
            except _WOULD_BLOCK:
                return  # a peer that takes not even this answers nothing either, and `due` tells
            except OSError as error:
                raise MailboxFault(
                    say("the connection to {host} broke ({short})", host=self._host, short=in_short(error))
                ) from error

    def _lines(self) -> None:
        while True:
            if self._skip:
                cut = min(self._skip, len(self._incoming))
                del self._incoming[:cut]
                self._skip -= cut
            end = self._incoming.find(b"\n")
            if self._skip or end < 0:
                if len(self._incoming) > _LONGEST_LINE:
                    raise MailboxFault(
                        say("{host} sent a line that is no IMAP while we waited for mail", host=self._host)
                    )
                return
            line = bytes(self._incoming[:end]).rstrip(b"\r")
            del self._incoming[: end + 1]
            self._take(line)

    def _take(self, line: bytes) -> None:
        literal = _LITERAL.search(line)
        if literal is not None:
            self._skip = int(literal.group(1))
        counted = _EXISTS.match(line)
        if counted is not None:
            self._count(int(counted.group(1)), counted.group(2).upper() == b"EXISTS")
        elif line[:5].upper() == b"* BYE":
            raise MailboxFault(say("{host} ended the connection: {words}", host=self._host, words=_printable(line[6:])))
        elif line[:1] == b"+":
            if self._state is _State.ASKED:
                self._state = _State.IDLING
                self._since = time.monotonic()
                # Not all in the same second: a thousand connections were made in the same minute.
                self.due = self._since + self._renew * random.SystemRandom().uniform(0.85, 1.0)
        elif line.startswith(self._tag + b" "):
            self._ended(line[len(self._tag) + 1 :])

    def _count(self, number: int, exists: bool) -> None:
        if not exists:
            self._exists = max(0, self._exists - 1)
            return
        # Servers repeat the number that is known already. Any other is worth a look.
        self._mail = self._mail or number != self._exists
        self._exists = number

    def _ended(self, answer: bytes) -> None:
        if answer[:2].upper() != b"OK" or self._state is _State.ASKED:
            raise MailboxFault(
                say("{host} refuses to tell of new mail: {words}", host=self._host, words=_printable(answer))
            )
        if self._state is _State.IDLING:
            # Some servers end an IDLE by themselves after a while. At once, again and again, is a fault.
            self._early = self._early + 1 if time.monotonic() - self._since < self._timeout else 0
            if self._early >= _EARLY_ENDS:
                raise MailboxFault(
                    say("{host} ends each IDLE at once: {words}", host=self._host, words=_printable(answer))
                )
        self._begin()


def _keep_alive(sock: socket.socket) -> None:
    """Let the kernel find out within about two minutes that the other side is gone."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 60_000)):
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _printable(text: bytes) -> str:
    return "".join(char if char.isprintable() else " " for char in text.decode("utf-8", "replace"))[:200]
