"""What stands beside the decision: the hold on a domain, the next item in advance, the kept text, and pins."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from app.desk import service as desk
from app.prospects import leases, pins
from app.prospects import service as prospects
from app.reports.prospects import queue
from app.web import i18n
from app.web.door import Id, Pages, Visit
from app.web.i18n import _
from app.web.lanes import PAGE, changes, lane_of, person_of, position_of, query_of, shown_in
from app.web.pages.queue import again, item_values, pitch_of

pages = Pages()


@pages.get("/queue/{prospect_id}/checks", needs="pitches:read")
def checks(visit: Visit, prospect_id: Id) -> Response:
    """What every gate says now; the page asks for it once it stands. By itself: the item with its checks."""
    if not visit.request.headers.get("hx-request"):
        return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit), check=1)}")
    return visit.fragment("queue_checks.html", **item_values(visit, lane_of(visit), prospect_id, ask=True))


@pages.post("/queue/{prospect_id}/hold", needs="pitches:write")
def hold(visit: Visit, prospect_id: Id) -> Response:
    """Take or renew the hold on a domain while somebody looks at it."""
    prospect, person = prospects.get(visit.uow, prospect_id), person_of(visit)
    mine = leases.claim(visit.uow, prospect, holder=person.caller, name=person.name)
    lease = leases.held(visit.uow.session, prospect.domain, visit.uow.now())
    seconds = (lease.until - visit.uow.now()).total_seconds() if lease else 0
    until = i18n.when(lease.until) if lease else ""
    words = _("You hold this domain until {time}.", time=until)
    if not mine:
        words = _("{name} works on this domain until {time}.", name=lease.holder_name if lease else "", time=until)
        if lease is not None and lease.taken_from == person.caller and lease.note:
            words = _("Taken over by {note}. Your text is kept.", note=lease.note)
    return JSONResponse({"mine": mine, "seconds": int(seconds), "words": words})


@pages.post("/queue/{prospect_id}/next", needs="pitches:write")
def following(visit: Visit, prospect_id: Id) -> Response:
    """The item after this one, leased softly and ready to be shown: nothing when there is none."""
    lane, prospect = lane_of(visit), prospects.get(visit.uow, prospect_id)
    found = desk.take_next(
        visit.uow,
        person_of(visit),
        lane,
        after=(prospect.rank_key, prospect_id),
        soft=True,
        but=visit.number("but"),
    )
    if found is None or found == prospect_id:
        return Response(status_code=204)
    visit.uow.session.flush()
    return visit.fragment("queue_item.html", **item_values(visit, lane, found, ask=True))


@pages.post("/queue/{prospect_id}/keep", needs="pitches:write")
def keep(visit: Visit, prospect_id: Id) -> Response:
    """Keep a text while it is written."""
    pitch_id, version = pitch_of(visit, prospect_id)
    desk.keep(
        visit.uow,
        person_of(visit),
        prospect_id,
        pitch_id=pitch_id,
        version=version,
        subject=visit.form.get("subject", ""),
        body_text=visit.form.get("body_text", "").replace("\r\n", "\n"),
    )
    return Response(status_code=204)


@pages.post("/queue/{prospect_id}/forget", needs="pitches:write")
def forget(visit: Visit, prospect_id: Id) -> Response:
    """Drop the kept text: the draft as it was saved is shown again."""
    desk.forget(visit.uow, person_of(visit), prospect_id)
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit))}")


@pages.post("/queue/{prospect_id}/take-over", needs="queue:lead", again=again)
def take_over(visit: Visit, prospect_id: Id) -> Response:
    """Take a domain from a colleague, with a reason that they see."""
    person = person_of(visit)
    leases.take_over(visit.uow, prospect_id, holder=person.caller, name=person.name, reason=visit.text("why"))
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit), did='taken', about=prospect_id)}")


@pages.post("/queue/{prospect_id}/pin", needs="queue:lead", again=again)
def pin(visit: Visit, prospect_id: Id) -> Response:
    """Put a prospect in front, or take it down again."""
    off = visit.text("do") == "unpin"
    (pins.unpin if off else pins.pin)(visit.uow, prospect_id, actor=visit.actor)
    did = "unpinned" if off else "pinned"
    return visit.go(f"/queue/{prospect_id}{query_of(lane_of(visit), did=did, about=prospect_id)}")


@pages.get("/queue/changed", needs="pitches:read")
def changed(visit: Visit) -> Response:
    """How many lines of the list that a page shows are others by now, in words; "" while it is as it was."""
    shown, person = shown_in(visit), person_of(visit)
    rows = queue(
        visit.uow,
        lane_of(visit),
        after=position_of(visit),
        limit=len(shown) + PAGE,
        person=(person.id, person.caller),
    )
    return JSONResponse({"words": changes(shown, [row["id"] for row in rows])})
