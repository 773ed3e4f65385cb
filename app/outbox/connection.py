"""The SMTP session of one turn with a mailbox: opened when the first mail needs it, signed in with what signs in now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from app.domain.delivery import Stage
from app.mail.credentials import Credentials, SignIn
from app.mail.smtp import Account, SmtpSession, StepFailed
from app.models import Mailbox
from app.settings import Settings


class Connection:
    """One session at a time. `holding` renews the lease of the mailbox while something slow goes on."""

    def __init__(
        self, settings: Settings, credentials: Credentials, holding: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._holding = holding
        self._sign: SignIn | None = None
        self._session: SmtpSession | None = None

    async def open(self, mailbox: Mailbox) -> SmtpSession:
        """The session, signed in; an access token that the server refuses is renewed once. Raises StepFailed."""
        session = self._session
        try:
            if session is None:
                session = await self._sign_in(mailbox)
            await session.open()
        except StepFailed as failed:
            sign_in = self._sign
            refused = failed.stage is Stage.AUTH and failed.answer is not None and failed.answer.code >= 500
            if sign_in is None or not sign_in.bearer or not refused:
                raise
            session = await self._sign_in(mailbox, refused=sign_in.secret)
            await session.open()
        return session

    def drop(self) -> None:
        """Cut the connection, without a word."""
        if self._session is not None:
            self._session.drop()

    async def end(self, *, politely: bool) -> None:
        """The turn is over; `politely` with QUIT, where there is still a session."""
        if self._session is not None:
            if politely and self._session.is_open:
                await self._session.quit()
            self._session.drop()

    async def _sign_in(self, mailbox: Mailbox, refused: str | None = None) -> SmtpSession:
        # The token server may be slow; the lease of the mailbox must not run out meanwhile.
        async with self._holding():
            self._sign = await asyncio.to_thread(self._credentials.now, mailbox, refused=refused)
        self._session = SmtpSession(
            Account(
                host=mailbox.smtp_host,
                port=mailbox.smtp_port,
                security=mailbox.smtp_security,
                username=self._sign.username,
                password=self._sign.secret,
                bearer=self._sign.bearer,
                helo=mailbox.email.rpartition("@")[2],
                timeout=self._settings.smtp_timeout,
                dot_timeout=self._settings.smtp_dot_timeout,
            )
        )
        return self._session
