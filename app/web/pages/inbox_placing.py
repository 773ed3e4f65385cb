"""What a message is, said by a person: whose reply, no reply, a bounce, no opt-out; whom it is from and never to be written to; read once more."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.inbox import opt_outs, service
from app.prospects import repository
from app.web.door import Id, Pages, Visit, whole
from app.web.pages.inbox import again, go

pages = Pages()


def _prospect_of(visit: Visit, given: str) -> int:
    """The prospect that a form names by its number or its domain. Raises BadInput (field `prospect_id`)."""
    number = whole(given)
    found = number if number is not None else repository.newest_of_domain(visit.uow.session, given)
    if found is None:
        problem = FieldProblem("prospect_id", say("Enter the domain of a prospect, such as example.com, or its number"))
        raise BadInput(say("no prospect has the domain {given}", given=given[:253]), problem)
    return found


@pages.post("/inbox/{inbound_id}/reply", needs="messages:write", again=again)
def is_reply(visit: Visit, inbound_id: Id) -> Response:
    """It is a reply: follow-ups stop for good, and it waits for an answer."""
    prospect_id = _prospect_of(visit, visit.text("prospect_id")) if visit.text("prospect_id") else None
    service.is_reply(visit.uow, inbound_id, actor=visit.actor, prospect_id=prospect_id)
    return visit.go(f"/inbox/{inbound_id}?tab=waiting&did=placed")


@pages.post("/inbox/{inbound_id}/bounce", needs="messages:write", again=again)
def is_bounce(visit: Visit, inbound_id: Id) -> Response:
    """A report that names none of our mails is about this one: it counts like any other."""
    service.is_bounce(visit.uow, inbound_id, visit.number("outbound_id") or 0, actor=visit.actor)
    return go(visit, "bounced")


@pages.post("/inbox/{inbound_id}/dismiss", needs="messages:write", again=again)
def dismiss(visit: Visit, inbound_id: Id) -> Response:
    """It is no reply: the follow-ups that it paused go on."""
    service.dismiss(visit.uow, inbound_id, actor=visit.actor)
    return go(visit, "done")


@pages.post("/inbox/{inbound_id}/no-opt-out", needs="messages:write", again=again)
def no_opt_out(visit: Visit, inbound_id: Id) -> Response:
    """The program has read an opt-out out of words that are none: the address is free again, with a reason that is kept."""
    opt_outs.take_back(visit.uow, visit.container.vault, inbound_id, visit.text("reason"), actor=visit.actor)
    return visit.go(f"/inbox/{inbound_id}?tab=waiting&did=no-opt-out")


@pages.post("/inbox/{inbound_id}/suppress", needs="messages:write", again=again)
def suppress(visit: Visit, inbound_id: Id) -> Response:
    """Never write to the sender of a message that belongs to nobody, and put it away."""
    service.suppress(visit.uow, visit.container.vault, inbound_id, actor=visit.actor)
    return go(visit, "suppressed")


@pages.post("/inbox/{inbound_id}/try-again", needs="messages:write", again=again)
def try_again(visit: Visit, inbound_id: Id) -> Response:
    """Read a message in quarantine once more."""
    service.try_again(visit.uow, inbound_id, actor=visit.actor)
    return go(visit, "again")
