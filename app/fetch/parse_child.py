"""The parser's own process: reads pages from its standard input, writes their facts to its standard output, knows nothing else.

Each message is four bytes of length (big-endian) and that many bytes of JSON. The process ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
from dataclasses import asdict
from typing import Any

from selectolax.lexbor import SelectolaxError

from app.fetch.page import parse_page

MEMORY_BYTES = 1 << 30


def main() -> None:
    """Answer pages until the input ends."""
    _limit_memory()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        task: dict[str, Any] = json.loads(source.read(struct.unpack(">I", head)[0]))
        try:
            answer: dict[str, Any] = {"facts": asdict(parse_page(**task))}
        except (MemoryError, RuntimeError, ValueError, SelectolaxError) as error:
            answer = {"problem": type(error).__name__}
        body = json.dumps(answer, ensure_ascii=True).encode("ascii")
        sink.write(struct.pack(">I", len(body)) + body)
        sink.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has the limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
