"""Sequences: the steps after a pitch in order, when each would leave, and who moves to a new version."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.calendars import holiday_name
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import Sequence
from app.reports import sequences as reports
from app.sequences import service
from app.sites import service as sites
from app.web import i18n
from app.web.door import Id, Pages, Visit, whole
from app.web.i18n import _, ngettext
from app.web.pages.templates import TITLES

pages = Pages()

# A form may hold one row more than is allowed: saving says so, and nothing that was written is lost.
_ROWS = 8
# Rows of the list of follow-ups that stand still.
_LINES = 50
_RUN = {"resume": service.resume, "rest": service.rest}


@pages.get("/sequences", needs="pitches:read")
def sequences_page(visit: Visit) -> Response:
    """The sequence of each site."""
    return visit.page("sequences.html", lines=reports.newest(visit.uow), counts=reports.under_way(visit.uow))


def _show_paused(visit: Visit, **__: int) -> Response:
    found = reports.paused(visit.uow, after=visit.position("after") or 0, limit=_LINES + 1)
    did = visit.request.query_params.get("did", "")
    return visit.page(
        "sequences_paused.html",
        rows=found[:_LINES],
        more=f"/sequences/paused?after={found[_LINES - 1]['id']}" if len(found) > _LINES else None,
        count=_LINES,
        notice={"resume": _("The follow-ups go on."), "rest": _("They rest until somebody lets them go on.")}.get(did),
    )


@pages.get("/sequences/paused", needs="pitches:read")
def paused_runs(visit: Visit) -> Response:
    """Follow-ups that stand still, with the reason, and what a person can do about each."""
    return _show_paused(visit)


@pages.post("/sequences/runs/{run_id}", needs="pitches:write", again=_show_paused)
def decide_run(visit: Visit, run_id: Id) -> Response:
    """Let paused follow-ups go on, or let them rest."""
    what = visit.text("do")
    if what not in _RUN:
        raise BadInput(say("the form is incomplete; reload the page"), FieldProblem("do", say("Reload the page")))
    _RUN[what](visit.uow, run_id, actor=visit.actor)
    return visit.go(f"/sequences/paused?did={what}")


@pages.post("/sequences/start/{site_id}", needs="templates:write")
def start_sequence(visit: Visit, site_id: Id) -> Response:
    """Give a site the starter before its first pitch does."""
    made = service.ensure_starter(visit.uow, sites.get(visit.uow, site_id))
    return visit.go(f"/sequences/{made.id}")


Step = dict[str, Any]


def _steps(visit: Visit, sequence: Sequence) -> list[Step]:
    """The steps after the pitch, from the form or as they are kept."""
    if "after" not in visit.form:
        return [dict(step) for step in sequence.steps[1:]]
    made: list[Step] = []
    for row in range(_ROWS):
        if f"wait-{row}" in visit.form:
            wait = visit.text(f"wait-{row}")
            made.append(
                {
                    "template": visit.text(f"template-{row}") or None,
                    "wait_business_days": int(wait) if wait.isdecimal() and len(wait) < 4 else wait,
                }
            )
    return made


def _rearranged(steps: list[Step], do: str) -> list[Step]:
    verb, _sep, at = do.partition(":")
    row = whole(at, len(steps) - 1)
    if verb == "add" and len(steps) < _ROWS:
        ends = [step for step in steps if step["template"] is None]
        kept = [step for step in steps if step["template"] is not None]
        return [*kept, {"template": service.follow_up_templates()[-1], "wait_business_days": 5}, *ends]
    if row is None:
        return steps
    if verb == "remove":
        return steps[:row] + steps[row + 1 :]
    other = row - 1 if verb == "up" else row + 1 if verb == "down" else row
    if 0 <= other < len(steps):
        steps[row], steps[other] = steps[other], steps[row]
    return steps


def _calendar(visit: Visit, steps: list[Step], country: str | None) -> dict[str, Any]:
    """When each step would leave, for the day, zone and country of the form; `calendar_error` says why it is not shown."""
    zone = visit.text("zone") or i18n.zone().key
    given = visit.text("country").upper() if "country" in visit.form else country or ""
    wanted = visit.text("start") or visit.uow.now().astimezone(i18n.zone()).date().isoformat()
    values: dict[str, Any] = {"zone": zone, "country": given, "start": wanted, "plan": [], "calendar_error": None}
    try:
        local = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return {**values, "calendar_error": ("zone", _("Enter a time zone such as Europe/Berlin"))}
    try:
        first = datetime.combine(date.fromisoformat(wanted), time(9, 30), tzinfo=local)
        planned = service.preview(_whole(steps), first, zone=zone, country=given or None)
    except (ValueError, OverflowError) as error:
        words = str(error)
        wrong = ("steps", words) if words.startswith(("step", "a sequence")) else ("start", _("Enter a day"))
        return {**values, "calendar_error": wrong}
    plan, before = [], first.date()
    for template, at in planned:
        day = at.astimezone(local).date()
        passed = [before + timedelta(days=n) for n in range(1, (day - before).days)]
        free = [(one, name) for one in passed if (name := holiday_name(given or None, one))]
        plan.append((template, at.astimezone(local), free))
        before = day
    return {**values, "plan": plan}


def _whole(steps: list[Step]) -> list[Step]:
    return [{"template": "pitch", "wait_business_days": 0}, *steps]


def _show(visit: Visit, sequence_id: int, **changed: Any) -> Response:
    sequence, site = reports.get(visit.uow, sequence_id)
    history = reports.versions(visit.uow, sequence)
    newest = history[0]
    steps = changed.get("steps") or _steps(visit, sequence)
    did, number = visit.request.query_params.get("did"), visit.request.query_params.get("n", "0")
    notice = None
    if did == "saved":
        notice = _("Version {number} is kept, for pitches that are approved from now on.", number=newest.version)
    elif did == "moved" and (count := whole(number)) is not None:
        notice = ngettext("One person was moved.", "{number} people were moved.", count)
    return visit.page(
        "sequence.html",
        sequence=sequence,
        site=site,
        history=history,
        newest=newest,
        steps=steps,
        choices=[(name, TITLES.get(name, name)) for name in service.follow_up_templates()],
        titles=TITLES,
        counts=reports.under_way(visit.uow),
        movable=service.movable(visit.uow, newest),
        most=service.MOST_FOLLOW_UPS,
        writes=visit.who.may("templates:write") and sequence.id == newest.id,
        notice=notice,
        **_calendar(visit, steps, site.country),
    )


@pages.get("/sequences/{sequence_id}", needs="pitches:read")
def sequence_page(visit: Visit, sequence_id: Id) -> Response:
    """One version: its steps, its dates, its people."""
    return _show(visit, sequence_id)


@pages.post("/sequences/{sequence_id}", needs="pitches:read", again=_show)
def save_sequence(visit: Visit, sequence_id: Id) -> Response:
    """Move a step, show the dates, or keep the steps as the next version."""
    sequence, _site = reports.get(visit.uow, sequence_id)
    steps, do = _steps(visit, sequence), visit.text("do")
    if do != "save":
        return _show(visit, sequence_id, steps=_rearranged(steps, do))
    visit.who.require("templates:write")
    made = service.save_version(
        visit.uow,
        sequence.site_id,
        _whole(steps),
        actor=visit.actor,
        name=sequence.name,
        after=visit.number("after"),
    )
    return visit.go(f"/sequences/{made.id}?did=saved")


@pages.post("/sequences/{sequence_id}/move", needs="templates:write", again=_show)
def move_people(visit: Visit, sequence_id: Id) -> Response:
    """Put the people that have not reached the second step onto this version."""
    sequence, _site = reports.get(visit.uow, sequence_id)
    count = visit.number("count")
    if count is None:
        raise BadInput(say("the form is incomplete; reload the page"), FieldProblem("count", say("Reload the page")))
    moved = service.move(visit.uow, sequence, count, actor=visit.actor)
    return visit.go(f"/sequences/{sequence_id}?did=moved&n={moved}")
