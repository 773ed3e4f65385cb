"""The SMTP side of the sandbox's post office: aiosmtpd with sign-in, the office's rules, and faults on request."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class Fault:
    """What the SMTP side does instead of its duty.

    `stage` is connect, auth, mail, rcpt, data (before 354) or dot. `reply` is sent as it stands, None cuts the connection.
    `recipient` limits it to one address (rcpt and dot), `times` to so many transactions (None: always). At the dot,
    `deliver` says whether the mail is stored before the reply, `delay` (seconds) how long the reply takes.
    """

    stage: str
    reply: str | None = None
    recipient: str | None = None
    times: int | None = 1
    deliver: bool = False
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounce:
    """How a recipient's own server refuses a mail after ours has taken it: enhanced status and its answer."""

    status: str
    diagnostic: str


class Office(Protocol):
    """What a conversation needs from the post office."""

    hostname: str
    connections: set[asyncio.BaseTransport]
    bounces: dict[str, Bounce]
    ids: itertools.count[int]

    def take_fault(self, stage: str, recipient: str | None = None) -> Fault | None:
        """The fault that is due at this stage."""

    def check_sign_in(self, name: str, password: str) -> bool:
        """Whether the password belongs to the account."""

    def account_for(self, recipient: str) -> str | None:
        """The account that takes mail for `recipient`."""

    async def accept(self, mail_from: str, recipient: str, raw: bytes) -> None:
        """Take responsibility for one mail."""


class _PlainSession(Session):
    """aiosmtpd still sets the attribute `login_data`, which it has itself deprecated; here it is an ordinary one."""

    login_data = None


class Conversation(SMTP):
    """One SMTP connection."""

    def __init__(self, office: Office, loop: asyncio.AbstractEventLoop) -> None:
        self._office = office
        super().__init__(
            _Rules(office),
            hostname=office.hostname,
            ident="ESMTP sandbox",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._sign_in,
            loop=loop,
        )

    def _create_session(self) -> Session:
        return _PlainSession(self.loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, so that `stop` can close it."""
        self._office.connections.add(transport)
        self._mine = transport
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the transport."""
        self._office.connections.discard(self._mine)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        """DATA, unless a fault speaks before the 354."""
        fault = self._office.take_fault("data")
        if fault is None:
            await super().smtp_DATA(arg)
        elif fault.reply is not None:
            await self.push(fault.reply)
        elif self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    async def push(self, status: Any) -> None:
        """Send a reply, unless a fault speaks for the greeting."""
        if isinstance(status, str) and status.startswith("220 "):
            fault = self._office.take_fault("connect")
            if fault is not None:
                if fault.reply is not None:
                    await super().push(fault.reply)
                if self.transport is not None:
                    self.transport.close()
                return
        await super().push(status)

    def _sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        fault = self._office.take_fault("auth")
        if fault is not None:
            return AuthResult(success=False, handled=False, message=fault.reply)
        if isinstance(auth_data, LoginPassword):
            name, password = auth_data.login.decode(), auth_data.password.decode()
            if self._office.check_sign_in(name, password):
                return AuthResult(success=True, auth_data=name.lower())
        return AuthResult(success=False, handled=False, message="535 5.7.8 Authentication credentials invalid")


class _Rules:
    """aiosmtpd's hooks: who may send, to whom, and the faults."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def _faulty(self, server: SMTP, fault: Fault) -> str:
        if fault.reply is None:
            if server.transport is not None:
                server.transport.abort()  # type: ignore[attr-defined]
            raise ConnectionResetError("the connection is cut on purpose")
        return fault.reply

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._office.take_fault("mail"):
            return self._faulty(server, fault)
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        # aiosmtpd hands the null sender over as "<>", and takes an empty one for a missing MAIL.
        if address != "<>" and self._office.account_for(address) != session.auth_data:
            return "553 5.7.1 Sender address rejected: not owned by the signed-in account"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._office.take_fault("rcpt", address):
            return self._faulty(server, fault)
        if self._office.account_for(address) is None and address.lower() not in self._office.bounces:
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = bytes(envelope.original_content or b"")
        fault = None
        for recipient in envelope.rcpt_tos:
            fault = fault or self._office.take_fault("dot", recipient)
        if fault is None or fault.deliver:
            for recipient in envelope.rcpt_tos:
                await self._office.accept((envelope.mail_from or "").strip("<>"), recipient, raw)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            return self._faulty(server, fault)
        return f"250 2.0.0 Ok: queued as {next(self._office.ids):08X}"
