"""Saved views: filters of the gap review that a person keeps under a name, for a site."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import GapView

MOST = 20
LONGEST = 60


def listing(uow: UnitOfWork, user_id: int, site_id: int) -> list[GapView]:
    """The views of a person for a site, by name."""
    statement = select(GapView).where(col(GapView.user_id) == user_id, col(GapView.site_id) == site_id)
    return list(uow.session.execute(statement.order_by(func.lower(col(GapView.name)))).scalars())


def save(uow: UnitOfWork, user_id: int, site_id: int, name: str, fields: Mapping[str, object]) -> str:
    """Keep `fields` under a name; one of the same name is replaced. Returns the name as it is kept.

    Raises BadInput (field `name`) for a name that is empty or too long, and where MOST are kept already.
    """
    name = " ".join(name.split())
    if not name.isprintable() or not 0 < len(name) <= LONGEST:
        problem = say("Enter a name of 1 to {most} characters", most=LONGEST)
        raise BadInput(say("the view cannot be saved"), FieldProblem("name", problem))
    kept = [one.name for one in listing(uow, user_id, site_id)]
    if name not in kept and len(kept) >= MOST:
        problem = say("{most} views are saved already; delete one first", most=MOST)
        raise BadInput(say("the view cannot be saved"), FieldProblem("name", problem))
    values = {"fields": {key: str(value) for key, value in fields.items()}, "saved_at": uow.now()}
    dialect = uow.session.get_bind().dialect.name
    statement = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(GapView)
    statement = statement.values(user_id=user_id, site_id=site_id, name=name, **values)
    uow.session.execute(statement.on_conflict_do_update(index_elements=["user_id", "site_id", "name"], set_=values))
    return name


def remove(uow: UnitOfWork, user_id: int, site_id: int, name: str) -> None:
    """Forget a view; one that there is not is no error."""
    mine = (col(GapView.user_id) == user_id, col(GapView.site_id) == site_id, col(GapView.name) == name)
    uow.session.execute(delete(GapView).where(*mine))
