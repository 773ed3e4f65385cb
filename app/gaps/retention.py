"""Forgets what a provider's terms do not let us keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.ranking import FIT_AT, FIT_LENGTH, FOLLOW_UNKNOWN, RANK_LENGTH, UNRATED
from app.errors import BadInput
from app.gaps import changes, imports, service
from app.gaps.providers.catalogue import PROVIDERS
from app.gaps.pulls import Deps
from app.log import get_logger
from app.models import Prospect, RemovedGap, Snapshot

log = get_logger("gaps")

_ACTOR = "retention"
#: What a list of domains says of a prospect, and what is computed of it.
_FIGURES = (
    "authority",
    "authority_provider",
    "authority_percentile",
    "traffic",
    "links",
    "dofollow",
    "first_seen",
    "score",
)


def due_expiries(session: Session, now: datetime) -> list[int]:
    """Snapshots that their provider's terms do not let us keep any longer."""
    found: list[int] = []
    for tool in PROVIDERS.values():
        if tool.terms.retention is not None:
            statement = select(col(Snapshot.id)).where(
                col(Snapshot.format) == f"{tool.name}-pull", col(Snapshot.created_at) <= now - tool.terms.retention
            )
            found += session.execute(statement).scalars()
    return found


def expire(deps: Deps, snapshot_id: int) -> None:
    """Remove what a pull brought, with all that was made of it: the rows, the figures of the prospects, the former tables of the gap.

    Everything of the site and the provider that is due goes at once. Figures that other lists have come back with the gap, which
    is computed anew. Changes are not told of that: a list that may not be kept has lost nothing.
    """
    folder = service.snapshot_folder(deps.settings)
    with deps.db.work() as uow:
        first = uow.session.get(Snapshot, snapshot_id)
        due = due_expiries(uow.session, uow.now())
        if first is None or snapshot_id not in due:
            return
        site_id, provider = first.site_id, first.provider
        among = select(Snapshot).where(
            col(Snapshot.id).in_(due), col(Snapshot.site_id) == site_id, col(Snapshot.provider) == provider
        )
        gone = list(uow.session.execute(among).scalars())
        changes.forget(uow, site_id, [one.id for one in gone], folder=folder)
        for one in gone:
            imports.expire(uow, one, folder=folder, actor=_ACTOR)
        _clear(uow, site_id, provider)
    log.info("provider.expired", site_id=site_id, provider=provider, snapshots=len(gone))
    try:
        service.refresh(deps.db, site_id, folder=folder, actor=_ACTOR, note=False)
    except BadInput:
        # Without a list of ours, or of any competitor's, there is nothing to compute, and the account is of lists that are gone.
        with deps.db.work() as uow:
            changes.forget_account(uow, site_id)


def _clear(uow: UnitOfWork, site_id: int, provider: str) -> None:
    """Forget the figures that this provider's lists have given, and the place in the order that they made."""
    for table in (Prospect, RemovedGap):
        figures = [getattr(table, name) for name in _FIGURES]
        values: dict[str, Any] = {one.key: None for one in figures}
        # The dofollow stands before the fit, the rating and the first date at the end of the key; the others are of no tool.
        key = col(table.rank_key)
        head, fit = func.substr(key, 1, FIT_AT - 1), func.substr(key, FIT_AT + 1, FIT_LENGTH)
        values["rank_key"] = case((func.length(key) == RANK_LENGTH, head + FOLLOW_UNKNOWN + fit + UNRATED), else_=key)
        if table is Prospect:
            values["updated_at"] = uow.now()
        uow.session.execute(
            update(table)
            .where(
                col(table.site_id) == site_id,
                # A list without a rating names no tool.
                or_(col(table.authority_provider) == provider, col(table.authority_provider).is_(None)),
                or_(*(one.is_not(None) for one in figures)),
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        )
