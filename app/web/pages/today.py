"""The first page: what waits, and where to begin."""

from __future__ import annotations

from starlette.responses import Response

from app.web.door import SIGNED_IN, Pages, Visit

pages = Pages()


@pages.get("/", needs=SIGNED_IN)
def today(visit: Visit) -> Response:
    """Counts with a link each, and the button to the queue."""
    return visit.page("today.html")
