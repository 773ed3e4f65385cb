"""One SMTP session, driven step by step so that the caller can commit between the server's 354 and the first byte.

aiosmtplib's own `sendmail` raises the same error for a connection that died before the final dot and after it; the
difference decides whether a mail may be sent again. So each step here either passes, or raises `StepFailed` with the
step and the complete answer (None when there was none).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from dataclasses import dataclass, field
from datetime import timedelta

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException
from aiosmtplib.response import SMTPResponse

from app.domain.delivery import Answer, Stage
from app.domain.texts import told
from app.mail import sasl
from app.mail.mime import wire
from app.models import Security

_LONGEST_TEXT = 1000


class StepFailed(Exception):
    """A step before the dot did not pass. `detail` says what is known when there was no answer."""

    def __init__(self, stage: Stage, answer: Answer | None, detail: str) -> None:
        super().__init__(f"{stage.value}: {detail}")
        self.stage = stage
        self.answer = answer
        self.detail = detail


class NothingWritten(Exception):
    """The connection was gone before the first byte of the message was handed over: it was certainly not sent."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to send. With `bearer` the `password` is an OAuth access token."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    helo: str
    timeout: timedelta
    dot_timeout: timedelta
    bearer: bool = False


def _answer(response: SMTPResponse) -> Answer | None:
    code = int(response.code)
    if not 200 <= code <= 599:
        return None
    return Answer(code, " ".join(told(response.message).split())[:_LONGEST_TEXT])


class SmtpSession:
    """A connection to one account, used for one message after another. Not shared between tasks."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._smtp: aiosmtplib.SMTP | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._smtp is not None and self._smtp.is_connected

    async def open(self) -> None:
        """Connect, upgrade to TLS, sign in; or make sure that the open connection still answers (RSET)."""
        if self._smtp is not None:
            if self._smtp.is_connected:
                try:
                    response = await self._smtp.rset()
                    if response.code == 250:
                        return
                except (SMTPException, OSError):
                    pass
            self.drop()
        account = self._account
        smtp = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            timeout=account.timeout.total_seconds(),
            # Without a name of our own the machine's name would leak into the greeting.
            local_hostname=account.helo,
            use_tls=account.security is Security.TLS,
            # Never opportunistic: with STARTTLS configured, a server that stops offering it is refused.
            start_tls=account.security is Security.STARTTLS,
            tls_context=ssl.create_default_context() if account.security is not Security.NONE else None,
        )
        self._smtp = smtp
        try:
            await smtp.connect()
            await _greet(smtp)
        except SMTPResponseException as error:
            self.drop()
            raise StepFailed(
                Stage.CONNECT, _answer(SMTPResponse(error.code, error.message)), told(str(error))
            ) from error
        except (SMTPException, OSError, ValueError) as error:
            self.drop()
            raise StepFailed(Stage.CONNECT, None, _words(error)) from error
        if account.username and account.password:
            await self._sign_in(smtp)

    async def _sign_in(self, smtp: aiosmtplib.SMTP) -> None:
        account = self._account
        try:
            if smtp.supports_extension("auth") or account.security is not Security.NONE:
                if account.bearer:
                    await self._bring_token(smtp)
                else:
                    await smtp.login(account.username, account.password)
        except SMTPResponseException as error:
            self.drop()
            raise StepFailed(Stage.AUTH, _answer(SMTPResponse(error.code, error.message)), "sign-in refused") from error
        except (SMTPException, OSError) as error:
            self.drop()
            raise StepFailed(Stage.AUTH, None, _words(error)) from error

    async def _bring_token(self, smtp: aiosmtplib.SMTP) -> None:
        account = self._account
        mechanism = sasl.mechanism(smtp.server_auth_methods)
        if mechanism is None:
            raise SMTPException(f"{account.host} offers no sign-in with OAuth (neither XOAUTH2 nor OAUTHBEARER)")
        first = sasl.first_answer(mechanism, account.username, account.password, account.host, account.port)
        response = await smtp.execute_command(b"AUTH", mechanism.encode(), base64.b64encode(first))
        if response.code == 334:
            # The server's reason, as a challenge that has to be answered before it says no.
            reason = sasl.reason(response.message)
            response = await smtp.execute_command(base64.b64encode(sasl.last_answer(mechanism)))
            if response.code >= 400 and reason:
                response = SMTPResponse(response.code, f"{response.message} ({reason})")
        if response.code != 235:
            raise SMTPResponseException(response.code, response.message)

    async def envelope(self, sender: str, recipient: str) -> None:
        """MAIL and RCPT, one recipient. Raises StepFailed; the connection stays usable after a refusal."""
        await self._step(Stage.MAIL, b"MAIL", b"FROM:<" + sender.encode("ascii") + b">")
        await self._step(Stage.RCPT, b"RCPT", b"TO:<" + recipient.encode("ascii") + b">")

    async def data(self) -> None:
        """DATA, up to the 354. Any other answer ends the attempt and nothing was sent."""
        await self._step(Stage.DATA, b"DATA", wanted=354)

    async def _step(self, stage: Stage, *command: bytes, wanted: int | None = None) -> None:
        if self._smtp is None:
            raise StepFailed(stage, None, "the connection is closed")
        if any(byte in part for part in command for byte in (b"\r", b"\n", b"\0")):
            raise StepFailed(stage, Answer(553, "5.1.3 the address holds a control character"), "bad address")
        try:
            response = await self._smtp.execute_command(*command)
        except SMTPResponseException as error:
            self.drop()
            raise StepFailed(stage, None, _words(error)) from error
        except (SMTPException, OSError) as error:
            self.drop()
            raise StepFailed(stage, None, _words(error)) from error
        if (response.code == wanted) if wanted else (200 <= response.code < 300):
            return
        answer = _answer(response)
        if answer is None or answer.code < 400:
            # A positive answer of the wrong kind: the two sides no longer agree on where they are.
            self.drop()
            answer = None
        raise StepFailed(stage, answer, told(f"the server said {response.code} {response.message}")[:_LONGEST_TEXT])

    async def finish(self, raw: bytes) -> Answer | None:
        """Write the message with its dot in one go and wait for the answer; None when no complete answer came.

        Raises NothingWritten when the connection had ended before a byte was handed over.
        """
        if self._smtp is None or self._smtp.protocol is None or not self._smtp.is_connected:
            raise NothingWritten
        protocol = self._smtp.protocol
        try:
            protocol.write(wire(raw))
        except (SMTPException, OSError, RuntimeError) as error:
            raise NothingWritten from error
        try:
            response = await protocol.read_response(timeout=self._account.dot_timeout.total_seconds())
        except asyncio.CancelledError:
            self.drop()
            raise
        except (SMTPException, OSError, ValueError):
            self.drop()
            return None
        answer = _answer(response)
        if answer is None or answer.code == 421:
            self.drop()
        return answer

    def drop(self) -> None:
        """End the connection at once, without a dot and without QUIT: what was begun is discarded by the server."""
        if self._smtp is not None:
            transport = self._smtp.transport
            with contextlib.suppress(Exception):
                self._smtp.close()
            if isinstance(transport, asyncio.WriteTransport):
                # Closed alone, it would wait for the server's farewell to TLS, for which this loop may not live long enough.
                transport.abort()
            self._smtp = None

    async def quit(self) -> None:
        """Say goodbye; errors mean nothing any more."""
        if self._smtp is not None and self._smtp.is_connected:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._smtp.quit(), timeout=5)
        self.drop()


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    if smtp.is_ehlo_or_helo_needed:
        try:
            await smtp.ehlo()
        except aiosmtplib.SMTPHeloError:
            await smtp.helo()


def _words(error: BaseException) -> str:
    return " ".join(told(f"{type(error).__name__}: {error}").split())[:_LONGEST_TEXT]
