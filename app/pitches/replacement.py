"""Looks for the reason of a pitch before it is drafted, and looks again before an old one is used."""

from __future__ import annotations

from typing import Protocol

from app.db.work import Database
from app.domain.angles import Angle
from app.domain.angles import propose as propose_angle
from app.domain.pipeline import Stage
from app.errors import Conflict, Refused
from app.evidence import repository as evidence_repository
from app.evidence import service as evidence
from app.fetch.ports import Fetcher
from app.models import Pitch
from app.pitches import facts, repository, service
from app.prospects import contacts
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.settings import Settings

_BETTER = (Angle.LINK_RECLAMATION, Angle.UNLINKED_MENTION)


class Deps(Protocol):
    """The wired dependencies that `prepare` uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client."""

    @property
    def settings(self) -> Settings:
        """The settings."""


def prepare(deps: Deps, prospect_id: int, *, actor: str = "system", by_hand: bool = True) -> Pitch:
    """Propose a pitch; where neither a lost link nor a mention speaks for it, look first what their pages prove.

    Makes its own transactions, for the look goes over the network: call it outside of any. With `by_hand` False it raises
    Refused (`no-reason`) where nothing was proved.
    """
    if _wants_a_look(deps, prospect_id):
        evidence.look(deps, prospect_id)
    with deps.db.work() as uow:
        return service.propose(uow, prospect_id, actor=actor, by_hand=by_hand)


def _wants_a_look(deps: Deps, prospect_id: int) -> bool:
    with deps.db.read() as look:
        draft = repository.draft_of(look.session, prospect_id)
        if draft is not None and draft.edited:
            return False
        prospect = prospects.get(look, prospect_id)
        proposal = propose_angle(facts.gather(look, prospect).angle)
        if proposal is not None and proposal.angle in _BETTER:
            return False
        row = evidence_repository.of_prospect(look.session, prospect_id)
        return not evidence.is_fresh(row, deps.settings, look.now())


def draft_when_ready(deps: Deps, prospect_id: int) -> Pitch | None:
    """Propose a pitch for a prospect that can be pitched now and has no draft, so that the queue opens with one.

    None when there is nothing to do, or nothing was seen that speaks for a pitch. Called after a mention check and after a
    lost link; safe to call at any time.
    """
    with deps.db.read() as look:
        stage = prospects.get(look, prospect_id).stage
        if stage is not Stage.CHECKED_MENTION or repository.draft_of(look.session, prospect_id) is not None:
            return None
    try:
        return prepare(deps, prospect_id, by_hand=False)
    except (Conflict, Refused):  # It was moved on while we looked, or no fact speaks for it.
        return None


def draft_to_found(deps: Deps, prospect_id: int) -> Pitch | None:
    """After a search that found contacts: a draft that was written to nobody is written to the best of them, else as `draft_when_ready`.

    Angle and page stay as they are; an edited text stays, too, and its gate says that there is somebody to choose.
    """
    with deps.db.work() as uow:
        prospects_repository.lock(uow.session, prospect_id)
        draft, contact = repository.draft_of(uow.session, prospect_id), contacts.best(uow, prospect_id)
        if draft is not None:
            if draft.contact_id is None and contact is not None and not draft.edited:
                service.choose(uow, draft.id, draft.version, actor="system", contact_id=contact.id)
            return draft
    return draft_when_ready(deps, prospect_id)


def renew(deps: Deps, prospect_id: int) -> Pitch | None:
    """Look again if that is due, and bring the draft in line with what was seen: written, written again, or withdrawn.

    An edited draft stays as it is; the gate `reason-changed` keeps it from leaving where its reason is gone.
    """
    if evidence.look_if_due(deps, prospect_id) is None:
        return None
    with deps.db.work() as uow:
        prospect = prospects.get(uow, prospect_id)
        draft = repository.draft_of(uow.session, prospect_id)
        if prospect.stage is not Stage.CHECKED_MENTION or (draft is not None and draft.edited):
            return draft
        try:
            return service.propose(uow, prospect_id, by_hand=draft is not None and not service.rests_on_evidence(draft))
        except Refused:
            if draft is not None:
                service.withdraw(uow, draft, reason="what it said is not to be seen any more")
    return None
