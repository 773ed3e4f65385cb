"""The one way in which reports select: columns by attribute, rows by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.db.work import UnitOfWork

Row = dict[str, Any]


def columns(*attributes: Any) -> Select[Any]:
    """SELECT of single columns: no objects are built from the rows."""
    return select(*attributes)


def rows(uow: UnitOfWork, statement: Select[Any]) -> list[Row]:
    """The rows as dictionaries by column name."""
    return [dict(row) for row in uow.session.execute(statement).mappings()]
