"""A real SMTP server (aiosmtpd) that keeps what it accepts, and a proxy before it that breaks the wire on purpose."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Sink:
    """What the server accepted: raw bytes with their envelopes, by Message-ID."""

    port: int = 0
    connections: int = 0
    messages: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    # The answer to give instead, by verb ("RCPT") or by verb and recipient ("RCPT dana@editor.test").
    answers: dict[str, str] = field(default_factory=dict)

    def instead(self, verb: str, recipient: str) -> str | None:
        return self.answers.get(f"{verb} {recipient}", self.answers.get(verb))

    def ids(self) -> Counter[str]:
        parser = BytesHeaderParser()
        return Counter(parser.parsebytes(raw)["Message-ID"] for _, _, raw in self.messages)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 2.1.0 ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self.instead("RCPT", address)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if (answer := self.instead("DOT", envelope.rcpt_tos[0])) is not None:
            return answer
        self.messages.append((envelope.mail_from or "", list(envelope.rcpt_tos), bytes(envelope.content or b"")))
        return self.answers.get("DOT-TAKEN", "250 2.0.0 queued")


@contextmanager
def running(start: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[asyncio.Server]:
    """An asyncio server in a thread of its own, stopped and cleaned up at the end."""
    loop = asyncio.new_event_loop()
    made: list[asyncio.Server] = []
    ready = threading.Event()

    async def begin() -> None:
        made.append(await start())
        ready.set()

    async def end() -> None:
        made[0].close()
        tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(end())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class _Server(SMTP):
    """aiosmtpd still sets `login_data`, which it has itself deprecated; here it is an ordinary attribute."""

    def connection_lost(self, error: Exception | None) -> None:
        # The library leaves the transport to the garbage collector, which warns.
        transport = self.transport
        super().connection_lost(error)
        if transport is not None:
            transport.close()


@contextmanager
def sink() -> Iterator[Sink]:
    """A running server on a free port."""
    kept = Sink()

    async def start() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: _Server(kept, hostname="sink.test", data_size_limit=None, loop=asyncio.get_running_loop()),
            "127.0.0.1",
            0,
        )

    with running(start) as server:
        kept.port = server.sockets[0].getsockname()[1]
        yield kept


@dataclass
class Break:
    """Where and how to break: at `verb` (CONNECT, EHLO, MAIL, RCPT, DATA, BODY, DOT); `how` is one of

    drop-command (the server never sees it), drop-reply (the server acted, we never hear), reset (TCP reset instead of
    the reply), garble (a reply that is none), cut (half a reply, then the end), hang (silence), close-early (DOT: the
    server's connection is cut in the middle of the body).
    """

    verb: str
    how: str


class Proxy:
    """A line-wise TCP proxy that follows the dialogue and applies `rule(verb) -> how | None` at each command."""

    def __init__(self, target: int, rule: Any, delay: float = 0.0) -> None:
        self._target = target
        self._rule = rule
        self._delay = delay
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**22)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_writer: asyncio.StreamWriter | None = None
        try:
            if await self._apply("CONNECT", None, writer):
                return
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=2**22)
            writer.write(await upstream_reader.readline())
            while True:
                line = await reader.readline()
                if not line:
                    return
                verb = line[:4].decode("latin-1").strip().upper()
                if self._delay:
                    await asyncio.sleep(random.random() * self._delay)
                if await self._step(verb, line, upstream_reader, upstream_writer, writer):
                    return
                if verb == "DATA":
                    body = await self._body(reader, upstream_writer)
                    if body is None or await self._step("DOT", body, upstream_reader, upstream_writer, writer):
                        return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled is how the end of the test reaches a connection that is still open.
            pass
        finally:
            for end in (writer, upstream_writer):
                if end is not None:
                    end.close()

    async def _body(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> bytes | None:
        how = self._rule("BODY")
        parts = []
        while True:
            line = await reader.readline()
            if not line:
                return None
            parts.append(line)
            if how == "close-early" and len(parts) > 3:
                upstream.write(b"".join(parts))
                return None
            if line == b".\r\n":
                return b"".join(parts)

    async def _step(
        self,
        verb: str,
        data: bytes,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> bool:
        how = self._rule(verb)
        if how == "drop-command":
            return True
        up_writer.write(data)
        reply = await self._reply(up_reader)
        if how is None:
            writer.write(reply)
            await writer.drain()
            return not reply
        return await self._apply_reply(how, reply, writer)

    async def _apply(self, verb: str, _: object, writer: asyncio.StreamWriter) -> bool:
        how = self._rule(verb)
        if how is None:
            return False
        return await self._apply_reply(how, b"220 hi\r\n", writer)

    @staticmethod
    async def _reply(reader: asyncio.StreamReader) -> bytes:
        reply = b""
        while True:
            line = await reader.readline()
            reply += line
            if not line or line[3:4] != b"-":
                return reply

    @staticmethod
    async def _apply_reply(how: str, reply: bytes, writer: asyncio.StreamWriter) -> bool:
        if how == "garble":
            writer.write(b"what was that?\r\n")
        elif how == "cut":
            writer.write(reply[:5])
        elif how == "hang":
            await asyncio.sleep(3600)
        elif how == "reset":
            import socket
            import struct

            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif how.startswith("say "):
            writer.write(how[4:].encode() + b"\r\n")
            await writer.drain()
            return False
        if how != "reset":
            await writer.drain()
        return True


@contextmanager
def proxy(target: int, rule: Any, delay: float = 0.0) -> Iterator[int]:
    """The port of a running proxy before the server at `target`."""
    made = Proxy(target, rule, delay)
    with running(made.start):
        yield made.port


def breaking(broken: Break) -> Any:
    """The rule that breaks every time at one point."""
    return lambda verb: broken.how if verb == broken.verb else None


def losing_replies(share: float, seed: int) -> Any:
    """The rule that loses this share of the replies to the final dot."""
    dice = random.Random(seed)
    return lambda verb: "drop-reply" if verb == "DOT" and dice.random() < share else None
