"""The outbox: what waits and why, what failed, and the two buttons for a mail whose fate is unknown."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from app.domain.delivery import OutboundState
from app.outbox import service
from app.reports import desk, mail
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

TABS: dict[str, tuple[str, tuple[OutboundState, ...], str]] = {
    "waiting": (mark("Waiting"), (OutboundState.QUEUED,), mark("Nothing waits.")),
    "sending": (
        mark("Sending"),
        (OutboundState.CLAIMED, OutboundState.COMMITTED),
        mark("Nothing is being sent at this moment."),
    ),
    "ambiguous": (mark("Unsure"), (OutboundState.AMBIGUOUS,), mark("Nothing is unsure.")),
    "failed": (mark("Failed"), (OutboundState.REJECTED, OutboundState.NOT_SENT), mark("Nothing failed.")),
    "sent": (mark("Sent"), (OutboundState.SENT,), mark("Nothing was sent yet.")),
    "cancelled": (mark("Taken back"), (OutboundState.CANCELLED,), mark("Nothing was taken back.")),
}
_PAGE = 50


def _show(visit: Visit, tab: str) -> Response:
    label, states, empty = TABS[tab]
    given = visit.request.query_params.get("before", "")
    before = int(given) if given.isdecimal() and int(given) < 2**31 else None
    found = mail.outbox(visit.uow, states=states, before=before, limit=_PAGE + 1)
    more = found[_PAGE - 1][0].id if len(found) > _PAGE else None
    rows = [
        {"mail": row, "domain": domain, "why": service.why_waiting(visit.uow, row)} for row, domain in found[:_PAGE]
    ]
    pitches = desk.pitches_behind(visit.uow, [row.id for row, _ in found]) if tab == "waiting" else {}
    return visit.page(
        "outbox.html",
        rows=rows,
        tab=tab,
        tabs=TABS,
        label=label,
        empty=empty,
        pitches=pitches,
        more=more,
        notice=_notice(visit),
    )


def _notice(visit: Visit) -> str | None:
    return {
        "cancelled": _("Taken back."),
        "treat-as-sent": _("Counted as sent."),
        "send-again": _("It waits for a new attempt, with the same text and the same Message-ID."),
    }.get(visit.request.query_params.get("did", ""))


@pages.get("/outbox", needs="outbox:read")
def outbox(visit: Visit) -> Response:
    """Mail by where it stands."""
    tab = visit.request.query_params.get("tab", "waiting")
    return _show(visit, tab if tab in TABS else "waiting")


def _again_waiting(visit: Visit, **__: Any) -> Response:
    return _show(visit, "waiting")


def _again_unsure(visit: Visit, **__: Any) -> Response:
    return _show(visit, "ambiguous")


@pages.post("/outbox/{outbound_id}/cancel", needs="outbox:write", again=_again_waiting)
def cancel(visit: Visit, outbound_id: Id) -> Response:
    """Take a waiting mail back."""
    service.cancel(visit.uow, outbound_id, actor=visit.actor)
    return visit.go("/outbox?did=cancelled")


@pages.post("/outbox/{outbound_id}/treat-as-sent", needs="outbox:write", again=_again_unsure)
def treat_as_sent(visit: Visit, outbound_id: Id) -> Response:
    """A person has found out that it arrived."""
    service.treat_as_sent(visit.uow, outbound_id, actor=visit.actor)
    return visit.go("/outbox?tab=ambiguous&did=treat-as-sent")


@pages.post("/outbox/{outbound_id}/send-again", needs="outbox:write", again=_again_unsure)
def send_again(visit: Visit, outbound_id: Id) -> Response:
    """A person has found out that it did not arrive."""
    service.send_again(visit.uow, outbound_id, actor=visit.actor)
    return visit.go("/outbox?tab=ambiguous&did=send-again")
