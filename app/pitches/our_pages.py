"""What follows for a site's prospects and drafts when a page of ours, its sender or its brand changes: the fit is found anew, in batches.

How far it is stands on the site's row, so a run that was cut off goes on there; a further change begins it anew.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.work import Database, UnitOfWork
from app.domain.pipeline import Stage
from app.errors import Conflict, Refused
from app.evidence import service as evidence
from app.gaps import fit
from app.log import get_logger
from app.models import Pitch, PitchState, Prospect, Site
from app.pitches import facts, service
from app.settings import Settings

log = get_logger("pitches")

_CLAIM = timedelta(minutes=15)
_BATCH = 200
_OPEN = (Stage.PROSPECT, Stage.CHECKED_MENTION)
# What a draft says of our page and of us; only where one of these differs is it written again.
_OURS = ("our_page", "our_page_summary", "topic")
_OF_US = ("our_brand", *facts.OF_SENDER)


class Deps(Protocol):
    """The wired dependencies that a run uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the workers stop."""


def due(session: Session, now: datetime) -> list[int]:
    """The sites whose pages have changed since their prospects were compared with them."""
    statement = select(col(Site.id)).where(col(Site.fit_due_at) <= now).order_by(col(Site.fit_due_at))
    return list(session.execute(statement).scalars())


def run(deps: Deps, site_id: int) -> int | None:
    """Compare a site's prospects with its pages if that is due, and bring its drafts in line; how many prospects were compared.

    None when there was nothing to do. Safe to run twice: of two workers one has the claim.
    """
    held: datetime | None = None
    compared = 0
    while True:
        with deps.db.work() as uow:
            site = uow.session.get(Site, site_id, with_for_update=True, populate_existing=True)
            # Due at first; later only as long as the claim is ours: a change takes it away and rings anew.
            ours = site is not None and (
                site.fit_due_at == held if held else site.fit_due_at is not None and site.fit_due_at <= uow.now()
            )
            if site is None or not ours:
                return compared if held else None
            batch = _next(uow, site)
            if not batch:
                site.fit_due_at = site.fit_after = None
                break
            fit.refit_all(uow, site, batch)
            uow.session.flush()
            for prospect_id in _drafted(uow, [one.id for one in batch if one.stage in _OPEN]):
                follow(uow, deps.settings, prospect_id)
            compared += len(batch)
            site.fit_after = batch[-1].id
            if deps.stopping.is_set():
                site.fit_due_at = uow.now()
                return compared
            held = site.fit_due_at = uow.now() + _CLAIM
    log.info("pitches.pages_compared", site_id=site_id, prospects=compared)
    return compared


def follow(uow: UnitOfWork, settings: Settings, prospect_id: int) -> bool:
    """Write the draft of a prospect again where another page of ours fits now, its page says something else, or we sign otherwise.

    Whether it was. A text that a person has edited stays, and so does a page that a person has chosen as long as we promote it. A draft that rests
    on what was seen in comparison with its page is looked into again.
    """
    draft = uow.session.execute(
        select(Pitch).where(col(Pitch.prospect_id) == prospect_id, col(Pitch.state) == PitchState.DRAFT)
    ).scalar_one_or_none()
    if draft is None or draft.edited:
        return False
    prospect = uow.session.get_one(Prospect, prospect_id)
    known = facts.know(uow, prospect)
    found = facts.gather(uow, prospect, page_id=service.chosen_page(draft, known), known=known)
    values, before = facts.values_of(found, None), draft.variables["values"]
    page_id = found.fit.page.id if found.fit else None
    same_page = page_id == draft.page_id and all(values[name] == before.get(name) for name in _OURS)
    if same_page and all(values[name] == before.get(name) for name in _OF_US):
        return False
    if not same_page and service.rests_on_evidence(draft) and settings.evidence_pages:
        evidence.request(uow, settings, prospect_id)
        return True
    try:
        service.propose(uow, prospect_id)
    except Conflict:  # It was moved on at the same moment.
        return False
    except Refused:
        service.withdraw(uow, draft, reason="no page of ours carries its reason any more")
    return True


def _next(uow: UnitOfWork, site: Site) -> list[Prospect]:
    statement = (
        select(Prospect)
        .where(col(Prospect.site_id) == site.id, col(Prospect.id) > (site.fit_after or 0))
        .order_by(col(Prospect.id))
        .limit(_BATCH)
    )
    return list(uow.session.execute(statement).scalars())


def _drafted(uow: UnitOfWork, prospect_ids: list[int]) -> list[int]:
    statement = select(col(Pitch.prospect_id)).where(
        col(Pitch.prospect_id).in_(prospect_ids), col(Pitch.state) == PitchState.DRAFT, col(Pitch.edited).is_(False)
    )
    return list(uow.session.execute(statement.order_by(col(Pitch.prospect_id))).scalars())
