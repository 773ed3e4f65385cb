"""The pipeline: six stages as a board or a table, with the moves that a person may make."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from app.domain.pipeline import TRANSITIONS, Event, LostReason, Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.links import service as links
from app.prospects import service as prospects
from app.reports import pipeline
from app.sites import service as sites
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

STAGES = {
    Stage.PROSPECT: (mark("prospect"), mark("Nothing to look at. New gaps come with an import.")),
    Stage.CHECKED_MENTION: (mark("checked-mention"), mark("Nothing waits for a decision.")),
    Stage.PITCHED: (mark("pitched"), mark("No pitch is out.")),
    Stage.FOLLOWED_UP: (mark("followed-up"), mark("No follow-up is out.")),
    Stage.WON: (mark("won"), mark("No link yet. A win is a link that was seen.")),
    Stage.LOST: (mark("lost"), mark("Nothing was given up.")),
}
BADGES = {"approved": mark("approved"), "replied": mark("replied"), "agreed": mark("agreed"), "live": mark("live")}
# What a person can do by hand; the other events are what the sender and the checker have seen.
MOVES = {
    Event.GIVE_UP: (Stage.LOST, mark("Lost")),
    Event.LINK_SEEN: (Stage.WON, mark("Won")),
    Event.REOPEN: (Stage.PROSPECT, mark("Open again")),
}


def moves_of(stage: Stage) -> list[Event]:
    """The moves of the pipeline's table that a person may make out of a stage."""
    return [event for event in MOVES if event in TRANSITIONS[stage]]


def _show(visit: Visit, **_given: int) -> Response:
    given = {**visit.request.query_params, **visit.form}
    known = sites.list_sites(visit.uow)
    site = given.get("site", "")
    site_id = int(site) if site in {str(one.id) for one in known} else None
    tier = int(given["tier"]) if given.get("tier") in ("1", "2", "3") else None
    badge = given.get("badge") if given.get("badge") in BADGES else None
    stage = Stage(given["stage"]) if given.get("stage") in set(Stage) else None
    table = given.get("view") == "table"
    fields = {"site": site_id, "tier": tier, "badge": badge, "stage": stage.value if stage else None}
    fields["view"] = "table" if table else None
    asked = {name: value for name, value in fields.items() if value is not None}
    limit = 100 if table else 12
    found = pipeline.cards(
        visit.uow, site_id=site_id, tier=tier, badge=badge, stage=stage if table else None, limit=limit
    )
    return visit.page(
        "pipeline.html",
        sites=known,
        site_id=site_id,
        tier_number=tier,
        badge=badge,
        stage=stage,
        table=table,
        fields=asked,
        counts=pipeline.counts(visit.uow, site_id=site_id, tier=tier, badge=badge),
        cards=found,
        stages=STAGES,
        badges=BADGES,
        moves={one: moves_of(one) for one in Stage},
        move_words=MOVES,
        reasons=list(LostReason),
        now=visit.uow.now(),
        moved=given.get("id", "") if visit.error else "",
        address=lambda **changed: (
            "/pipeline?" + urlencode({name: value for name, value in {**asked, **changed}.items() if value is not None})
        ),
        notice=_("Moved.") if visit.request.query_params.get("did") else None,
    )


@pages.get("/pipeline", needs="prospects:read")
def board(visit: Visit) -> Response:
    """The board, or the table."""
    return _show(visit)


@pages.post("/pipeline/{prospect_id}/move", needs="prospects:write", again=_show)
def move(visit: Visit, prospect_id: Id) -> Response:
    """One of the moves that a person may make. A card that was moved meanwhile is shown where it stands now."""
    event = visit.text("to")
    if event == Event.GIVE_UP:
        if visit.text("reason") not in set(LostReason):
            raise BadInput(say("giving up needs a reason"), FieldProblem(f"reason-{prospect_id}", _("Choose a reason")))
        prospects.give_up(visit.uow, prospect_id, LostReason(visit.text("reason")), actor=visit.actor)
    elif event == Event.REOPEN:
        prospects.reopen(visit.uow, prospect_id, visit.text("why"), actor=visit.actor)
    elif event == Event.LINK_SEEN:
        links.override_win(visit.uow, prospect_id, url=visit.text("url"), reason=visit.text("why"), actor=visit.actor)
    else:
        raise BadInput(say("there is no such move"))
    kept = {name: visit.text(name) for name in ("site", "tier", "badge", "stage", "view") if visit.text(name)}
    return visit.go("/pipeline?" + urlencode({**kept, "did": "moved"}))
