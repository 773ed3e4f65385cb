"""What was asked of a paid tool's API, what it cost, and when it is asked again by itself."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.models.base import Table


class PullState(StrEnum):
    """`running` counts with its estimate against the budget, whatever became of the process that made it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ProviderPull(Table, table=True):
    """One pull of one target; the row is there before the first request. `cost` is in the provider's own unit.

    `file` holds the rows until they are imported (a name in the data folder's `pulls/`); `asked_at` is of the last request.
    """

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
    error: str | None = Field(default=None, sa_type=Said)
    started_by: str
    started_at: datetime
    asked_at: datetime | None = None
    file: str | None = None
    finished_at: datetime | None = None


class ProviderSchedule(Table, table=True):
    """A pull of all targets of a site that repeats by itself, within the budget. `tries` counts imports of the same rows.

    `last_at` is when the last one ended, well or not (`last_error`); `last_result` is what the last good one brought and cost.
    """

    __tablename__ = "provider_schedule"
    __table_args__ = (UniqueConstraint("site_id", "provider"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    provider: str = Field(max_length=32)
    rows: int
    every_days: int
    due_at: datetime = Field(index=True)
    tries: int = 0
    last_error: str | None = Field(default=None, sa_type=Said)
    last_at: datetime | None = None
    last_result: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    paused_at: datetime | None = None
    created_by: str
    created_at: datetime
