"""The append-only record of what people, programs and the system did; the database refuses to change or delete a line."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer
from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class AuditEvent(Table, table=True):
    """`verb` is noun.participle ("mailbox.paused"), `kind` and `key` name the thing; `before` and `after` hold what differs.

    No foreign key: a line outlives its thing.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_actor", "actor", "at", "id"),
        Index("ix_audit_event_thing", "kind", "key", "at", "id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer(), "sqlite"))
    at: datetime
    actor: str = Field(max_length=200)
    verb: str = Field(max_length=64)
    kind: str = Field(max_length=32)
    key: str | None = Field(default=None, max_length=64)
    name: str | None = Field(default=None, max_length=300)
    before: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    reason: str | None = None
    correlation_id: str | None = Field(default=None, max_length=64)
