"""A page that may name us: told by a list, a search or a site's own feed, and not yet believed."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.models.base import Table


class MentionCandidate(Table, table=True):
    """One page of a prospect. `source` says who named it; `looked_at` is null until the mention check has read it.

    A candidate says nothing by itself: the page is fetched and judged like every other, and the verdict is in mention_check.
    """

    __tablename__ = "mention_candidate"
    __table_args__ = (UniqueConstraint("prospect_id", "url"),)

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id", ondelete="CASCADE")
    url: str = Field(max_length=2000)
    source: str = Field(max_length=200)
    found_at: datetime
    looked_at: datetime | None = None
