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
from app.web.door import Id, Pages, Visit
from app.web.i18n import ngettext
from app.web.lanes import lane_of, person_of, query_of

pages = Pages()

_PROOF = re.compile(r"[\w-]{1,200}")


def _opened(visit: Visit) -> str:
    given = str(visit.form.get("opened", visit.request.query_params.get("opened", "")))
    return ",".join(sorted({part for part in given.split(",") if _PROOF.fullmatch(part)}))[:2000]


def _show(visit: Visit) -> Response:
    container, person, lane = visit.container, person_of(visit), lane_of(visit)
    rows = bulk.candidates(visit.uow, container.vault, container.settings, person, lane)
    opened = _opened(visit)
    known = set(opened.split(","))
    must = bulk.to_open(container.vault, person, [row.pitch for row in rows])
    params = visit.request.query_params
    done = params.get("batch", "")
    return visit.page(
        "queue_bulk.html",
        rows=rows,
        lane=lane,
        opened=opened,
        must={pitch.id: bulk.proof(container.vault, person, pitch) in known for pitch in must},
        query=query_of(lane, opened=opened or None),
        most=bulk.MOST,
        batch=int(done) if done.isdecimal() and int(done) < 2**31 else None,
        notice=_notice(visit),
    )


def _notice(visit: Visit) -> str | None:
    params = visit.request.query_params
    number = params.get("number", "")
    count = int(number) if number.isdecimal() and int(number) <= bulk.MOST else 0
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
        back=f"/queue/bulk{query_of(lane_of(visit), opened=opened)}",
    )


@pages.post("/queue/bulk", needs="queue:lead", again=_show)
def approve(visit: Visit) -> Response:
    """All or none."""
    chosen = [
        (int(name[6:]), int(value))
        for name, value in visit.form.items()
        if name.startswith("pitch-") and name[6:].isdecimal() and value.isdecimal()
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
