"""The one row of the installation: made at its first start."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.models import Installation


def ensure_row(uow: UnitOfWork) -> Installation:
    """The row, made when there is none, locked until the transaction ends."""
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    now = uow.now()
    uow.session.execute(
        dialect.insert(Installation)
        .values(id=1, identity=str(uuid.uuid4()), generation=1, ticks=0, database_mark="", seen_at=now, created_at=now)
        .on_conflict_do_nothing()
    )
    found: Installation = uow.session.execute(
        select(Installation)
        .where(col(Installation.id) == 1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    return found


def stored(session: Session) -> Installation | None:
    """The row as it stands, or None before the first start."""
    found: Installation | None = session.execute(
        select(Installation).where(col(Installation.id) == 1).execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return found
