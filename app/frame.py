"""What surrounds every request besides its trace: a limit on the body, security headers, and no naked crash."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.log import correlation_id, get_logger

log = get_logger("app.http")

# An import is the one large thing that people send; exports of the big tools have tens of megabytes.
LARGEST_BODY = 1_000_000
LARGEST_UPLOAD = 500_000_000
UPLOADS = frozenset({"/api/v1/imports", "/imports", "/imports/mentions"})

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Frame:
    """`crash` makes the answer for an error that nobody handled; it gets the reference under which the logs hold it.

    `refuse` makes the answer for a body that says in advance that it is too large.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool,
        crash: Callable[[Request, str], Response],
        refuse: Callable[[Request, Exception], Response],
    ) -> None:
        self._small = RequestBodyLimitMiddleware(app, max_body_size=LARGEST_BODY)
        self._large = RequestBodyLimitMiddleware(app, max_body_size=LARGEST_UPLOAD)
        self._https = https
        self._crash, self._refuse = crash, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._small(scope, receive, send)
            return
        started = False

        async def framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._https:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if not scope["path"].startswith("/static/"):
                    # Pages and answers hold other people's names and addresses: no cache may keep them.
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        inner = self._large if scope["path"] in UPLOADS else self._small
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > inner.max_body_size:
            request = Request(scope, receive)
            await self._refuse(request, HTTPException(413, "the body is too large"))(scope, receive, framed)
            return
        try:
            await inner(scope, receive, framed)
        except Exception as error:
            log.exception("http.crashed", error=type(error).__name__)
            if started:
                raise  # The answer was under way; cutting the connection is the only honest end.
            await self._crash(Request(scope, receive), correlation_id() or "-")(scope, receive, framed)
