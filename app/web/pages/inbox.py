"""The inbox: replies as text, possible replies to confirm or dismiss, and what belongs to nobody yet."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from app.domain.inbound import Intent
from app.errors import BadInput, FieldProblem
from app.inbox import service
from app.reports import mail
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

_PAGE = 50
TABS = {
    "waiting": (mark("Waiting"), mark("No replies wait.")),
    "unmatched": (mark("Unmatched"), mark("Every message belongs to a prospect.")),
    "all": (mark("Everything"), mark("Nothing was received yet.")),
}
_FILTERS: dict[str, dict[str, Any]] = {
    "waiting": {"kinds": mail.FOR_PEOPLE, "handled": False, "matched": True},
    "unmatched": {"handled": False, "matched": False},
    "all": {},
}


def _show(visit: Visit, inbound_id: int | None, *, alone: bool) -> Response:
    params = {**visit.request.query_params, **visit.form}
    tab = params.get("tab", "waiting")
    tab = tab if tab in TABS else "waiting"
    given = params.get("before", "")
    before = int(given) if given.isdecimal() and int(given) < 2**31 else None
    rows = mail.inbound(visit.uow, before=before, limit=_PAGE + 1, **_FILTERS[tab])
    more = rows[_PAGE - 1]["id"] if len(rows) > _PAGE else None
    rows = rows[:_PAGE]
    chosen = inbound_id if inbound_id is not None else (rows[0]["id"] if rows else None)
    message = service.get(visit.uow, chosen) if chosen is not None else None
    return visit.page(
        "inbox.html",
        rows=rows,
        more=more,
        tab=tab,
        tabs=TABS,
        message=message,
        possible=mail.possible_reply(visit.uow, message.id) if message else False,
        thread=mail.thread(visit.uow, message.conversation_id) if message and message.conversation_id else [],
        intents=list(Intent),
        alone=alone,
        notice=_("Done.") if visit.request.query_params.get("did") else None,
    )


@pages.get("/inbox", needs="messages:read")
def inbox(visit: Visit) -> Response:
    """What was received, with the first message open."""
    return _show(visit, None, alone=False)


@pages.get("/inbox/{inbound_id}", needs="messages:read")
def message(visit: Visit, inbound_id: Id) -> Response:
    """One message as text, with its conversation."""
    return _show(visit, inbound_id, alone=True)


def _again(visit: Visit, inbound_id: int) -> Response:
    return _show(visit, inbound_id, alone=True)


def _done(visit: Visit) -> Response:
    tab = visit.text("tab")
    return visit.go(f"/inbox?tab={tab if tab in TABS else 'waiting'}&did=yes")


@pages.post("/inbox/{inbound_id}/reply", needs="messages:write", again=_again)
def is_reply(visit: Visit, inbound_id: Id) -> Response:
    """It is a reply: follow-ups stop for good."""
    service.is_reply(visit.uow, inbound_id, actor=visit.actor, prospect_id=visit.number("prospect_id"))
    return _done(visit)


@pages.post("/inbox/{inbound_id}/dismiss", needs="messages:write", again=_again)
def dismiss(visit: Visit, inbound_id: Id) -> Response:
    """It is no reply: the follow-ups that it paused go on."""
    service.dismiss(visit.uow, inbound_id, actor=visit.actor)
    return _done(visit)


@pages.post("/inbox/{inbound_id}/handled", needs="messages:write", again=_again)
def handled(visit: Visit, inbound_id: Id) -> Response:
    """A person has dealt with it, and may correct what they want."""
    given = visit.text("intent")
    if given and given not in set(Intent):
        raise BadInput("there is no such class", FieldProblem("intent", f"Choose one of {', '.join(Intent)}"))
    service.mark_handled(visit.uow, inbound_id, actor=visit.actor, intent=Intent(given) if given else None)
    return _done(visit)
