"""An SMTP server that asks who comes: passwords, access tokens that it really checks, TLS and STARTTLS as wanted."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.smtp_sink import Sink, _Server, running

PASSWORD = "secret"


class _Guarded(Sink):
    """A sink behind a sign-in. `signed_in` lists (mechanism, user) of those who got through, `refused` the others."""

    def __init__(self, owner: Callable[[str], str | None]) -> None:
        super().__init__()
        self.owner = owner
        self.signed_in: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self.deliver: Callable[[bytes], None] = lambda _: None
        self.no = "535 5.7.8 Username and Password not accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if answer.startswith("2"):
            await asyncio.to_thread(self.deliver, bytes(envelope.content or b""))
        return answer

    def password(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return self._answer(mechanism, data.login.decode(), data.password.decode() == PASSWORD)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        fields = base64.b64decode(args[1]).decode().split("\x01")
        assert fields[-2:] == ["", ""], fields
        return await self._token(server, "XOAUTH2", fields[0].removeprefix("user="), fields[1], b"")

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:
        fields = base64.b64decode(args[1]).decode().split("\x01")
        assert fields[0].startswith("n,a=")
        assert fields[-2:] == ["", ""], fields
        user = fields[0].removeprefix("n,a=").removesuffix(",")
        auth = next(entry for entry in fields if entry.startswith("auth="))
        return await self._token(server, "OAUTHBEARER", user, auth, b"\x01")

    async def _token(self, server: SMTP, mechanism: str, user: str, auth: str, last: bytes) -> AuthResult:
        good = self.owner(auth.removeprefix("auth=Bearer ")) == user
        if not good:
            # The reason goes out as a challenge, and the client has to answer it before it hears the no.
            reason = base64.b64encode(json.dumps({"status": "invalid_token"}).encode()).decode()
            answered = await server.challenge_auth(reason.encode(), encode_to_b64=False)
            assert answered == last, answered
        return self._answer(mechanism, user, good)

    def _answer(self, mechanism: str, user: str, good: bool) -> AuthResult:
        (self.signed_in if good else self.refused).append((mechanism, user))
        return AuthResult(success=good, handled=False, message=None if good else self.no, auth_data=user)


@contextmanager
def guarded_smtp(
    owner: Callable[[str], str | None] = lambda _: None,
    *,
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"),
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
) -> Iterator[_Guarded]:
    """A running server on a free port; `owner` says whose an access token is."""
    kept = _Guarded(owner)
    left_out = {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"} - set(mechanisms)

    async def start() -> asyncio.Server:
        def made() -> SMTP:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _Server(
                    kept,
                    hostname="smtp.test",
                    data_size_limit=None,
                    loop=asyncio.get_running_loop(),
                    authenticator=kept.password,
                    auth_required=True,
                    auth_require_tls=False,
                    auth_exclude_mechanism=left_out,
                    tls_context=starttls,
                )

        return await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls)

    with running(start) as server:
        kept.port = server.sockets[0].getsockname()[1]
        yield kept
