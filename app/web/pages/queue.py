"""The queue: list, draft and evidence side by side; approve and next. Plain forms, no script."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.responses import Response

from app.domain.pipeline import LostReason, Stage
from app.errors import BadInput, Conflict, FieldProblem
from app.mentions import service as mentions
from app.models import PitchState
from app.pitches import service as pitches
from app.prospects import contacts
from app.prospects import service as prospects
from app.reports import desk
from app.web.door import Id, Pages, Visit
from app.web.lanes import PAGE, Lane, lane_of, position_of

pages = Pages()

SKIPS = (
    (LostReason.UNWINNABLE, "Not winnable (news, partner, directory ...)"),
    (LostReason.WANTS_PAYMENT, "They want to be paid"),
    (LostReason.NO_CONTACT, "Nobody to write to"),
    (LostReason.DUPLICATE, "The same as another one"),
    (LostReason.OTHER, "Something else"),
)
_NOTICES = {
    "approved": "Approved {domain}. It waits in the outbox.",
    "undone": "Taken back: {domain} is a draft again.",
    "skipped": "Skipped {domain}.",
    "saved": "Saved.",
}


def _notice(visit: Visit) -> dict[str, Any]:
    """The line about what was just done: a fixed sentence with a domain that is read from the database, never from the address."""
    sentence = _NOTICES.get(visit.request.query_params.get("did", ""))
    number = visit.request.query_params.get("about", "")
    about = desk.name_of(visit.uow, int(number)) if number.isdecimal() and int(number) < 2**31 else None
    if sentence is None or (about is None and "{domain}" in sentence):
        return {"notice": None, "undo": None}
    return {
        "notice": sentence.format(domain=about[0] if about else ""),
        "undo": about[1] if about and visit.request.query_params.get("did") == "approved" else None,
    }


def _show(visit: Visit, item: int | None, *, alone: bool) -> Response:
    lane, after = lane_of(visit), position_of(visit)
    rows = lane.rows(visit.uow, after, PAGE + 1)
    more = f"{rows[PAGE - 1]['rank_key']}.{rows[PAGE - 1]['id']}" if len(rows) > PAGE else None
    rows = rows[:PAGE]
    chosen = item if item is not None else (rows[0]["id"] if rows else None)
    sheet = None
    if chosen is not None:
        sheet = desk.sheet(visit.uow, visit.container.vault, visit.container.settings, chosen)
    return visit.page(
        "queue.html",
        rows=rows,
        more=more,
        lane=lane,
        item=sheet,
        alone=alone,
        skips=SKIPS,
        skipping=visit.text("do") == "skip",
        totals=desk.why_empty(visit.uow) if not rows else None,
        **_notice(visit),
    )


@pages.get("/queue", needs="pitches:read")
def queue(visit: Visit) -> Response:
    """The best prospects first, with the first one open."""
    return _show(visit, None, alone=False)


@pages.get("/queue/{prospect_id}", needs="pitches:read")
def queue_item(visit: Visit, prospect_id: Id) -> Response:
    """One prospect with its draft and its evidence."""
    return _show(visit, prospect_id, alone=True)


def _again(visit: Visit, prospect_id: int) -> Response:
    return _show(visit, prospect_id, alone=True)


def _next(visit: Visit, lane: Lane, prospect_id: int, did: str, *, about: int | None = None) -> Response:
    prospect = prospects.get(visit.uow, prospect_id)
    following = lane.next_after(visit.uow, prospect.rank_key, prospect_id)
    extra = ("&" if lane.query else "?") + f"did={did}&about={about or prospect_id}"
    if following is None:
        return visit.go(f"/queue{lane.query}{extra}")
    _draft_for(visit, following)
    return visit.go(f"/queue/{following}{lane.query}{extra}")


def _draft_for(visit: Visit, prospect_id: int) -> None:
    """Have a draft ready for the prospect that is shown next; what cannot be pitched yet stays without one."""
    if (
        prospects.get(visit.uow, prospect_id).stage is Stage.CHECKED_MENTION
        and desk.draft_of(visit.uow, prospect_id) is None
    ):
        pitches.propose(visit.uow, prospect_id, actor=visit.actor)


@pages.post("/queue/start", needs="pitches:write")
def start(visit: Visit) -> Response:
    """Open the best prospect, with its draft."""
    lane = lane_of(visit)
    rows = lane.rows(visit.uow, limit=1)
    if not rows:
        return visit.go(f"/queue{lane.query}")
    _draft_for(visit, rows[0]["id"])
    return visit.go(f"/queue/{rows[0]['id']}{lane.query}")


@pages.post("/queue/{prospect_id}/draft", needs="pitches:write", again=_again)
def write_draft(visit: Visit, prospect_id: Id) -> Response:
    """Write the draft that the evidence speaks for."""
    pitches.propose(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/{prospect_id}{lane_of(visit).query}")


def _pitch(visit: Visit, prospect_id: int) -> tuple[int, int]:
    pitch_id, version = visit.number("pitch"), visit.number("version")
    if pitch_id is None or version is None:
        raise BadInput("the form is incomplete; reload the page", FieldProblem("version", "Reload the page"))
    if pitches.get(visit.uow, pitch_id).prospect_id != prospect_id:
        raise Conflict("this draft belongs to another prospect; reload the page")
    return pitch_id, version


@pages.post("/queue/{prospect_id}/choose", needs="pitches:write", again=_again)
def choose(visit: Visit, prospect_id: Id) -> Response:
    """Write the draft again with another angle, contact or page."""
    pitch_id, version = _pitch(visit, prospect_id)
    pitches.choose(
        visit.uow,
        pitch_id,
        version,
        actor=visit.actor,
        angle=visit.text("angle") or None,
        page_id=visit.number("page_id"),
        contact_id=visit.number("contact_id"),
    )
    return visit.go(f"/queue/{prospect_id}{lane_of(visit).query}")


@pages.post("/queue/{prospect_id}/decide", needs="pitches:write", again=_again)
def decide(visit: Visit, prospect_id: Id) -> Response:
    """Save the text, or save and approve it in one step: what stands in the fields is what is approved."""
    pitch_id, version = _pitch(visit, prospect_id)
    lane = lane_of(visit)
    pitch = pitches.get(visit.uow, pitch_id)
    # Browsers send CRLF; a text that nobody touched must not count as edited.
    body = visit.form.get("body_text", pitch.body_text).replace("\r\n", "\n")
    subject = visit.text("subject") or pitch.subject
    if (subject, body.strip()) != (pitch.subject, pitch.body_text.strip()):
        version = pitches.edit(visit.uow, pitch_id, version, subject, body, actor=visit.actor).version
    if visit.text("do") != "approve":
        return visit.go(f"/queue/{prospect_id}{lane.query}{'&' if lane.query else '?'}did=saved")
    pitches.approve(visit.uow, visit.container.vault, visit.container.settings, pitch_id, version, actor=visit.actor)
    visit.uow.session.flush()
    return _next(visit, lane, prospect_id, "approved")


@pages.post("/queue/{prospect_id}/skip", needs="prospects:write", again=_again)
def skip(visit: Visit, prospect_id: Id) -> Response:
    """Give a prospect up, with a reason."""
    lane = lane_of(visit)
    if visit.text("reason") not in {reason.value for reason, _ in SKIPS}:
        raise BadInput("skipping needs a reason", FieldProblem("reason", "Choose why it is skipped"))
    prospects.give_up(visit.uow, prospect_id, LostReason(visit.text("reason")), actor=visit.actor)
    visit.uow.session.flush()
    return _next(visit, lane, prospect_id, "skipped")


@pages.post("/queue/{prospect_id}/confirm", needs="prospects:write", again=_again)
def confirm(visit: Visit, prospect_id: Id) -> Response:
    """Take it on that their pages could not be checked."""
    reason = visit.text("why") or "looked at by hand"
    mentions.confirm_unchecked(visit.uow, prospect_id, actor=visit.actor, reason=reason)
    _draft_for(visit, prospect_id)
    return visit.go(f"/queue/{prospect_id}{lane_of(visit).query}")


@pages.post("/queue/{prospect_id}/contact", needs="prospects:write", again=_again)
def add_contact(visit: Visit, prospect_id: Id) -> Response:
    """Add whom to write to; a draft that nobody has edited is addressed to the best contact at once."""
    source = visit.text("source_url")
    if source and not source.startswith(("http://", "https://")):
        raise BadInput("the source is not a page", FieldProblem("source_url", "Enter a full address with https://"))
    contacts.add(
        visit.uow,
        visit.container.vault,
        prospect_id,
        visit.text("email"),
        name=visit.text("name") or None,
        source_url=source or None,
        actor=visit.actor,
    )
    draft = desk.draft_of(visit.uow, prospect_id)
    if draft is not None and not draft.edited:
        pitches.propose(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/{prospect_id}{lane_of(visit).query}")


@pages.post("/pitches/{pitch_id}/undo", needs="pitches:write")
def undo(visit: Visit, pitch_id: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Response:
    """Take an approved pitch back while it waits: it is a draft in the queue again."""
    pitch = pitches.undo(visit.uow, pitch_id, actor=visit.actor)
    assert pitch.state is not PitchState.APPROVED  # noqa: S101 -- the service promises it
    return visit.go(f"/queue/{pitch.prospect_id}?did=undone&about={pitch.prospect_id}")
