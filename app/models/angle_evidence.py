"""What was looked at to find a reason for a pitch to a prospect, and what it proved."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.domain.angle_evidence import State
from app.models.base import Table


class AngleEvidence(Table, table=True):
    """One row a prospect. `linked` is about the page that theirs links to, `coverage` about their whole site.

    A state is null while nobody has looked; `linked` and `coverage` are set only with the state `fact`. The notes say in words
    what came out. `pages` lists every page that was asked for. `page_id` is the page of ours that both were held against.
    """

    __tablename__ = "angle_evidence"
    __table_args__ = (
        enum_check("linked_state", State),
        enum_check("coverage_state", State),
        Index("ix_angle_evidence_due_at", "due_at"),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id", ondelete="CASCADE", unique=True)
    page_id: int | None = Field(default=None, foreign_key="page.id", ondelete="SET NULL")
    linked_state: State | None = Field(default=None, sa_column=enum_column(State, nullable=True))
    linked: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    linked_note: str | None = Field(default=None, sa_type=Said)
    coverage_state: State | None = Field(default=None, sa_column=enum_column(State, nullable=True))
    coverage: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    coverage_note: str | None = Field(default=None, sa_type=Said)
    pages: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    dns_unknown_since: datetime | None = None
    due_at: datetime | None = None
    tries: int = 0
    looked_at: datetime | None = None
