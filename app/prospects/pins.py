"""Prospects that a lead puts in front of the queue: at most twenty, so that the order keeps its meaning."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import Conflict
from app.models import QueuePin
from app.prospects import service

MOST = 20


def pin(uow: UnitOfWork, prospect_id: int, *, actor: str) -> None:
    """Put a prospect in front. Raises Conflict when there are twenty already."""
    service.get(uow, prospect_id)
    if uow.session.get(QueuePin, prospect_id) is not None:
        return
    if uow.session.execute(select(func.count()).select_from(QueuePin)).scalar_one() >= MOST:
        raise Conflict(say("{most} prospects are pinned already; take one down first", most=MOST))
    uow.session.add(QueuePin(prospect_id=prospect_id, pinned_by=actor, at=uow.now()))
    service.note(uow, prospect_id, "pinned", actor=actor)


def unpin(uow: UnitOfWork, prospect_id: int, *, actor: str) -> None:
    """Back to its place by rank; what is not pinned is no error."""
    if uow.session.get(QueuePin, prospect_id) is not None:
        uow.session.execute(delete(QueuePin).where(col(QueuePin.prospect_id) == prospect_id))
        service.note(uow, prospect_id, "unpinned", actor=actor)
