"""What was asked of a search provider, and what it cost."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table
from app.models.provider_pull import PullState


class SearchRequest(Table, table=True):
    """One request; the row is there before it is made, so that it counts against the day's budget whatever happens.

    `cost` is what the operator said that one request costs, null where nothing was said.
    """

    __tablename__ = "search_request"
    __table_args__ = (enum_check("state", PullState), Index("ix_search_request_started_at", "started_at"))

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE", index=True)
    provider: str = Field(max_length=32)
    query: str = Field(max_length=400)
    state: PullState = Field(default=PullState.RUNNING, sa_column=enum_column(PullState))
    results: int | None = None
    cost: float | None = None
    error: str | None = None
    started_by: str
    started_at: datetime
    finished_at: datetime | None = None
