"""The sandbox's post office: SMTP by aiosmtpd and IMAP by pymap on free ports of this machine, one account for each person.

Both servers come from installed packages and share one loop. A mail that the SMTP side accepts is appended to the mailbox of
its recipient and kept in `delivered` with its envelope, so that a ledger can be compared with it. Like a provider, the SMTP
side takes mail only from people who signed in; a recipient's own server may then bounce it, with a real RFC 3464 report.
"""

from __future__ import annotations

import asyncio
import itertools
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from app.clock import Clock, SystemClock
from app.sandbox import letters
from app.sandbox.loop import LoopThread
from app.sandbox.submission import Bounce, Conversation, Fault

FOLDERS = ("Junk", "Sent")


@dataclass(frozen=True, slots=True)
class Account:
    """One person's mailbox: the address is also the sign-in name."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail in a mailbox: `raw` is what the sender wrote between DATA and the dot, byte for byte."""

    account: str
    mail_from: str
    recipient: str
    raw: bytes
    at: datetime


class _Config(Config):
    """pymap asks the machine for its own name at every connection, which can take long; the sandbox has a name."""

    @property
    def greeting(self) -> bytes:
        return b"sandbox ready"


class PostOffice:
    """The two servers; `start` takes well under a second, `stop` closes every connection. Also a context manager."""

    def __init__(self, accounts: Iterable[Account], clock: Clock | None = None, hostname: str = "mail.sandbox.test"):
        self.accounts = {account.address.lower(): account for account in accounts}
        self.clock = clock or SystemClock()
        self.hostname = hostname
        self.host = "127.0.0.1"
        self.smtp_port = 0
        self.imap_port = 0
        self.delivered: list[Delivered] = []
        self.bounces: dict[str, Bounce] = {}
        self.faults: list[Fault] = []
        self.ids: itertools.count[int] = itertools.count(1)
        self._loop: LoopThread | None = None
        self._servers: list[asyncio.AbstractServer] = []
        self.connections: set[asyncio.BaseTransport] = set()

    # --- running ------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen on free ports of 127.0.0.1."""
        self._loop = LoopThread("sandbox-mail")
        self._loop.run(self._listen())
        return self

    def stop(self) -> None:
        """Close the ports and every connection."""
        if self._loop is not None:
            self._loop.run(self._close())
            self._loop.stop()
            self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def _listen(self) -> None:
        empty = Namespace(passlib_cfg=None, proxy_protocol=None)
        self._config = _Config(
            empty,
            host=self.host,
            port=0,
            tls_enabled=False,
            demo_data=False,
            demo_user="",
            demo_password="",
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
        )
        self._config.apply_context()
        login = Login(self._config)
        for address, account in self.accounts.items():
            login.users_dict[address] = UserMetadata(self._config, address, password=account.password)
            boxes = MailboxSet()
            for folder in FOLDERS:
                await boxes.add_mailbox(folder)
            self._config.set_cache[address] = (boxes, FilterSet())
        serve = ProxyProtocolReader(self._config.proxy_protocol).get_callback(IMAPServer(login, self._config))
        imap = await asyncio.start_server(serve, self.host, 0)
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(lambda: Conversation(self, loop), self.host, 0)
        self._servers = [imap, smtp]
        self.imap_port = imap.sockets[0].getsockname()[1]
        self.smtp_port = smtp.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for transport in list(self.connections):
            transport.close()
        await asyncio.sleep(0)

    def _run(self, work: Any) -> Any:
        if self._loop is None:
            raise RuntimeError("the post office is closed")
        return self._loop.run(work)

    # --- what a test or the demo may do behind the servers' backs ---------------------------------------------------

    def put(self, address: str, raw: bytes, *, folder: str = "INBOX", at: datetime | None = None) -> None:
        """Place `raw` (CRLF lines) into a folder, as a filter or another server would. Not counted as delivered."""
        self._run(self._append(address.lower(), raw, folder, at or self.clock.now()))

    def stored(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """The bytes of every mail in a folder, oldest first, with the trace lines."""

        async def look() -> list[bytes]:
            self._config.apply_context()
            box = await self._folder(address.lower(), folder)
            return [bytes(message._content) async for message in box.messages()]  # type: ignore[arg-type]

        return list(self._run(look()))

    def forget_uids(self, address: str, folder: str = "INBOX") -> None:
        """Renumber a folder: same mails, a new UIDVALIDITY, as after a restored backup. Open sessions keep the old one."""

        async def renumber() -> None:
            self._config.apply_context()
            old = await self._folder(address.lower(), folder)
            boxes = self._config.set_cache[address.lower()][0]
            fresh = MailboxData(boxes._content_cache, boxes._thread_cache)
            async for message in old.messages():
                literal = bytes(message._content)  # type: ignore[arg-type]
                await fresh.append(AppendMessage(literal, message.internal_date))
            # Validity is a time in seconds to pymap; a second folder within one second would keep the number.
            fresh._uid_validity = max(fresh._uid_validity, old._uid_validity + 1)
            if folder.upper() == "INBOX":
                boxes._inbox = fresh
            else:
                boxes._set[folder] = fresh

        self._run(renumber())

    # --- delivery ---------------------------------------------------------------------------------------------------

    def account_for(self, recipient: str) -> str | None:
        """The account that takes mail for `recipient`; `name+anything@domain` belongs to `name@domain` (RFC 5233)."""
        local, _, domain = recipient.lower().rpartition("@")
        for candidate in (f"{local}@{domain}", f"{local.split('+', 1)[0]}@{domain}"):
            if candidate in self.accounts:
                return candidate
        return None

    async def _folder(self, account: str, folder: str) -> MailboxData:
        return await self._config.set_cache[account][0].get_mailbox(folder)

    async def _append(self, account: str, raw: bytes, folder: str, at: datetime) -> None:
        self._config.apply_context()
        await (await self._folder(account, folder)).append(AppendMessage(raw, at))

    async def accept(self, mail_from: str, recipient: str, raw: bytes) -> None:
        """Take responsibility for one mail: into the mailbox, or back to the sender with a report."""
        now = self.clock.now()
        bounce = self.bounces.get(recipient.lower())
        if bounce is not None:
            if mail_from:  # A report about a report is never sent (RFC 5321 section 6.1).
                report = letters.non_delivery(
                    raw,
                    host=self.hostname,
                    sender=mail_from,
                    recipient=recipient,
                    status=bounce.status,
                    diagnostic=bounce.diagnostic,
                    at=now,
                    message_id=f"<report.{next(self.ids)}@{self.hostname}>",
                )
                await self.accept("", mail_from, report)
            return
        account = self.account_for(recipient)
        if account is None:
            return
        trace = (
            f"Return-Path: <{mail_from}>\r\nDelivered-To: {recipient}\r\n"
            f"Received: from sandbox by {self.hostname} with ESMTP id {next(self.ids)}\r\n"
            f"\tfor <{recipient}>; {format_datetime(now)}\r\n"
        ).encode()
        await self._append(account, trace + raw, "INBOX", now)
        self.delivered.append(Delivered(account, mail_from, recipient, raw, now))

    # --- faults -----------------------------------------------------------------------------------------------------

    def take_fault(self, stage: str, recipient: str | None = None) -> Fault | None:
        """The fault that is due at this stage, counted down."""
        for fault in self.faults:
            wanted = fault.recipient is None or (recipient or "").lower() == fault.recipient.lower()
            if fault.stage == stage and wanted and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def check_sign_in(self, name: str, password: str) -> bool:
        """Whether the password belongs to the account."""
        account = self.accounts.get(name.lower())
        return account is not None and account.password == password
