"""The append-only history of prospects; the database refuses to change or delete a line."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import SaidJson, enum_column
from app.domain.pipeline import Stage
from app.models.base import Table


class StageEvent(Table, table=True):
    """One line of history. `event` is a pipeline event, or a note of what happened without a move (then stages are equal)."""

    __tablename__ = "stage_event"
    __table_args__ = (
        Index("ix_stage_event_prospect_id", "prospect_id", "id"),
        # For the audit, which shows every room's history in one order.
        Index("ix_stage_event_at", "at", "id"),
        Index("ix_stage_event_event", "event", "at"),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    event: str = Field(max_length=32)
    from_stage: Stage = Field(sa_column=enum_column(Stage))
    to_stage: Stage = Field(sa_column=enum_column(Stage))
    actor: str = Field(max_length=200)
    reason: str | None = None
    data: dict[str, Any] = Field(default_factory=dict, sa_type=SaidJson)
    correlation_id: str | None = Field(default=None, max_length=64)
    at: datetime
