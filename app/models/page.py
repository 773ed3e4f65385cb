"""One of our linkable URLs; never the homepage."""

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.models.base import Table


class Page(Table, table=True):
    """A page of ours that is worth a link, with what it is about."""

    __tablename__ = "page"
    __table_args__ = (UniqueConstraint("site_id", "url"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    url: str = Field(max_length=2000)
    title: str
    topic: str | None = None
    summary: str | None = None
    published_on: date | None = None
    # Pitches of another angle do not offer it; null: it fits every angle.
    angle: str | None = Field(default=None, max_length=32)
    version: int = 1
    # The last look at the page itself: `ok`, or the name of what speaks against promoting it.
    check_state: str | None = Field(default=None, max_length=32)
    check_detail: str | None = None
    checked_at: datetime | None = None
    check_due_at: datetime | None = Field(default=None, index=True)
    archived_at: datetime | None = None
    created_at: datetime
