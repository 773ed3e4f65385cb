"""The SQL of the evidence for angles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import Session, col

from app.models import AngleEvidence, Page


def due(session: Session, now: datetime) -> Sequence[int]:
    """Prospects whose evidence is to be looked at now, longest due first."""
    statement = (
        select(col(AngleEvidence.prospect_id))
        .where(col(AngleEvidence.due_at) <= now)
        .order_by(col(AngleEvidence.due_at), col(AngleEvidence.id))
        .limit(1000)
    )
    return session.execute(statement).scalars().all()


def claim(session: Session, prospect_id: int, now: datetime, until: datetime) -> bool:
    """Take a due look until `until` by compare-and-set; False when it is not due, or another worker has it."""
    result = session.execute(
        update(AngleEvidence)
        .where(col(AngleEvidence.prospect_id) == prospect_id, col(AngleEvidence.due_at) <= now)
        .values(due_at=until, tries=col(AngleEvidence.tries) + 1)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1


def of_prospect(session: Session, prospect_id: int) -> AngleEvidence | None:
    """The evidence of a prospect; None when nobody has asked for any."""
    return session.execute(
        select(AngleEvidence).where(col(AngleEvidence.prospect_id) == prospect_id)
    ).scalar_one_or_none()


def pages_of(session: Session, site_id: int) -> list[Page]:
    """The pages of a site that are promoted."""
    statement = select(Page).where(col(Page.site_id) == site_id, col(Page.archived_at).is_(None)).order_by(col(Page.id))
    return list(session.execute(statement).scalars())
