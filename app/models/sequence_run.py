"""One prospect on its way through a sequence."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class RunState(StrEnum):
    """Active runs advance when due; paused ones wait for a person; ended ones keep the reason."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class SequenceRun(Table, table=True):
    """`next_step` is the step (from 0, the pitch) that comes next; `due_at` is null while the step before is unsent."""

    __tablename__ = "sequence_run"
    __table_args__ = (
        enum_check("state", RunState),
        Index("ix_sequence_run_due_at", "state", "due_at"),
        Index("ix_sequence_run_prospect_id", "prospect_id"),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    sequence_id: int = Field(foreign_key="sequence.id")
    conversation_id: int = Field(foreign_key="conversation.id")
    pitch_id: int = Field(foreign_key="pitch.id")
    state: RunState = Field(default=RunState.ACTIVE, sa_column=enum_column(RunState))
    end_reason: str | None = Field(default=None, max_length=64)
    next_step: int = 1
    due_at: datetime | None = None
    version: int = 0
    started_at: datetime
    ended_at: datetime | None = None
