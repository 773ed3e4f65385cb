"""The SQL of the search for contacts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import Session, col

from app.models import ContactSearch


def due(session: Session, now: datetime) -> Sequence[int]:
    """Prospects for which contacts are to be looked for now, longest due first."""
    statement = (
        select(col(ContactSearch.prospect_id))
        .where(col(ContactSearch.due_at) <= now)
        .order_by(col(ContactSearch.due_at), col(ContactSearch.id))
        .limit(1000)
    )
    return session.execute(statement).scalars().all()


def claim(session: Session, prospect_id: int, now: datetime, until: datetime) -> bool:
    """Take a due search until `until` by compare-and-set; False when it is not due, or another worker has it."""
    result = session.execute(
        update(ContactSearch)
        .where(col(ContactSearch.prospect_id) == prospect_id, col(ContactSearch.due_at) <= now)
        .values(due_at=until, tries=col(ContactSearch.tries) + 1)
        .execution_options(synchronize_session="fetch")
    )
    return cast(CursorResult[object], result).rowcount == 1


def of_prospect(session: Session, prospect_id: int) -> ContactSearch | None:
    """The search of a prospect; None when it was never asked for."""
    return session.execute(
        select(ContactSearch).where(col(ContactSearch.prospect_id) == prospect_id)
    ).scalar_one_or_none()
