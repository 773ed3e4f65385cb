"""One look at a prospect's pages for our brand and our links, with its evidence."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.domain.mention_verdict import MentionVerdict
from app.models.base import Table


class MentionCheck(Table, table=True):
    """The verdict with quote, URL and date; `pages` lists every page tried with its outcome."""

    __tablename__ = "mention_check"
    __table_args__ = (enum_check("verdict", MentionVerdict), Index("ix_mention_check_prospect_id", "prospect_id", "id"))

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    verdict: MentionVerdict = Field(sa_column=enum_column(MentionVerdict))
    url: str | None = None
    quote: str | None = None
    link_target: str | None = None
    reason: str | None = Field(default=None, sa_type=Said)
    pages: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    checked_at: datetime
