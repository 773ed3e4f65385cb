"""The outbox: what waits and why, what failed, and the two buttons for a mail whose fate is unknown."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from app.desk import service as decisions
from app.domain.delivery import OutboundState
from app.domain.said import say
from app.errors import Conflict
from app.outbox import service
from app.reports import desk, mail, unsure
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark
from app.web.words import NEXT_STEPS

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
    found = mail.outbox(visit.uow, states=states, before=visit.position("before"), limit=_PAGE + 1)
    more = found[_PAGE - 1][0].id if len(found) > _PAGE else None
    shown = found[:_PAGE]
    reasons = service.why_all(visit.uow, [row for row, _ in shown], visit.container.settings)
    failures = mail.failures(visit.uow, [row.id for row, _ in shown]) if tab == "failed" else {}
    rows = [
        {"mail": row, "domain": domain, "why": why, "failure": failures.get(row.id)}
        for (row, domain), why in zip(shown, reasons, strict=True)
    ]
    pitches = desk.pitches_behind(visit.uow, [row.id for row, _ in found]) if tab == "waiting" else {}
    return visit.page(
        "outbox.html",
        rows=rows,
        tab=tab,
        tabs=TABS,
        unsure_count=unsure.count_all(visit.uow),
        label=label,
        empty=empty,
        pitches=pitches,
        mailboxes=mail.mailbox_names(visit.uow, {row.mailbox_id for row, _ in shown}),
        next_steps=NEXT_STEPS,
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


def _again_failed(visit: Visit, **__: Any) -> Response:
    return _show(visit, "failed")


@pages.post("/outbox/{outbound_id}/begin-anew", needs="prospects:write", again=_again_failed)
def begin_anew(visit: Visit, outbound_id: Id) -> Response:
    """Open the prospect of a refused mail again: a refused mail itself is final, a new draft is not."""
    row = service.get(visit.uow, outbound_id)
    if row.state is not OutboundState.REJECTED:
        raise Conflict(say("this mail was not refused"))
    decisions.reopen(
        visit.uow,
        row.prospect_id,
        say("after a mail was refused: {code} {text}", code=row.reply_code or "", text=row.reply_text or ""),
        actor=visit.actor,
    )
    return visit.go(f"/queue/{row.prospect_id}")


def _again_waiting(visit: Visit, **__: Any) -> Response:
    return _show(visit, "waiting")


def _again_unsure(visit: Visit, **__: Any) -> Response:
    return _show(visit, "ambiguous")


@pages.post("/outbox/{outbound_id}/cancel", needs="outbox:write", again=_again_waiting)
def cancel(visit: Visit, outbound_id: Id) -> Response:
    """Take a waiting mail back."""
    decisions.take_out(visit.uow, outbound_id, actor=visit.actor)
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
