"""Gives each HTTP request its correlation id, and logs how it ended."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from app.log import correlated, get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = get_logger("web")
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestTracing:
    """Outermost ASGI layer: the id comes from `X-Request-ID` where that is harmless, and goes back in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        started = time.monotonic()
        status = 500
        with correlated(given.decode() if _GIVEN.fullmatch(given) else None) as chosen:

            async def traced(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    message["headers"] = [*message.get("headers", []), (b"x-request-id", chosen.encode())]
                await send(message)

            try:
                await self.app(scope, receive, traced)
            finally:
                # The route, not the path: a path may carry a token (opt-out links do).
                route = getattr(scope.get("route"), "path", "-")
                milliseconds = round((time.monotonic() - started) * 1000, 1)
                log.info("request", method=scope["method"], route=route, status=status, milliseconds=milliseconds)
