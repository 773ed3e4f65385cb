"""One prospect with everything that happened."""

from __future__ import annotations

from starlette.responses import Response

from app.desk import moves
from app.domain.pipeline import LostReason, Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.evidence import repository as reasons
from app.evidence import service as evidence
from app.gaps import domain_pages
from app.gaps.service import snapshot_folder
from app.prospects import repository, service, suppression
from app.reports import links, sequences, timeline
from app.sequences import service as follow_ups
from app.sites import service as sites
from app.web.door import Id, Pages, Visit, inside
from app.web.i18n import _, mark
from app.web.lanes import person_of
from app.web.words import FIT_WORDS

pages = Pages()
_LONGEST_NOTE = 1_000
_NOTICES = {
    "lost": mark("Given up."),
    "reopened": mark("Reopened."),
    "undone": mark("Taken back."),
    "noted": mark("Written down, for colleagues only."),
    "stopped": mark("No follow-ups are sent until somebody lets them go on."),
    "stopped-late": mark("No further follow-up is sent until somebody lets them go on. One is leaving at this moment."),
}


@pages.get("/prospects/{prospect_id}", needs="prospects:read")
def prospect(visit: Visit, prospect_id: Id) -> Response:
    """The timeline, newest last, with what can be done by hand."""
    return _show(visit, prospect_id)


@pages.get("/prospects/{prospect_id}/pages", needs="prospects:read")
def linking_pages(visit: Visit, prospect_id: Id) -> Response:
    """Every page of theirs that links to a competitor, the best first."""
    found = service.get(visit.uow, prospect_id)
    lists = domain_pages.lists_of(visit.uow, found.site_id)
    visit.uow.let_go()
    rows = domain_pages.pages_of(lists, snapshot_folder(visit.container.settings), found.domain)
    return visit.page("prospect_pages.html", prospect=found, rows=rows, most=domain_pages.MOST)


def _show(visit: Visit, prospect_id: int) -> Response:
    found = service.get(visit.uow, prospect_id)
    did = visit.request.query_params.get("did", "")
    reads_mail = visit.who.may("messages:read")
    lines = timeline.of_prospect(visit.uow, prospect_id)
    # Whom one may write to belongs to the mail; a viewer sees neither.
    contacts = repository.contacts_of(visit.uow.session, prospect_id) if reads_mail else None
    session, vault = visit.uow.session, visit.container.vault
    against = {one.id: suppression.refusal(session, vault, one.email, found.site_id) for one in contacts or ()}
    seen = reasons.of_prospect(session, prospect_id)
    whole = suppression.against_domain(session, vault, found.domain, found.site_id) if reads_mail else []
    return visit.page(
        "prospect.html",
        prospect=found,
        # Who may not read mail sees that there was some, and no word of it.
        lines=[line for line in timeline.folded(lines) if reads_mail or line.kind not in timeline.MAIL],
        contacts=contacts,
        refused={number: skip.sentence for number, skip in against.items() if skip is not None},
        refusals=[suppression.sentence(rule) for rule in whole],
        put_away=sites.get(visit.uow, found.site_id).archived_at is not None,
        links=links.listing(visit.uow, prospect_id=prospect_id),
        follow_ups=sequences.standing_of(visit.uow, prospect_id) if visit.who.may("pitches:read") else None,
        reasons=list(LostReason),
        item={"seen": seen, "prospect": found},
        looking=evidence.waits(seen, visit.uow.now()),
        over=found.stage in (Stage.WON, Stage.LOST),
        notice=_(_NOTICES[did]) if did in _NOTICES else None,
        undoable=did in ("lost", "reopened"),
        pages={page.id: page for page in sites.pages(visit.uow, found.site_id, archived=True)},
        why_no_fit=FIT_WORDS,
    )


@pages.post("/prospects/{prospect_id}/give-up", needs="prospects:write", again=_show)
def give_up(visit: Visit, prospect_id: Id) -> Response:
    """Lost, with a reason."""
    if visit.text("reason") not in set(LostReason):
        raise BadInput(say("giving up needs a reason"), FieldProblem("reason", say("Choose a reason")))
    moves.give_up(visit.uow, person_of(visit), prospect_id, LostReason(visit.text("reason")))
    return visit.go(f"/prospects/{prospect_id}?did=lost")


@pages.post("/prospects/{prospect_id}/reopen", needs="prospects:write", again=_show)
def reopen(visit: Visit, prospect_id: Id) -> Response:
    """Back into the pipeline, with a reason."""
    moves.reopen(visit.uow, person_of(visit), prospect_id, visit.text("why"))
    return visit.go(f"/prospects/{prospect_id}?did=reopened")


@pages.post("/prospects/{prospect_id}/note", needs="prospects:write", again=_show)
def note(visit: Visit, prospect_id: Id) -> Response:
    """Write a line into the history, for colleagues only; then back to the page it was written on."""
    text = visit.text("note")
    if not text or len(text) > _LONGEST_NOTE:
        problem = say("Write between 1 and {most} characters", most=_LONGEST_NOTE)
        raise BadInput(say("the note is empty or too long"), FieldProblem("note", problem))
    service.get(visit.uow, prospect_id)
    service.note(visit.uow, prospect_id, timeline.NOTED, actor=visit.actor, reason=text)
    if visit.request.headers.get("x-play"):
        # Sent by the page before something else that was pressed: it goes there.
        return Response(status_code=204)
    back = inside(visit.text("back") or f"/prospects/{prospect_id}")
    return visit.go(f"{back}{'&' if '?' in back else '?'}did=noted")


@pages.post("/prospects/{prospect_id}/stop-follow-ups", needs="pitches:write", again=_show)
def stop_follow_ups(visit: Visit, prospect_id: Id) -> Response:
    """No more follow-ups to them for now; their conversation stays open."""
    run = follow_ups.stop(visit.uow, prospect_id, actor=visit.actor)
    late = follow_ups.leaves_now(visit.uow, run)
    return visit.go(f"/prospects/{prospect_id}?did={'stopped-late' if late else 'stopped'}")
