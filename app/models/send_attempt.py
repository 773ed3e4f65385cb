"""The append-only log of attempts; the unique index is invariant I1: one commit for each attempt."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.base import Table


class SendAttempt(Table, table=True):
    """What happened at which step. `outcome` 'committed' stands before the dot, the verdict after it."""

    __tablename__ = "send_attempt"
    __table_args__ = (
        Index(
            "uq_send_attempt_committed",
            "outbound_id",
            "attempt_no",
            unique=True,
            sqlite_where=text("outcome = 'committed'"),
            postgresql_where=text("outcome = 'committed'"),
        ),
        Index("ix_send_attempt_outbound_id", "outbound_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    outbound_id: int = Field(foreign_key="outbound.id")
    attempt_no: int
    fence: int
    stage: str = Field(max_length=16)
    outcome: str = Field(max_length=32)
    code: int | None = None
    text: str | None = None
    at: datetime
