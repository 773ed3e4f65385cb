"""The SQL of mention checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, func, select, update
from sqlmodel import Session, col

from app.models import Competitor, MentionCandidate, MentionCheck, Prospect, Snapshot, SnapshotRole


def due(session: Session, now: datetime) -> Sequence[int]:
    """Prospects whose pages are to be looked at now, longest due first."""
    statement = (
        select(col(Prospect.id))
        .where(col(Prospect.mention_due_at) <= now)
        .order_by(col(Prospect.mention_due_at), col(Prospect.id))
        .limit(1000)
    )
    return session.execute(statement).scalars().all()


def claim(session: Session, prospect_id: int, now: datetime, until: datetime) -> bool:
    """Take a due check until `until` by compare-and-set; False when it is not due, or another worker has it."""
    result = session.execute(
        update(Prospect)
        .where(col(Prospect.id) == prospect_id, col(Prospect.mention_due_at) <= now)
        .values(mention_due_at=until, mention_tries=col(Prospect.mention_tries) + 1)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1


def newest(session: Session, prospect_id: int) -> MentionCheck | None:
    """The latest check of a prospect."""
    return session.execute(
        select(MentionCheck)
        .where(col(MentionCheck.prospect_id) == prospect_id)
        .order_by(col(MentionCheck.id).desc())
        .limit(1)
    ).scalar_one_or_none()


def competitor_names(session: Session, site_id: int) -> list[str]:
    """The names of a site's competitors, as far as they are known."""
    statement = select(col(Competitor.name)).where(
        col(Competitor.site_id) == site_id, col(Competitor.name).is_not(None)
    )
    return [name for name in session.execute(statement).scalars() if name]


def competitors_with_data(session: Session, site_id: int) -> int:
    """How many competitors have backlink data; all of them when a matrix holds their columns."""
    known = session.execute(select(func.count()).where(col(Competitor.site_id) == site_id)).scalar_one()
    of_site = col(Snapshot.site_id) == site_id
    if session.execute(select(col(Snapshot.id)).where(of_site, col(Snapshot.role) == SnapshotRole.MATRIX)).first():
        return int(known)
    named = select(func.count(col(Snapshot.target).distinct())).where(
        of_site, col(Snapshot.role) == SnapshotRole.COMPETITOR
    )
    return int(session.execute(named).scalar_one()) or int(known)


def add_candidate(session: Session, prospect_id: int, url: str, source: str, now: datetime) -> bool:
    """Keep a page that may name us; False when it is known."""
    known = select(col(MentionCandidate.id)).where(
        col(MentionCandidate.prospect_id) == prospect_id, col(MentionCandidate.url) == url
    )
    if session.execute(known).first() is not None:
        return False
    session.add(MentionCandidate(prospect_id=prospect_id, url=url, source=source[:200], found_at=now))
    session.flush()
    return True


def waiting_candidates(session: Session, prospect_id: int, limit: int) -> Sequence[MentionCandidate]:
    """Candidates of a prospect that were never read, oldest first."""
    statement = (
        select(MentionCandidate)
        .where(col(MentionCandidate.prospect_id) == prospect_id, col(MentionCandidate.looked_at).is_(None))
        .order_by(col(MentionCandidate.id))
        .limit(limit)
    )
    return session.execute(statement).scalars().all()


def candidates_read(session: Session, prospect_id: int, urls: Sequence[str], now: datetime) -> None:
    """Note that candidates were read."""
    session.execute(
        update(MentionCandidate)
        .where(col(MentionCandidate.prospect_id) == prospect_id, col(MentionCandidate.url).in_(urls))
        .values(looked_at=now)
    )
