"""The queue: list, draft and evidence side by side; decide and go on. Plain forms; desk.js makes them quick."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from app.desk import service as desk
from app.domain.delivery import OutboundState
from app.domain.keys import host_of
from app.domain.pipeline import LostReason
from app.domain.said import kept, say
from app.errors import BadInput, Conflict, FieldProblem
from app.evidence import service as evidence
from app.mentions import service as mentions
from app.models import Decision, DecisionKind, RunState
from app.outbox import service as outbox
from app.pitches import service as pitches
from app.prospects import contacts
from app.prospects import service as prospects
from app.reports import desk as reports
from app.reports import mail, sequences
from app.reports.emptiness import Emptiness, why_empty
from app.reports.prospects import Lane, queue
from app.sites import service as sites
from app.web import i18n, undoing
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark
from app.web.lanes import PAGE, lane_of, person_of, position_of, query_of
from app.web.snoozing import snooze_choices, soonest, until_of
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
_NOTICES = {
    "approved": mark("Approved {domain}. It waits in the outbox."),
    "undone": mark("Taken back: {domain} is open again."),
    "skipped": mark("Skipped {domain}."),
    "snoozed": mark("Put {domain} aside."),
    "left": mark("Left {domain} to the others."),
    "saved": mark("Saved."),
    "noted": mark("Written down, for colleagues only."),
    "looking": mark("A worker reads the pages of {domain} now; what it sees stands under the reasons."),
    "pinned": mark("Pinned {domain}."),
    "unpinned": mark("Took the pin off {domain}."),
    "taken": mark("You hold {domain} now."),
    "back": mark("Put {domain} back into the queue."),
}
_UNDOABLE = frozenset({"approved", "skipped", "snoozed", "left"})


def _leaves(visit: Visit, prospect_id: int) -> str:
    """When the mail that was just approved may leave, on the reader's clock and on theirs; "" where nothing is known."""
    found = mail.outbox(visit.uow, states=(OutboundState.QUEUED,), prospect_id=prospect_id, limit=1)
    why = outbox.why_all(visit.uow, [found[0][0]], visit.container.settings)[0] if found else None
    if why is None or why.until is None:
        return ""
    at, hours = datetime.fromisoformat(why.until), found[0][0].hours
    if not hours:
        return " " + _("It leaves {time} at the earliest.", time=i18n.when(at))
    there = i18n.there(at, hours.partition(" ")[0])
    return " " + _("It leaves {time} at the earliest; theirs: {there}.", time=i18n.when(at), there=there)


def said(did: str, domain: str) -> str:
    """The line about what was just done."""
    return _(_NOTICES[did], domain=domain)


def _notice(visit: Visit) -> dict[str, Any]:
    """A fixed sentence with a domain that is read from the database, never from the address."""
    did, about = visit.request.query_params.get("did", ""), visit.position("about")
    if did == "final" and about:
        decision = visit.uow.session.get(Decision, about)
        if decision is not None and decision.user_id == visit.who.id:
            # What has left cannot be taken back, and what would follow it can be stopped.
            number = decision.prospect_id if decision.kind is DecisionKind.APPROVE else None
            goes_on = number is not None and sequences.standing_of(visit.uow, number) is RunState.ACTIVE
            return {
                "notice": _(kept(decision.data.get("final", ""))) or None,
                "undoable": True,
                "stoppable": number if goes_on else None,
            }
    if did not in _NOTICES:
        return {"notice": None, "undoable": False}
    domain = reports.name_of(visit.uow, about) if about else None
    if domain is None and "{domain}" in _NOTICES[did]:
        return {"notice": None, "undoable": False}
    words = said(did, domain or "") + (_leaves(visit, about) if about and did == "approved" else "")
    return {"notice": words, "undoable": did in _UNDOABLE}


def item_values(visit: Visit, lane: Lane, prospect_id: int, *, ask: bool) -> dict[str, Any]:
    """What the open item's part of the page needs."""
    container = visit.container
    asks = (container.vault, container.settings) if ask else None
    sheet = reports.sheet(visit.uow, prospect_id, user_id=visit.who.id, asks=asks)
    mine = sheet.lease is not None and sheet.lease.holder == visit.who.caller
    return {
        "item": sheet,
        "why_no_fit": FIT_WORDS,
        "looking": evidence.waits(sheet.seen, visit.uow.now()),
        "lane": lane,
        "query": query_of(lane),
        "skips": SKIPS,
        "snoozes": snooze_choices(visit),
        "soonest": soonest(visit),
        "mine": mine,
        "theirs": sheet.lease if sheet.lease is not None and not mine else None,
    }


def show(visit: Visit, item: int | None, *, alone: bool) -> Response:
    """The list with an item open: the given one, else the first."""
    lane, after, person = lane_of(visit), position_of(visit), person_of(visit)
    rows = queue(visit.uow, lane, after=after, limit=PAGE + 1, person=(person.id, person.caller))
    more = f"{rows[PAGE - 1]['rank_key']}.{rows[PAGE - 1]['id']}" if len(rows) > PAGE else None
    rows = rows[:PAGE]
    # Nobody has asked for one of them: the best that no colleague holds.
    free = next((row["id"] for row in rows if row["holder"] in (None, person.caller)), None) if item is None else None
    chosen = item or free or (rows[0]["id"] if rows else None)
    ask = visit.request.query_params.get("check") == "1"
    nothing = Emptiness("lane") if lane != Lane() else None
    values: dict[str, Any] = {"item": None, "lane": lane, "query": query_of(lane)}
    if chosen is not None:
        values = item_values(visit, lane, chosen, ask=ask)
    return visit.page(
        "queue.html",
        rows=rows,
        more=f"/queue{query_of(lane, after=more)}" if more else None,
        asks="/queue/changed" + query_of(lane, after=".".join(map(str, after)) if after else None),
        alone=alone,
        free=free is not None,
        caller=person.caller,
        # The open item has told them; an empty list asks for them.
        sites=values["item"].sites if values["item"] else {one.id: one.name for one in sites.list_sites(visit.uow)},
        address=lambda tier: "/queue" + query_of(Lane(lane.site, tier)),
        empty=(nothing or why_empty(visit.uow, person.caller)) if not rows else None,
        **{"stoppable": None, **values, **_notice(visit)},
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
    """After a decision: the next item; for desk.js, which shows it already, only what was done."""
    lane, prospect = lane_of(visit), prospects.get(visit.uow, prospect_id)
    if visit.request.headers.get("x-play"):
        visit.uow.session.flush()
        return JSONResponse(
            {"said": said(did, prospect.domain) + (_leaves(visit, prospect_id) if did == "approved" else "")}
        )
    visit.uow.session.flush()
    following = desk.take_next(visit.uow, person_of(visit), lane, after=(prospect.rank_key, prospect_id))
    where = "/queue" if following is None else f"/queue/{following}"
    return visit.go(where + query_of(lane, did=did, about=prospect_id))


@pages.post("/queue/start", needs="pitches:write")
def start(visit: Visit) -> Response:
    """Open what a person begins with (`desk.start`); where the form names a lane of the queue, the best of that one."""
    lane, person = lane_of(visit), person_of(visit)
    if lane != Lane():
        found = desk.take_next(visit.uow, person, lane)
        return visit.go(("/queue" if found is None else f"/queue/{found}") + query_of(lane))
    what, about = desk.start(visit.uow, person)
    if what is desk.Work.PAUSED:
        return visit.go("/sequences/paused")
    place = "/inbox" if what is desk.Work.REPLY else "/queue"
    return visit.go(place if about is None else f"{place}/{about}")


def _list_again(visit: Visit) -> Response:
    return show(visit, None, alone=False)


@pages.post("/queue/undo", needs="pitches:write", again=_list_again)
def undo_last(visit: Visit) -> Response:
    """Take the last decision back, and open its item at its place."""
    return undoing.undo(visit)


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


def _keep(visit: Visit, prospect_id: int) -> None:
    """Keep the text that the form carries beside what it is for, unless it is the draft as it was saved."""
    if "body_text" not in visit.form:
        return
    pitch_id, version = pitch_of(visit, prospect_id)
    pitch = pitches.get(visit.uow, pitch_id)
    subject, body = visit.form.get("subject", ""), visit.form["body_text"].replace("\r\n", "\n")
    if (subject.strip(), body.strip()) != (pitch.subject, pitch.body_text.strip()):
        desk.keep(
            visit.uow,
            person_of(visit),
            prospect_id,
            pitch_id=pitch_id,
            version=version,
            subject=subject,
            body_text=body,
        )


@pages.post("/queue/{prospect_id}/skip", needs="prospects:write", again=again)
def skip(visit: Visit, prospect_id: Id) -> Response:
    """Give a prospect up, with a reason."""
    if visit.text("reason") not in {reason.value for _, reason, _ in SKIPS}:
        raise BadInput(say("skipping needs a reason"), FieldProblem("reason", say("Choose why it is skipped")))
    _keep(visit, prospect_id)
    desk.skip(visit.uow, person_of(visit), prospect_id, LostReason(visit.text("reason")))
    return _next(visit, prospect_id, "skipped")


@pages.post("/queue/{prospect_id}/snooze", needs="prospects:write", again=again)
def snooze(visit: Visit, prospect_id: Id) -> Response:
    """Put a prospect aside until a moment in the person's own time zone."""
    _keep(visit, prospect_id)
    desk.snooze(visit.uow, person_of(visit), prospect_id, until_of(visit))
    return _next(visit, prospect_id, "snoozed")


@pages.post("/queue/{prospect_id}/leave", needs="prospects:write", again=again)
def leave(visit: Visit, prospect_id: Id) -> Response:
    """Not me."""
    _keep(visit, prospect_id)
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
    if source and (not source.startswith(("http://", "https://")) or not host_of(source)):
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
