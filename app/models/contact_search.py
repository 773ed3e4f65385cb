"""The search for whom to write to at a prospect: when it is due, and what the latest one saw."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class ContactSearch(Table, table=True):
    """One row a prospect. `pages` lists every page that was read, `found` every address with what was made of it."""

    __tablename__ = "contact_search"
    __table_args__ = (Index("ix_contact_search_due_at", "due_at"),)

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id", ondelete="CASCADE", unique=True)
    due_at: datetime | None = None
    tries: int = 0
    searched_at: datetime | None = None
    pages: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    found: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
