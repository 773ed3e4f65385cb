"""Sequences by site, their versions, and how many people are on the way on each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.said import say
from app.errors import NotFound
from app.models import BlockingEvent, Prospect, RunState, Sequence, SequenceRun, Site, StageEvent
from app.reports.sql import Row, columns, rows


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


def paused(uow: UnitOfWork, *, rested: bool = True, after: int = 0, limit: int = 50) -> list[Row]:
    """Runs of sites in use that stand still, by their number: id, prospect_id, domain, tier, end_reason, next_step, since when,
    `data` with the detail of why, and `inbound_id`, the message that may be a reply.

    Without `rested` those that nobody has looked at: what staff have stopped rests until they let it go on, and what may be a reply
    is decided in the inbox.
    """
    blocks = (
        select(func.max(col(BlockingEvent.inbound_id)))
        .where(
            col(BlockingEvent.prospect_id) == col(SequenceRun.prospect_id),
            col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY,
            col(BlockingEvent.cleared_at).is_(None),
        )
        .correlate(SequenceRun)
        .scalar_subquery()
    )
    what: tuple[Any, ...] = (
        SequenceRun.id,
        SequenceRun.prospect_id,
        Prospect.domain,
        Prospect.tier,
        SequenceRun.end_reason,
        SequenceRun.next_step,
        col(StageEvent.at).label("since"),
        StageEvent.data,
        blocks.label("inbound_id"),
    )
    statement = _standing(rested, *what).where(col(SequenceRun.id) > after)
    return rows(uow, statement.order_by(col(SequenceRun.id)).limit(limit))


def standing_of(uow: UnitOfWork, prospect_id: int) -> RunState | None:
    """How the follow-ups to a prospect stand: None where none are to come."""
    statement = select(col(SequenceRun.state)).where(
        col(SequenceRun.prospect_id) == prospect_id, col(SequenceRun.state) != RunState.ENDED
    )
    found: RunState | None = uow.session.execute(statement.order_by(col(SequenceRun.id).desc()).limit(1)).scalar()
    return found


def newest_pause(uow: UnitOfWork) -> int | None:
    """The number of the last pause among those that nobody has looked at, as its line of history; None where nothing stands still."""
    found: int | None = uow.session.execute(
        _standing(False, func.max(func.coalesce(col(StageEvent.id), 0)))
    ).scalar_one()
    return found


def _standing(rested: bool, *what: Any) -> Select[Any]:
    last = (
        select(func.max(col(StageEvent.id)))
        .where(col(StageEvent.prospect_id) == col(SequenceRun.prospect_id), col(StageEvent.event) == "sequence_paused")
        .correlate(SequenceRun)
        .scalar_subquery()
    )
    statement = (
        columns(*what)
        .select_from(SequenceRun)
        .join(Prospect, col(Prospect.id) == col(SequenceRun.prospect_id))
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .join(StageEvent, col(StageEvent.id) == last, isouter=True)
        .where(col(SequenceRun.state) == RunState.PAUSED, col(Site.archived_at).is_(None))
    )
    if not rested:
        seen = [Blocking.STAFF_STOP.value, Blocking.POSSIBLE_REPLY.value]
        statement = statement.where(col(SequenceRun.end_reason).not_in(seen))
    return statement
