"""The append-only history of link checks."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import enum_column, json_column
from app.domain.link_watch import DayState, Trouble
from app.models.base import Table


class LinkCheck(Table, table=True):
    """One look: `good_fetch` says whether the page could be read at all; `facts` hold rel, robots, canonical, status.

    `state` is what the look made of the link; null on looks of before it was kept.
    """

    __tablename__ = "link_check"
    __table_args__ = (Index("ix_link_check_link_id", "link_id", "id"),)

    id: int = Field(default=None, primary_key=True)
    link_id: int = Field(foreign_key="link.id")
    verdict: str = Field(max_length=32)
    good_fetch: bool
    state: DayState | None = Field(default=None, sa_column=enum_column(DayState, nullable=True))
    trouble: Trouble | None = Field(default=None, sa_column=enum_column(Trouble, nullable=True))
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    at: datetime
