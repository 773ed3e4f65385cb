"""The counts beside the navigation while a page is open: a stream of events, or one answer for those who have to ask."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import anyio
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse, Response, StreamingResponse

from app.container import Container
from app.team import service as team
from app.web import navigation
from app.web.door import SIGNED_IN, Pages, Visit, session_cookie

pages = Pages()

#: Seconds between two looks at the counts, and until a stream ends by itself, so that none outlives its reader by much.
EVERY = 5.0
LIFE = 300.0
# A server that stops waits for what it answers; a stream must not let it wait.
_NAP = 0.5


def _look(container: Container, secret: str | None) -> dict[str, str] | None:
    """The counts that this session may see; None when it is over. A look is no sign that somebody is there."""
    who = team.resume(container.db, secret, touch=False)
    if who is None:
        return None
    with container.db.read() as uow:
        return navigation.counts_for(uow, who)


async def _events(container: Container, secret: str | None, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    begun, before = time.monotonic(), None
    yield b"retry: 5000\n\n"
    while time.monotonic() - begun < LIFE and not closing():
        counts = await run_sync(partial(_look, container, secret))
        if counts is None:
            return
        # A comment in between tells both ends that the other is still there.
        yield b": still here\n\n" if counts == before else f"event: counts\ndata: {json.dumps(counts)}\n\n".encode()
        before = counts
        waited = 0.0
        while waited < EVERY and not closing():
            await anyio.sleep(_NAP)
            waited += _NAP


@pages.get("/live", needs=SIGNED_IN)
def live(visit: Visit) -> Response:
    """Counts by the address of their page ("" for none): a stream for who asks for one, else JSON."""
    if "text/event-stream" not in visit.request.headers.get("accept", ""):
        return JSONResponse(navigation.counts_for(visit.uow, visit.who))
    secret = visit.request.cookies.get(session_cookie(visit.container))
    # A proxy that gathers an answer before it passes it on would hold every event back.
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    closing = getattr(visit.request.app.state, "closing", bool)
    return StreamingResponse(_events(visit.container, secret, closing), media_type="text/event-stream", headers=headers)
