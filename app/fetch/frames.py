"""Messages to and from a child process over its pipes: four bytes of length (big-endian) and that many bytes of body."""

from __future__ import annotations

import os
import select
import struct
import time
from typing import IO


class NoAnswer(Exception):
    """The other end was too slow, has gone, or wants to say more than it may."""


def send(pipe: IO[bytes] | None, body: bytes) -> None:
    """Write one message. Raises NoAnswer where there is no pipe, OSError where nobody reads it."""
    if pipe is None:
        raise NoAnswer
    pipe.write(struct.pack(">I", len(body)) + body)
    pipe.flush()


def receive(pipe: IO[bytes] | None, until: float, most: int) -> bytes:
    """The next message of a child that is not trusted to answer: at most `most` bytes, whole before `until` (monotonic seconds).

    Reads past the buffer of `pipe`, which must not be read in any other way. Raises NoAnswer, or OSError.
    """
    if pipe is None:
        raise NoAnswer
    size = struct.unpack(">I", _read(pipe.fileno(), 4, until))[0]
    if size > most:
        raise NoAnswer("the answer is too large")
    return _read(pipe.fileno(), size, until)


def await_next(pipe: IO[bytes]) -> bytes | None:
    """In the child: the parent's next message, however long that takes; None when the parent has closed its end."""
    head = pipe.read(4)
    return pipe.read(struct.unpack(">I", head)[0]) if len(head) == 4 else None


def _read(source: int, size: int, until: float) -> bytes:
    got = bytearray()
    poll = select.poll()
    poll.register(source, select.POLLIN)
    while len(got) < size:
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise NoAnswer
        chunk = os.read(source, min(size - len(got), 1 << 20))
        if not chunk:
            raise NoAnswer
        got += chunk
    return bytes(got)
