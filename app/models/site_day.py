"""How many mails left for a site on a day (UTC)."""

from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from app.models.base import Table


class SiteDay(Table, table=True):
    """`used` counts committed pitches and follow-ups; `cap` null: none. Answers that a person writes do not count."""

    __tablename__ = "site_day"
    __table_args__ = (CheckConstraint("used <= cap", name="used_within_cap"),)

    site_id: int = Field(foreign_key="site.id", primary_key=True, ondelete="CASCADE")
    day: date = Field(primary_key=True)
    used: int = 0
    cap: int | None = None
