"""One prospect with everything that happened."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.pipeline import LostReason, Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.evidence import repository as reasons
from app.prospects import repository, service
from app.reports import links, timeline
from app.sites import service as sites
from app.web.door import Id, Pages, Visit
from app.web.words import FIT_WORDS

pages = Pages()


@pages.get("/prospects/{prospect_id}", needs="prospects:read")
def prospect(visit: Visit, prospect_id: Id) -> Response:
    """The timeline, newest last, with what can be done by hand."""
    return _show(visit, prospect_id)


def _show(visit: Visit, prospect_id: int) -> Response:
    found = service.get(visit.uow, prospect_id)
    reads_mail = visit.who.may("messages:read")
    lines = timeline.of_prospect(visit.uow, prospect_id)
    return visit.page(
        "prospect.html",
        prospect=found,
        # Who may not read mail sees that there was some, and no word of it.
        lines=[line for line in lines if reads_mail or line.kind not in ("mail-in", "mail-out")],
        contacts=repository.contacts_of(visit.uow.session, prospect_id),
        links=links.listing(visit.uow, prospect_id=prospect_id),
        reasons=list(LostReason),
        item={"seen": reasons.of_prospect(visit.uow.session, prospect_id), "prospect": found},
        over=found.stage in (Stage.WON, Stage.LOST),
        notice=None,
        pages={page.id: page for page in sites.pages(visit.uow, found.site_id, archived=True)},
        why_no_fit=FIT_WORDS,
    )


@pages.post("/prospects/{prospect_id}/give-up", needs="prospects:write", again=_show)
def give_up(visit: Visit, prospect_id: Id) -> Response:
    """Lost, with a reason."""
    if visit.text("reason") not in set(LostReason):
        raise BadInput(say("giving up needs a reason"), FieldProblem("reason", say("Choose a reason")))
    service.give_up(visit.uow, prospect_id, LostReason(visit.text("reason")), actor=visit.actor)
    return visit.go(f"/prospects/{prospect_id}")


@pages.post("/prospects/{prospect_id}/reopen", needs="prospects:write", again=_show)
def reopen(visit: Visit, prospect_id: Id) -> Response:
    """Back into the pipeline, with a reason."""
    service.reopen(visit.uow, prospect_id, visit.text("why"), actor=visit.actor)
    return visit.go(f"/prospects/{prospect_id}")
