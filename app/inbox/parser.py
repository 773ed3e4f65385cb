"""The parent's side of parsing: keeps one child process, gives it time, and survives whatever a message does to it."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from types import TracebackType

from app.inbox.wire import Parsed, load
from app.log import get_logger

WALL_SECONDS = 10.0
_START_SECONDS = 30.0
_log = get_logger("inbox.parser")


class ParseFault(Exception):
    """A message could not be parsed. `reason` is stable: crash, time-out, memory, limit or error; `died`: the child ended."""

    def __init__(self, reason: str, detail: str, *, died: bool) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.died = died


class MailParser:
    """Parses messages in a child process, one at a time; safe to share between threads. Close it, or use it in `with`."""

    def __init__(self, *, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall = wall_seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self.restarts = 0

    def __enter__(self) -> MailParser:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the present child, or None before the first message."""
        return self._child.pid if self._child is not None else None

    def parse(self, raw: bytes) -> Parsed:
        """The facts and the verdict of one message. Raises ParseFault; the next call works again in any case."""
        with self._lock:
            child = self._running()
            try:
                answer = self._exchange(child, raw)
            except ParseFault:
                self._end()
                raise
        if answer[:1] == b"-":
            name = answer[1:].decode("ascii", "replace")
            raise ParseFault("memory" if name == "MemoryError" else "error", name, died=False)
        try:
            return load(answer[1:])
        except (ValueError, KeyError, TypeError) as error:
            raise ParseFault("error", f"unreadable answer ({type(error).__name__})", died=False) from error

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        if self._child is not None:
            self._end()
        # -I: no user site, no PYTHON* variables, no current folder; the environment carries nothing of ours.
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-m", "app.inbox.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            bufsize=0,
            start_new_session=True,
        )
        self.restarts += 1
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None  # noqa: S101 - both were asked for
            os.set_blocking(pipe.fileno(), False)
        self._fresh = True
        return self._child

    _fresh = False

    def _exchange(self, child: subprocess.Popen[bytes], raw: bytes) -> bytes:
        assert child.stdin is not None  # noqa: S101
        assert child.stdout is not None  # noqa: S101
        # A new child imports its parsers first; that time is not the message's.
        deadline = time.monotonic() + self._wall + (_START_SECONDS if self._fresh else 0)
        self._fresh = False
        outgoing = memoryview(len(raw).to_bytes(4, "big") + raw)
        incoming = bytearray()
        wanted: int | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdin, selectors.EVENT_WRITE)
            selector.register(child.stdout, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ParseFault("time-out", f"no answer within {self._wall:.0f} seconds", died=True)
                for key, _ in selector.select(left):
                    if key.fileobj is child.stdin:
                        outgoing = _write_some(child.stdin.fileno(), outgoing)
                        if not outgoing:
                            selector.unregister(child.stdin)
                        continue
                    chunk = _read_some(child.stdout.fileno())
                    if chunk == b"":
                        raise _death(child)
                    incoming += chunk or b""
                if wanted is None and len(incoming) >= 4:
                    wanted = int.from_bytes(incoming[:4], "big")
                if wanted is not None and len(incoming) >= wanted + 4:
                    return bytes(incoming[4 : wanted + 4])

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if child.poll() is None:
            child.kill()
        child.wait()


def _write_some(handle: int, data: memoryview) -> memoryview:
    try:
        return data[os.write(handle, data[:65536]) :]
    except BlockingIOError:
        return data
    except BrokenPipeError:
        return data[:0]  # the child is gone; the read side says how


def _read_some(handle: int) -> bytes | None:
    try:
        return os.read(handle, 65536)
    except BlockingIOError:
        return None


def _death(child: subprocess.Popen[bytes]) -> ParseFault:
    code = child.wait()
    _log.warning("inbox.parser_died", code=code)
    if code == -24:  # SIGXCPU
        return ParseFault("limit", "the parser used up its processor time", died=True)
    return ParseFault("crash", f"the parser ended with code {code}", died=True)
