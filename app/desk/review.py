"""What a person decides in the gap review, several domains at a time: look at them next, exclude them, put them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.desk import service as desk
from app.desk.service import Person
from app.domain.gap import LINKED_BY_DATA, GapState
from app.domain.pipeline import LostReason, Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem, GapbridgeError
from app.gaps import kept
from app.mentions import service as mentions
from app.models import Prospect

MOST = 500


@dataclass(slots=True)
class Reviewed:
    """How many domains were changed, how many were there already, and for the others the domain with the reason."""

    done: int = 0
    already: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def _chosen(uow: UnitOfWork, site_id: int, ids: Sequence[int]) -> list[Prospect]:
    if not ids:
        raise BadInput(say("nothing is selected"), FieldProblem("pick", say("Select at least one domain")))
    if len(ids) > MOST:
        raise BadInput(
            say("{count} domains at once", count=len(ids)),
            FieldProblem("pick", say("Select at most {most}", most=MOST)),
        )
    statement = select(Prospect).where(col(Prospect.site_id) == site_id, col(Prospect.id).in_(ids))
    return list(uow.session.execute(statement.order_by(col(Prospect.rank_key), col(Prospect.id))).scalars())


def add_to_queue(uow: UnitOfWork, site_id: int, ids: Sequence[int]) -> Reviewed:
    """Let the pages of gap domains be looked at now; when that has ended they wait in the queue.

    What was looked at already waits there. Raises BadInput for nothing and for more than MOST.
    """
    made = Reviewed()
    for prospect in _chosen(uow, site_id, ids):
        if prospect.stage is Stage.PROSPECT:
            mentions.request(uow, prospect.id)
            audit.record(uow, "prospect.queued", "prospect", prospect.id, name=prospect.domain)
            made.done += 1
        elif prospect.stage is Stage.CHECKED_MENTION:
            made.already += 1
        else:
            made.refused.append((prospect.domain, f"it is {prospect.stage.value}"))
    return made


def exclude(uow: UnitOfWork, person: Person, site_id: int, ids: Sequence[int], reason: LostReason) -> Reviewed:
    """Give domains up, with a reason; each can be taken back like a skip in the queue."""
    made = Reviewed()
    for prospect in _chosen(uow, site_id, ids):
        if prospect.stage not in (Stage.PROSPECT, Stage.CHECKED_MENTION):
            made.refused.append((prospect.domain, f"it is {prospect.stage.value}"))
            continue
        try:
            desk.skip(uow, person, prospect.id, reason)
            made.done += 1
        except GapbridgeError as error:
            # Nothing of it was written: what refuses is asked before the first change.
            made.refused.append((prospect.domain, error.detail))
    return made


def put_back(uow: UnitOfWork, site_id: int, ids: Sequence[int], *, actor: str) -> Reviewed:
    """Bring excluded domains back to where they stood; never after an unsubscribe."""
    made = Reviewed()
    for prospect in _chosen(uow, site_id, ids):
        try:
            desk.put_back(uow, prospect.id, actor=actor)
            made.done += 1
        except GapbridgeError as error:
            made.refused.append((prospect.domain, error.detail))
    return made


def not_linked(uow: UnitOfWork, site_id: int, ids: Sequence[int], *, actor: str) -> Reviewed:
    """Take it back for domains that our own lists show to link to us, now and at every later import: a person has looked."""
    made = Reviewed()
    for prospect in _chosen(uow, site_id, ids):
        if prospect.gap_state is not GapState.LINKED:
            made.refused.append((prospect.domain, "no list of ours shows a link of it"))
            continue
        kept.keep_row(uow, site_id, prospect.domain, rule=LINKED_BY_DATA, actor=actor)
        made.done += 1
    return made
