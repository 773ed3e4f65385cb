"""The notices of a person: what waits too long, what is unsure, what was lost, what is broken; and that they were read."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput
from app.reports import notices
from app.team import preferences
from app.web.door import SIGNED_IN, Pages, Visit, moment
from app.web.i18n import _, mark
from app.web.navigation import NOTICES, kinds_for

pages = Pages()

_MOST = 50
#: Each kind with what it says, and where one can do something about it.
WORDS = {
    notices.LATE: (mark("A message waits too long"), "/inbox/{}"),
    notices.UNSURE: (mark("Nobody knows whether this mail has arrived"), "/outbox?tab=ambiguous"),
    notices.LINK: (mark("A link of tier 1 was lost"), "/prospects/{}"),
    notices.MAILBOX: (mark("A mailbox needs somebody"), "/mailboxes/{}"),
}


@pages.get(NOTICES, needs=SIGNED_IN)
def listing(visit: Visit) -> Response:
    """The newest first; those that were not read are marked."""
    return visit.page(
        "notices.html",
        rows=notices.listing(visit.uow, visit.who.notices_seen_at, kinds_for(visit.who), limit=_MOST),
        most=_MOST,
        words=WORDS,
        now=visit.uow.now(),
        notice=_("Marked as read.") if visit.request.query_params.get("did") else None,
    )


@pages.post("/notices/read", needs=SIGNED_IN)
def read(visit: Visit) -> Response:
    """Mark what the page has shown as read; what came after it stays unread."""
    until = moment(visit.text("until"))
    if until is None:
        raise BadInput(say("the list cannot be marked as read; open it anew"))
    preferences.read_notices(visit.uow, visit.who.id, min(until, visit.uow.now()))
    return visit.go(NOTICES + "?did=read")
