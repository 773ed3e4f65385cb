"""The moves of the pipeline that a person makes by hand, each one transaction, written down so that they can be taken back."""

from __future__ import annotations

from app.db.work import UnitOfWork
from app.desk.service import Person, decided
from app.desk.service import reopen as reopened
from app.domain.pipeline import LostReason
from app.domain.said import say
from app.errors import Conflict
from app.links import service as links
from app.models import Decision, DecisionKind
from app.prospects import leases
from app.prospects import service as prospects

_VOUCHED = say(
    "this win was vouched for by hand and cannot be taken back; the checker goes on looking for the link on the page"
)


def give_up(uow: UnitOfWork, person: Person, prospect_id: int, reason: LostReason) -> Decision:
    """Lost, with a reason. Raises IllegalTransition where the pipeline has no such move, and Conflict while somebody else works on it."""
    leases.require(uow, prospects.get(uow, prospect_id), holder=person.caller, name=person.name)
    event = prospects.give_up(uow, prospect_id, reason, actor=person.actor)
    return decided(uow, person, prospect_id, DecisionKind.LOST, reason=reason.value, event=event.id)


def reopen(uow: UnitOfWork, person: Person, prospect_id: int, reason: str) -> Decision:
    """Back from lost into the pipeline, with a reason. Raises IllegalTransition after an unsubscribe."""
    _opened, last = reopened(uow, prospect_id, reason, actor=person.actor)
    return decided(uow, person, prospect_id, DecisionKind.REOPEN, event=last.id)


def vouch(uow: UnitOfWork, person: Person, prospect_id: int, *, url: str, reason: str) -> Decision:
    """Won by a person's word, which is not taken back: what `links.override_win` does, and raises."""
    leases.require(uow, prospects.get(uow, prospect_id), holder=person.caller, name=person.name)
    links.override_win(uow, prospect_id, url=url, reason=reason, actor=person.actor)
    return decided(uow, person, prospect_id, DecisionKind.WON)


def reverse(uow: UnitOfWork, person: Person, decision: Decision) -> None:
    """Take a move back. Raises Conflict with a sentence where that is impossible."""
    if decision.kind is DecisionKind.WON:
        raise Conflict(_VOUCHED)
    back = prospects.take_back_reopen if decision.kind is DecisionKind.REOPEN else prospects.take_back_give_up
    back(uow, decision.prospect_id, decision.data["event"], actor=person.actor)
