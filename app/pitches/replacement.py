"""Looks at the page that theirs links to today: only a fault that was seen there speaks for `resource-replacement`."""

from __future__ import annotations

from typing import Protocol

from app.db.work import Database
from app.domain.angles import Angle, LinkedFault
from app.domain.pipeline import Stage
from app.domain.pitch_contract import is_homepage, page_key
from app.errors import Conflict
from app.fetch.ports import Fetched, Fetcher
from app.models import Pitch
from app.pitches import repository, service
from app.pitches.facts import LinkedFact
from app.prospects import service as prospects

_GONE = (404, 410)


class Deps(Protocol):
    """The wired dependencies that `prepare` uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client."""


def find_fault(fetcher: Fetcher, url: str) -> LinkedFact | None:
    """What is wrong with the page at `url`: gone (404, 410), or sent on to a homepage. None when nothing is, or nobody knows.

    A page that does not answer, or that refuses us, is no fault: it may be ours. A redirect to another page is none
    either: the content has moved with it.
    """
    answer = fetcher.fetch(url, read="none")
    if not isinstance(answer, Fetched):
        return None
    if answer.status in _GONE:
        return LinkedFact(url, LinkedFault.DEAD, status=answer.status)
    sent_home = is_homepage(answer.final_url) and not is_homepage(url) and page_key(answer.final_url) != page_key(url)
    if answer.hops and 200 <= answer.status < 300 and sent_home:
        return LinkedFact(url, LinkedFault.REDIRECTED, redirect=answer.final_url)
    return None


def prepare(deps: Deps, prospect_id: int, *, actor: str = "system") -> Pitch:
    """Propose a pitch; where only a coverage gap speaks for it, look first whether the page they link to is at fault.

    Makes its own transactions, for the look goes over the network: call it outside of any.
    """
    with deps.db.work() as uow:
        pitch = service.propose(uow, prospect_id, actor=actor)
        target = prospects.get(uow, prospect_id).target
    if pitch.edited or pitch.angle != Angle.COVERAGE_GAP.value or not target:
        return pitch
    fault = find_fault(deps.fetcher, target)
    if fault is None:
        return pitch
    try:
        with deps.db.work() as uow:
            return service.propose(uow, prospect_id, actor=actor, linked=fault)
    except Conflict:  # Approved, won or given up while we looked.
        return pitch


def draft_when_ready(deps: Deps, prospect_id: int) -> Pitch | None:
    """Propose a pitch for a prospect that can be pitched now and has no draft, so that the queue opens with one.

    None when there is nothing to do. Called after a mention check and after a lost link; safe to call at any time.
    """
    with deps.db.read() as look:
        stage = prospects.get(look, prospect_id).stage
        if stage is not Stage.CHECKED_MENTION or repository.draft_of(look.session, prospect_id) is not None:
            return None
    try:
        return prepare(deps, prospect_id)
    except Conflict:  # It was moved on while we looked.
        return None
