"""An SMTP server that reads bytes, not lines: only CR LF ends a line, and whatever else looks like one is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.smtp_sink import running


@dataclass
class StrictSink:
    """What came: (commands of the transaction, the bytes between DATA and the final dot, unstuffed), and broken line ends."""

    port: int = 0
    commands: list[bytes] = field(default_factory=list)
    messages: list[tuple[list[bytes], bytes]] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[bytes] = []
        try:
            writer.write(b"220 strict.test ESMTP\r\n")
            while True:
                line = (await reader.readuntil(b"\r\n"))[:-2]
                self._look(line)
                self.commands.append(line)
                verb = line[:4].upper()
                if verb in (b"MAIL", b"RSET"):
                    recipients = []
                if verb == b"RCPT":
                    recipients.append(line)
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self.messages.append((recipients, await self._body(reader)))
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _body(self, reader: asyncio.StreamReader) -> bytes:
        lines: list[bytes] = []
        while (line := (await reader.readuntil(b"\r\n"))[:-2]) != b".":
            self._look(line)
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"\r\n".join(lines) + b"\r\n"

    def _look(self, line: bytes) -> None:
        if b"\r" in line or b"\n" in line or b"\0" in line:
            self.broken.append(line)


@contextmanager
def strict_sink() -> Iterator[StrictSink]:
    """A running server on a free port of 127.0.0.1."""
    kept = StrictSink()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(kept.serve, "127.0.0.1", 0, limit=2**22)

    with running(start) as server:
        kept.port = server.sockets[0].getsockname()[1]
        yield kept
