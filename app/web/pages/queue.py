"""The queue: list, draft and evidence side by side; decide and go on. Plain forms; app.js makes them quick."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from app.desk import service as desk
from app.domain.pipeline import LostReason
from app.domain.said import say
from app.domain.snooze import at_morning, presets
from app.errors import BadInput, Conflict, FieldProblem
from app.evidence import service as evidence
from app.mentions import service as mentions
from app.models import Decision
from app.pitches import service as pitches
from app.prospects import contacts
from app.prospects import service as prospects
from app.reports import desk as reports
from app.reports.prospects import Lane, queue
from app.web import i18n
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark
from app.web.lanes import PAGE, lane_of, person_of, position_of, query_of
from app.web.words import FIT_WORDS

pages = Pages()

# The digit after `s`, the reason, its words.
SKIPS = (
    ("1", LostReason.NOT_RELEVANT, mark("Not relevant")),
    ("2", LostReason.UNWINNABLE, mark("Not winnable (news, partner)")),
    ("3", LostReason.WANTS_PAYMENT, mark("They want to be paid")),
    ("4", LostReason.WRONG_LANGUAGE, mark("Wrong language")),
    ("5", LostReason.NO_CONTACT, mark("Nobody to write to")),
    ("6", LostReason.WEAK_SITE, mark("Weak site")),
    ("0", LostReason.OTHER, mark("Something else")),
)
SNOOZES = {
    "tomorrow": mark("Tomorrow"),
    "monday": mark("Monday"),
    "two-weeks": mark("In two weeks"),
    "reply": mark("Until they reply"),
}
_NOTICES = {
    "approved": mark("Approved {domain}. It waits in the outbox."),
    "undone": mark("Taken back: {domain} is open again."),
    "skipped": mark("Skipped {domain}."),
    "snoozed": mark("Put {domain} aside."),
    "left": mark("Left {domain} to the others."),
    "saved": mark("Saved."),
    "looking": mark("A worker reads the pages of {domain} now. Reload this page in a minute."),
    "pinned": mark("Pinned {domain}."),
    "unpinned": mark("Took the pin off {domain}."),
    "taken": mark("You hold {domain} now."),
    "back": mark("Put {domain} back into the queue."),
}
_UNDOABLE = frozenset({"approved", "skipped", "snoozed", "left"})


def said(did: str, domain: str) -> str:
    """The line about what was just done."""
    return _(_NOTICES[did], domain=domain)


def _notice(visit: Visit) -> dict[str, Any]:
    """A fixed sentence with a domain that is read from the database, never from the address."""
    did, number = visit.request.query_params.get("did", ""), visit.request.query_params.get("about", "")
    known = number.isdecimal() and int(number) < 2**31
    if did == "final" and known:
        decision = visit.uow.session.get(Decision, int(number))
        if decision is not None and decision.user_id == visit.who.id:
            return {"notice": decision.data.get("final"), "undoable": True}
    if did not in _NOTICES:
        return {"notice": None, "undoable": False}
    domain = reports.name_of(visit.uow, int(number)) if known else None
    if domain is None and "{domain}" in _NOTICES[did]:
        return {"notice": None, "undoable": False}
    return {"notice": said(did, domain or ""), "undoable": did in _UNDOABLE}


def item_values(visit: Visit, lane: Lane, prospect_id: int, *, ask: bool) -> dict[str, Any]:
    """What the open item's part of the page needs."""
    container = visit.container
    asks = (container.vault, container.settings) if ask else None
    sheet = reports.sheet(visit.uow, prospect_id, user_id=visit.who.id, asks=asks)
    mine = sheet.lease is not None and sheet.lease.holder == visit.who.caller
    return {
        "item": sheet,
        "why_no_fit": FIT_WORDS,
        "lane": lane,
        "query": query_of(lane),
        "skips": SKIPS,
        "snoozes": [
            (one.digit, one.name, SNOOZES[one.name], one.until) for one in presets(visit.uow.now(), i18n.zone())
        ],
        "soonest": (visit.uow.now().astimezone(i18n.zone()) + timedelta(days=1)).date(),
        "mine": mine,
        "theirs": sheet.lease if sheet.lease is not None and not mine else None,
    }


def show(visit: Visit, item: int | None, *, alone: bool) -> Response:
    """The list with an item open: the given one, else the first."""
    lane, after, person = lane_of(visit), position_of(visit), person_of(visit)
    rows = queue(visit.uow, lane, after=after, limit=PAGE + 1, person=(person.id, person.caller))
    more = f"{rows[PAGE - 1]['rank_key']}.{rows[PAGE - 1]['id']}" if len(rows) > PAGE else None
    rows = rows[:PAGE]
    chosen = item if item is not None else (rows[0]["id"] if rows else None)
    ask = visit.request.query_params.get("check") == "1"
    nothing = reports.Emptiness("lane") if lane != Lane() else None
    values: dict[str, Any] = {"item": None, "lane": lane, "query": query_of(lane)}
    if chosen is not None:
        values = item_values(visit, lane, chosen, ask=ask)
    return visit.page(
        "queue.html",
        rows=rows,
        more=f"/queue{query_of(lane, after=more)}" if more else None,
        alone=alone,
        caller=person.caller,
        empty=(nothing or reports.why_empty(visit.uow, person.caller)) if not rows else None,
        **{**values, **_notice(visit)},
    )


@pages.get("/queue", needs="pitches:read")
def queue_page(visit: Visit) -> Response:
    """The best prospects first, with the first one open."""
    return show(visit, None, alone=False)


@pages.get("/queue/{prospect_id}", needs="pitches:read")
def queue_item(visit: Visit, prospect_id: Id) -> Response:
    """One prospect with its draft and its evidence."""
    return show(visit, prospect_id, alone=True)


def again(visit: Visit, prospect_id: int) -> Response:
    """The item once more, with what was refused."""
    return show(visit, prospect_id, alone=True)


def _next(visit: Visit, prospect_id: int, did: str) -> Response:
    """After a decision: the next item; for app.js, which shows it already, only what was done."""
    lane, prospect = lane_of(visit), prospects.get(visit.uow, prospect_id)
    if visit.request.headers.get("x-play"):
        return JSONResponse({"said": said(did, prospect.domain)})
    visit.uow.session.flush()
    following = desk.take_next(visit.uow, person_of(visit), lane, after=(prospect.rank_key, prospect_id))
    where = "/queue" if following is None else f"/queue/{following}"
    return visit.go(where + query_of(lane, did=did, about=prospect_id))


@pages.post("/queue/start", needs="pitches:write")
def start(visit: Visit) -> Response:
    """Open the best prospect that nobody works on, with its draft."""
    lane = lane_of(visit)
    found = desk.take_next(visit.uow, person_of(visit), lane)
    return visit.go(("/queue" if found is None else f"/queue/{found}") + query_of(lane))


def _list_again(visit: Visit) -> Response:
    return show(visit, None, alone=False)


@pages.post("/queue/undo", needs="pitches:write", again=_list_again)
def undo_last(visit: Visit) -> Response:
    """Take the last decision back, and open its item at its place."""
    undone = desk.undo(visit.uow, person_of(visit))
    if undone.problem is not None:
        visit.uow.session.flush()
        return visit.go(f"/queue?did=final&about={undone.decision.id}")
    about = undone.decision.prospect_id
    return visit.go(f"/queue/{about}{query_of(lane_of(visit), did='undone', about=about)}")


@pages.post("/queue/{prospect_id}/draft", needs="pitches:write", again=again)
def write_draft(visit: Visit, prospect_id: Id) -> Response:
    """Write the draft that the evidence speaks for."""
    pitches.propose(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit))}")


@pages.post("/queue/{prospect_id}/look", needs="prospects:write", again=again)
def look(visit: Visit, prospect_id: Id) -> Response:
    """Have the pages read for a reason, as soon as a worker is free."""
    evidence.request(visit.uow, visit.container.settings, prospect_id)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit), did='looking', about=prospect_id)}")


def pitch_of(visit: Visit, prospect_id: int) -> tuple[int, int]:
    """The draft and its version, as the form has them. Raises BadInput and Conflict."""
    pitch_id, version = visit.number("pitch"), visit.number("version")
    if pitch_id is None or version is None:
        raise BadInput(say("the form is incomplete; reload the page"), FieldProblem("version", say("Reload the page")))
    if pitches.get(visit.uow, pitch_id).prospect_id != prospect_id:
        raise Conflict(say("this draft belongs to another prospect; reload the page"))
    return pitch_id, version


@pages.post("/queue/{prospect_id}/choose", needs="pitches:write", again=again)
def choose(visit: Visit, prospect_id: Id) -> Response:
    """Write the draft again with another angle, contact or page."""
    pitch_id, version = pitch_of(visit, prospect_id)
    pitches.choose(
        visit.uow,
        pitch_id,
        version,
        actor=visit.actor,
        angle=visit.text("angle") or None,
        page_id=visit.number("page_id"),
        contact_id=visit.number("contact_id"),
    )
    desk.forget(visit.uow, person_of(visit), prospect_id)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit))}")


@pages.post("/queue/{prospect_id}/decide", needs="pitches:write", again=again)
def decide(visit: Visit, prospect_id: Id) -> Response:
    """Save the text, or save and approve it in one step: what stands in the fields is what is approved."""
    pitch_id, version = pitch_of(visit, prospect_id)
    pitch = pitches.get(visit.uow, pitch_id)
    # Browsers send CRLF; a text that nobody touched must not count as edited.
    body = visit.form.get("body_text", pitch.body_text).replace("\r\n", "\n")
    # A line that was emptied is refused by its gate; only a form without the field keeps the draft's own.
    subject = visit.text("subject") if "subject" in visit.form else pitch.subject
    if (subject, body.strip()) != (pitch.subject, pitch.body_text.strip()):
        version = pitches.edit(visit.uow, pitch_id, version, subject, body, actor=visit.actor).version
    if visit.text("do") != "approve":
        desk.forget(visit.uow, person_of(visit), prospect_id)
        return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit), did='saved', check=1)}")
    settings, wishes = visit.container.settings, visit.who.preferences
    desk.approve(
        visit.uow,
        visit.container.vault,
        settings,
        person_of(visit),
        pitch_id,
        version,
        undo_seconds=wishes.undo_seconds,
    )
    return _next(visit, prospect_id, "approved")


@pages.post("/queue/{prospect_id}/skip", needs="prospects:write", again=again)
def skip(visit: Visit, prospect_id: Id) -> Response:
    """Give a prospect up, with a reason."""
    if visit.text("reason") not in {reason.value for _, reason, _ in SKIPS}:
        raise BadInput(say("skipping needs a reason"), FieldProblem("reason", say("Choose why it is skipped")))
    desk.skip(visit.uow, person_of(visit), prospect_id, LostReason(visit.text("reason")))
    return _next(visit, prospect_id, "skipped")


@pages.post("/queue/{prospect_id}/snooze", needs="prospects:write", again=again)
def snooze(visit: Visit, prospect_id: Id) -> Response:
    """Put a prospect aside until a moment in the person's own time zone."""
    known = {one.name: one.until for one in presets(visit.uow.now(), i18n.zone())}
    until = known.get(visit.text("preset"))
    if until is None:
        try:
            until = at_morning(date.fromisoformat(visit.text("until")), i18n.zone())
        except ValueError:
            problem = FieldProblem("until", say("Choose a day"))
            raise BadInput(say("putting aside needs a day"), problem) from None
    desk.snooze(visit.uow, person_of(visit), prospect_id, until)
    return _next(visit, prospect_id, "snoozed")


@pages.post("/queue/{prospect_id}/leave", needs="prospects:write", again=again)
def leave(visit: Visit, prospect_id: Id) -> Response:
    """Not me."""
    desk.leave(visit.uow, person_of(visit), prospect_id)
    return _next(visit, prospect_id, "left")


@pages.post("/queue/{prospect_id}/confirm", needs="prospects:write", again=again)
def confirm(visit: Visit, prospect_id: Id) -> Response:
    """Take it on that their pages could not be checked."""
    reason = visit.text("why") or "looked at by hand"
    mentions.confirm_unchecked(visit.uow, prospect_id, actor=visit.actor, reason=reason)
    desk.ready(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit))}")


@pages.post("/queue/{prospect_id}/contact", needs="prospects:write", again=again)
def add_contact(visit: Visit, prospect_id: Id) -> Response:
    """Add whom to write to; a draft that nobody has edited is addressed to the best contact at once."""
    source = visit.text("source_url")
    if source and (not source.startswith(("http://", "https://")) or not urlsplit(source).netloc):
        raise BadInput(
            say("the source is not a page"), FieldProblem("source_url", say("Enter a full address with https://"))
        )
    contacts.add(
        visit.uow,
        visit.container.vault,
        prospect_id,
        visit.text("email"),
        name=visit.text("name") or None,
        source_url=source or None,
        actor=visit.actor,
    )
    draft = reports.draft_of(visit.uow, prospect_id)
    if draft is not None and not draft.edited:
        pitches.propose(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit))}")


@pages.post("/pitches/{pitch_id}/undo", needs="pitches:write")
def undo(visit: Visit, pitch_id: Id) -> Response:
    """Take an approved pitch back while it waits: it is a draft in the queue again."""
    pitch = desk.undo_pitch(visit.uow, pitch_id, actor=visit.actor)
    return visit.go(f"/queue/{pitch.prospect_id}?did=undone&about={pitch.prospect_id}")
