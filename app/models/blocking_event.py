"""What stops a conversation; the sender reads this row inside its commit, the inbox writes it under the same lock."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.domain.blocking import Blocking
from app.models.base import Table

_STANDS = "cleared_at IS NULL"


class BlockingEvent(Table, table=True):
    """A reply, opt-out, bounce, seen link ... on a prospect. `cleared_at` is set when a person says it was none."""

    __tablename__ = "blocking_event"
    __table_args__ = (
        # What a message has caused stands once for each prospect that it was given to.
        Index(
            "uq_blocking_event_message",
            "inbound_id",
            "kind",
            "prospect_id",
            unique=True,
            sqlite_where=text(_STANDS),
            postgresql_where=text(_STANDS),
        ),
        enum_check("kind", Blocking),
        Index("ix_blocking_event_prospect_id", "prospect_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    kind: Blocking = Field(sa_column=enum_column(Blocking))
    inbound_id: int | None = Field(default=None, foreign_key="inbound.id")
    detail: str | None = None
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    at: datetime
