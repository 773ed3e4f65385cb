"""What was asked of a paid tool's API, what it cost, and when it is asked again by itself."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class PullState(StrEnum):
    """`running` counts with its estimate against the budget, whatever became of the process that made it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ProviderPull(Table, table=True):
    """One pull of one target; the row is there before the first request. `cost` is in the provider's own unit."""

    __tablename__ = "provider_pull"
    __table_args__ = (
        enum_check("state", PullState),
        Index("ix_provider_pull_provider_started_at", "provider", "started_at"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE", index=True)
    provider: str = Field(max_length=32)
    target: str = Field(max_length=253)
    rows_wanted: int
    estimate: float
    state: PullState = Field(default=PullState.RUNNING, sa_column=enum_column(PullState))
    rows: int = 0
    cost: float = 0.0
    capped: bool = False
    error: str | None = None
    started_by: str
    started_at: datetime
    finished_at: datetime | None = None


class ProviderSchedule(Table, table=True):
    """A pull of all targets of a site that repeats by itself, within the budget."""

    __tablename__ = "provider_schedule"
    __table_args__ = (UniqueConstraint("site_id", "provider"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    provider: str = Field(max_length=32)
    rows: int
    every_days: int
    due_at: datetime = Field(index=True)
    last_error: str | None = None
    created_by: str
    created_at: datetime
