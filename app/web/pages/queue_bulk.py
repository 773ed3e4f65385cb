"""Approving several at once: a page that lists each mail, three that must be opened, one button, and one that undoes it all."""

from __future__ import annotations

import re

from starlette.responses import Response

from app.desk import bulk
from app.domain.said import say
from app.errors import NotFound
from app.models import Contact, PitchState
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.web.door import Id, Pages, Visit, row_number, whole
from app.web.i18n import ngettext
from app.web.lanes import lane_of, person_of, query_of

pages = Pages()

_PROOF = re.compile(r"[\w-]{1,200}")


def _opened(visit: Visit) -> str:
    given = str(visit.form.get("opened", visit.request.query_params.get("opened", "")))
    return ",".join(sorted({part for part in given.split(",") if _PROOF.fullmatch(part)}))[:2000]


def _left_out(visit: Visit) -> str:
    """The drafts that this person has taken out, by the boxes of the form, else by the address."""
    if "listed" in visit.form:
        found = {part for part in visit.form["listed"].split(",") if f"pitch-{part}" not in visit.form}
    else:
        found = set(visit.request.query_params.get("out", "").split(","))
    return ",".join(sorted(part for part in found if part.isdecimal()))[:500]


def _show(visit: Visit) -> Response:
    container, person, lane = visit.container, person_of(visit), lane_of(visit)
    rows = bulk.candidates(visit.uow, container.vault, container.settings, person, lane)
    opened, left_out = _opened(visit), _left_out(visit)
    known, out = set(opened.split(",")), set(left_out.split(","))
    must = bulk.to_open(container.vault, person, [row.pitch for row in rows if str(row.pitch.id) not in out])
    return visit.page(
        "queue_bulk.html",
        rows=rows,
        lane=lane,
        opened=opened,
        out=out,
        must={pitch.id: bulk.proof(container.vault, person, pitch) in known for pitch in must},
        most=bulk.MOST,
        batch=visit.position("batch"),
        notice=_notice(visit),
    )


def _notice(visit: Visit) -> str | None:
    params = visit.request.query_params
    count = whole(params.get("number", ""), bulk.MOST) or 0
    if params.get("did") == "approved":
        return ngettext(
            "Approved one mail. It waits in the outbox.", "Approved {number} mails. They wait in the outbox.", count
        )
    if params.get("did") == "undone":
        return ngettext("Took one mail back.", "Took {number} mails back.", count)
    return None


@pages.get("/queue/bulk", needs="queue:lead")
def review(visit: Visit) -> Response:
    """What would be approved, line by line."""
    return _show(visit)


@pages.get("/queue/bulk/{pitch_id}", needs="queue:lead")
def draft(visit: Visit, pitch_id: Id) -> Response:
    """One draft of the batch, whole; the way back carries the proof that it was opened."""
    pitch, person = pitches.get(visit.uow, pitch_id), person_of(visit)
    if pitch.state is not PitchState.DRAFT:
        raise NotFound(say("pitch {pitch_id} is no draft any more", pitch_id=pitch_id))
    opened = ",".join(filter(None, [_opened(visit), bulk.proof(visit.container.vault, person, pitch)]))
    return visit.page(
        "queue_bulk_draft.html",
        pitch=pitch,
        prospect=prospects.get(visit.uow, pitch.prospect_id),
        contact=visit.uow.session.get(Contact, pitch.contact_id) if pitch.contact_id else None,
        list_at=f"/queue/bulk{query_of(lane_of(visit), opened=opened, out=_left_out(visit) or None)}",
    )


@pages.post("/queue/bulk/open", needs="queue:lead", again=_show)
def open_draft(visit: Visit) -> Response:
    """Go from the list to one of its drafts. A form, so that what was taken out of the list stays out without a script."""
    query = query_of(lane_of(visit), opened=_opened(visit) or None, out=_left_out(visit) or None)
    return visit.go(f"/queue/bulk/{visit.number('open') or 0}{query}")


@pages.post("/queue/bulk", needs="queue:lead", again=_show)
def approve(visit: Visit) -> Response:
    """All or none."""
    chosen = [
        (pitch, version)
        for name, value in visit.form.items()
        if name.startswith("pitch-")
        and (pitch := row_number(name[6:])) is not None
        and (version := whole(value)) is not None
    ]
    container = visit.container
    done = bulk.approve(
        visit.uow,
        container.vault,
        container.settings,
        person_of(visit),
        chosen,
        set(_opened(visit).split(",")),
        undo_seconds=visit.who.preferences.undo_seconds,
    )
    return visit.go(f"/queue/bulk{query_of(lane_of(visit), did='approved', number=len(done), batch=done[0].id)}")


@pages.post("/queue/bulk/undo", needs="queue:lead", again=_show)
def undo(visit: Visit) -> Response:
    """Take the whole batch back, as far as it has not left."""
    back = bulk.undo(visit.uow, person_of(visit), visit.number("batch") or 0)
    return visit.go(f"/queue/bulk{query_of(lane_of(visit), did='undone', number=back)}")
