"""A rendered first message about one prospect, from draft to approval."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.models.base import Table


class PitchState(StrEnum):
    """A draft may be edited; an approved pitch is frozen in the outbox; a withdrawn one was undone or replaced."""

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Pitch(Table, table=True):
    """A pitch: its angle with why, one page of ours, one page of theirs, one reason, and the text."""

    __tablename__ = "pitch"
    __table_args__ = (
        enum_check("state", PitchState),
        Index(
            "uq_pitch_draft",
            "prospect_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index("ix_pitch_approved", "state", "approved_at", "prospect_id"),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    state: PitchState = Field(default=PitchState.DRAFT, sa_column=enum_column(PitchState))
    version: int = 0
    angle: str = Field(max_length=32)
    why: str = Field(sa_type=Said)
    page_id: int | None = Field(default=None, foreign_key="page.id")
    their_page: str | None = None
    contact_id: int | None = Field(default=None, foreign_key="contact.id")
    reason: str | None = None
    subject: str
    body_text: str
    body_html: str
    edited: bool = False
    template_version: str
    variables: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    approved_by: str | None = None
    approved_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
