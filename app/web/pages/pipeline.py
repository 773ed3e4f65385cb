"""The pipeline: six stages as a board or a table, with the moves that a person may make."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from app.desk import moves
from app.domain.pipeline import TRANSITIONS, Event, LostReason, Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.reports import pipeline
from app.sites import service as sites
from app.team import users
from app.web.door import Id, Pages, Visit, row_number
from app.web.i18n import _, mark
from app.web.lanes import person_of

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


# Rows of a page of the table: each brings its menu of moves, and the page has a budget.
_LINES = 25


def moves_of(stage: Stage) -> list[Event]:
    """The moves of the pipeline's table that a person may make out of a stage."""
    return [event for event in MOVES if event in TRANSITIONS[stage]]


def _position(given: Mapping[str, str]) -> pipeline.Position | None:
    """Where the page before ended, from `after=<stage>.<rank key>.<id>`; None at the beginning or when it makes no sense."""
    stage, _dot, rest = given.get("after", "").partition(".")
    key, _dot, number = rest.rpartition(".")
    row = row_number(number)
    if stage not in set(Stage) or row is None or len(key) > 80 or "\0" in key:
        return None
    return Stage(stage), key, row


def _show(visit: Visit, **_given: int) -> Response:
    given = {**visit.request.query_params, **visit.form}
    known = sites.list_sites(visit.uow)
    site = given.get("site", "")
    site_id = int(site) if site in {str(one.id) for one in known} else None
    tier = int(given["tier"]) if given.get("tier") in ("1", "2", "3") else None
    badge = given.get("badge") if given.get("badge") in BADGES else None
    stage = Stage(given["stage"]) if given.get("stage") in set(Stage) else None
    table = given.get("view") == "table"
    people = {one.id: one for one in users.list_users(visit.uow)}
    person = people.get(row_number(given.get("person", "")) or 0)
    owner = person.email if person else None
    fields = {"site": site_id, "tier": tier, "badge": badge, "person": person.id if person else None}
    fields["stage"] = stage.value if stage else None
    fields["view"] = "table" if table else None
    asked = {name: value for name, value in fields.items() if value is not None}
    lines, behind = (
        pipeline.table(
            visit.uow,
            site_id=site_id,
            tier=tier,
            badge=badge,
            owner=owner,
            stage=stage,
            after=_position(given),
            limit=_LINES,
        )
        if table
        else ([], None)
    )
    did = visit.request.query_params.get("did")
    more = urlencode({**asked, "after": f"{behind[0].value}.{behind[1]}.{behind[2]}"}) if behind else None
    return visit.page(
        "pipeline.html",
        sites=known,
        site_id=site_id,
        tier_number=tier,
        badge=badge,
        stage=stage,
        table=table,
        fields=asked,
        counts=pipeline.counts(visit.uow, site_id=site_id, tier=tier, badge=badge, owner=owner),
        cards={} if table else pipeline.cards(visit.uow, site_id=site_id, tier=tier, badge=badge, owner=owner),
        people=people,
        person=person,
        # The history names people by their address.
        names={one.email: one.name for one in people.values()},
        lines=lines,
        more=f"/pipeline?{more}" if more else None,
        page_size=_LINES,
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
        notice=_("Moved.") if did else None,
        undoable=did == "moved",
    )


def _needs(visit: Visit, *names: str) -> None:
    """Raise BadInput unless these are filled in as they have to be."""
    said = {"url": say("Enter a full address with https://"), "why": say("Say why")}
    ok = {"url": visit.text("url").startswith(("http://", "https://")), "why": bool(visit.text("why"))}
    wrong = [FieldProblem(name, said[name]) for name in names if not ok[name]]
    if wrong:
        raise BadInput(say("the move is incomplete"), *wrong)


def _move(visit: Visit, prospect_id: int, event: str) -> None:
    person, why = person_of(visit), visit.text("why")
    if event == Event.GIVE_UP:
        if visit.text("reason") not in set(LostReason):
            raise BadInput(say("giving up needs a reason"), FieldProblem("reason", _("Choose a reason")))
        moves.give_up(visit.uow, person, prospect_id, LostReason(visit.text("reason")))
    elif event == Event.REOPEN:
        _needs(visit, "why")
        moves.reopen(visit.uow, person, prospect_id, why)
    elif event == Event.LINK_SEEN:
        _needs(visit, "url", "why")
        moves.vouch(visit.uow, person, prospect_id, url=visit.text("url"), reason=why)
    else:
        raise BadInput(say("there is no such move"))


@pages.get("/pipeline", needs="prospects:read")
def board(visit: Visit) -> Response:
    """The board, or the table."""
    return _show(visit)


@pages.post("/pipeline/{prospect_id}/move", needs="prospects:write", again=_show)
def move(visit: Visit, prospect_id: Id) -> Response:
    """One of the moves that a person may make. A card that was moved meanwhile is shown where it stands now."""
    event = visit.text("to")
    with visit.fields_of(f"{event}-{prospect_id}"):
        _move(visit, prospect_id, event)
    kept = {name: visit.text(name) for name in ("site", "tier", "badge", "person", "stage", "view") if visit.text(name)}
    return visit.go("/pipeline?" + urlencode({**kept, "did": "won" if event == Event.LINK_SEEN else "moved"}))
