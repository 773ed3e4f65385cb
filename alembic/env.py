"""Runs migrations on the connection that app/db/migrate.py hands over; there is no other way in."""

from alembic import context
from sqlalchemy import JSON, DateTime, String
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

import app.models  # noqa: F401 -- fills the metadata
from app.db.types import TextEnum


def render_item(kind, item, autogen_context):
    """Write columns in SQLAlchemy's own types: a migration must mean the same when our types have changed."""
    if kind != "type":
        return False
    if isinstance(item, AutoString | TextEnum | String):
        length = item.impl.length if isinstance(item, AutoString | TextEnum) else item.length
        return f"sa.String(length={length})" if length else "sa.String()"
    if isinstance(item, UTCDateTime | DateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
    compare_server_default=False,
    transactional_ddl=True,
)
# The transaction is the caller's: it holds the lock and decides.
context.run_migrations()
