"""The process that parses: no network, no database, no secrets, little memory and little time.

Run by `app.inbox.parser` as `python -I -m app.inbox.child`. On standard input and output it speaks frames: four bytes of
length (big-endian), then that many bytes. A frame in is a raw message; a frame out starts with `+` and the JSON of
`app.inbox.wire`, or with `-` and the name of the exception. Whatever goes wrong beyond that ends this process, and the
parent starts another.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from typing import BinaryIO

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 5
MOST_FRAME = 64 * 1024 * 1024


def limit_process() -> None:
    """Give up memory beyond the limit, files, children, and (with no descriptor left to open) the network."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # Descriptors 0, 1 and 2 are open; a socket would be the fourth.
    os.closerange(3, 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def allow_cpu() -> None:
    """Move the soft CPU limit to what is used so far plus the allowance of one message; the kernel ends us beyond it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _read(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def _preload() -> None:
    # Nothing can be opened after the limits are set, so whatever is imported late is imported now.
    for name in (
        "encodings.idna",
        "encodings.punycode",
        "encodings.raw_unicode_escape",
        "encodings.unicode_escape",
        "html.entities",
        "lxml.html",
        "inscriptis",
        "app.domain.absence",
        "app.domain.inbound_auto",
        "app.domain.inbound_bounce",
        "app.domain.inbound_complaint",
        "app.domain.inbound_gesture",
        "app.domain.inbound_intent",
        "app.domain.inbound_opt_out",
        "app.inbox.parse",
        "app.inbox.wire",
    ):
        importlib.import_module(name)
    from app.inbox import decoding
    from app.inbox.html_text import html_to_text

    decoding.preload()
    html_to_text("<p>&nbsp;warm<b>up</b></p>")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer frames until the input ends."""
    from app.inbox.parse import parse
    from app.inbox.wire import dump, judge

    while True:
        try:
            size = int.from_bytes(_read(source, 4), "big")
        except EOFError:
            return
        if size > MOST_FRAME:
            return
        raw = _read(source, size)
        allow_cpu()
        try:
            answer = b"+" + dump(judge(parse(raw)))
        except Exception as error:  # noqa: BLE001 - every failure is the parent's to count; only its name leaves
            answer = b"-" + type(error).__name__.encode("ascii", "replace")
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


def main() -> None:
    """Preload, limit, serve."""
    _preload()
    limit_process()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
