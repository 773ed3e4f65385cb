"""Pulls from paid tools: which are set up and what is left of their budgets, the price of a pull, its start, and pulls that repeat."""

from __future__ import annotations

from math import isfinite, nan
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem, GapbridgeError, Refused
from app.gaps import asked_pulls, prices, pulls, schedules, uploads
from app.models import ImportKind, PullState
from app.sites import service as sites
from app.web.door import Id, Pages, Visit, whole
from app.web.i18n import _, mark
from app.web.pages.imports import STATES, title_of

pages = Pages()

_ROWS, _DAYS = 500, 30
PULLS = {
    PullState.RUNNING: mark("runs"),
    PullState.DONE: mark("done"),
    PullState.FAILED: mark("failed"),
}


def _whole(given: dict[str, str], name: str, usual: int) -> int:
    found = whole(given.get(name, "").strip())
    return usual if found is None else found


def _show(visit: Visit, schedule_id: int | None = None) -> Response:
    """What a form or the address asks for, with its price; a refusal of a form stands above it."""
    given = dict(visit.form) or dict(visit.request.query_params)
    known = sites.list_sites(visit.uow)
    site = next((one for one in known if str(one.id) == given.get("site", "")), known[0] if known else None)
    accounts = prices.accounts(visit.uow, visit.container.settings)
    ready = [one for one in accounts if not one.missing]
    provider = given.get("provider") or (ready[0].provider if ready else "")
    rows = _whole(given, "rows", _ROWS)
    planned, refused = None, None
    # The price is told where it was asked for, and beside a refusal of it.
    if site is not None and given.get("provider") and (visit.error is None or isinstance(visit.error, Refused)):
        try:
            planned = prices.plan(visit.uow, visit.container.settings, site.id, provider, rows)
            planned.affordable()
        except Refused as no:
            refused = no.skips[0].sentence
        except GapbridgeError as wrong:
            visit.error = wrong
    return visit.page(
        "pulls.html",
        status=visit.error.status if visit.error else 200,
        sites=[(one.id, one.name) for one in known],
        names={one.id: one.name for one in known},
        site=site,
        accounts=accounts,
        ready=ready,
        provider=provider,
        rows=rows,
        days=_whole(given, "every_days", _DAYS),
        planned=planned,
        refused=refused,
        account=next((one for one in accounts if one.provider == provider), None),
        schedules=schedules.schedules_of(visit.uow),
        jobs=uploads.latest(visit.uow, ImportKind.PULL, limit=10),
        states=STATES,
        title_of=title_of,
        pulls=pulls.pulls_of(visit.uow, site.id, 20) if site is not None else [],
        pull_states=PULLS,
    )


def _asked(visit: Visit) -> dict[str, Any]:
    site_id, rows = visit.number("site"), visit.number("rows")
    if site_id is None:
        raise BadInput(say("the site is missing"), FieldProblem("site", _("Choose a site")))
    if rows is None:
        raise BadInput(say("a number is needed"), FieldProblem("rows", say("Enter a whole number")))
    return {"site_id": site_id, "provider": visit.text("provider"), "rows": rows}


@pages.get("/imports/pulls", needs="imports:read")
def overview(visit: Visit) -> Response:
    """The accounts, what was pulled, what repeats; with fields of a pull in the address, its price."""
    return _show(visit)


@pages.post("/imports/pulls", needs="imports:write", again=_show)
def start(visit: Visit) -> Response:
    """Let a worker pull, at most for the price that was shown."""
    asked = _asked(visit)
    try:
        most = float(visit.text("most")) if visit.text("most") else None
    except ValueError:
        most = nan
    if most is not None and not isfinite(most):
        raise BadInput(say("the price cannot be read; ask for it again"))
    job = asked_pulls.ask(visit.uow, visit.container.settings, **asked, most=most, actor=visit.actor)
    return visit.go(f"/imports/jobs/{job.id}")


@pages.post("/imports/pulls/schedules", needs="imports:write", again=_show)
def repeat(visit: Visit) -> Response:
    """Let a pull repeat by itself, or change the one that there is."""
    asked, days = _asked(visit), visit.number("every_days")
    if days is None:
        raise BadInput(say("a number is needed"), FieldProblem("every_days", say("Enter a whole number")))
    schedules.schedule(visit.uow, visit.container.settings, **asked, every_days=days, actor=visit.actor)
    return visit.go(f"/imports/pulls?{urlencode({'site': asked['site_id']})}#repeat")


@pages.post("/imports/pulls/schedules/{schedule_id}/pause", needs="imports:write", again=_show)
def pause(visit: Visit, schedule_id: Id) -> Response:
    """Let it rest."""
    schedules.pause(visit.uow, schedule_id, actor=visit.actor)
    return visit.go("/imports/pulls#repeat")


@pages.post("/imports/pulls/schedules/{schedule_id}/resume", needs="imports:write", again=_show)
def resume(visit: Visit, schedule_id: Id) -> Response:
    """End the rest."""
    schedules.resume(visit.uow, schedule_id, actor=visit.actor)
    return visit.go("/imports/pulls#repeat")


@pages.post("/imports/pulls/schedules/{schedule_id}/end", needs="imports:write", again=_show)
def end(visit: Visit, schedule_id: Id) -> Response:
    """End it for good."""
    schedules.unschedule(visit.uow, schedule_id, actor=visit.actor)
    return visit.go("/imports/pulls#repeat")
