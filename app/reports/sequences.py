"""Sequences by site, their versions, and how many people are on the way on each."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import NotFound
from app.models import RunState, Sequence, SequenceRun, Site


def newest(uow: UnitOfWork) -> list[tuple[Site, Sequence | None]]:
    """Each site with the sequence that its pitches start; None for one that has not sent yet."""
    any_version = aliased(Sequence)
    last = select(func.max(any_version.id)).where(any_version.site_id == col(Site.id)).correlate(Site).scalar_subquery()  # type: ignore[arg-type]
    statement = select(Site, Sequence).outerjoin(Sequence, col(Sequence.id) == last).order_by(col(Site.id))
    return [(row[0], row[1]) for row in uow.session.execute(statement)]


def get(uow: UnitOfWork, sequence_id: int) -> tuple[Sequence, Site]:
    """A version with its site; raises NotFound."""
    found = uow.session.get(Sequence, sequence_id)
    if found is None:
        raise NotFound(say("there is no sequence {sequence_id}", sequence_id=sequence_id))
    return found, uow.session.get_one(Site, found.site_id)


def versions(uow: UnitOfWork, sequence: Sequence) -> list[Sequence]:
    """All versions of the same sequence, newest first."""
    statement = select(Sequence).where(col(Sequence.site_id) == sequence.site_id, col(Sequence.name) == sequence.name)
    return list(uow.session.execute(statement.order_by(col(Sequence.version).desc())).scalars())


def under_way(uow: UnitOfWork) -> dict[int, int]:
    """How many runs are active or paused, by the version that they are on."""
    statement = (
        select(col(SequenceRun.sequence_id), func.count())
        .where(col(SequenceRun.state).in_([RunState.ACTIVE, RunState.PAUSED]))
        .group_by(col(SequenceRun.sequence_id))
    )
    return {row[0]: row[1] for row in uow.session.execute(statement)}
