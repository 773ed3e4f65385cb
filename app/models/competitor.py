"""A domain that a site is compared with."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class Competitor(Table, table=True):
    """One competitor of a site; `domain` is its registrable domain, `sisters` are the other domains of its house."""

    __tablename__ = "competitor"
    __table_args__ = (UniqueConstraint("site_id", "domain"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    domain: str = Field(max_length=253)
    name: str | None = None
    sisters: list[str] = Field(default_factory=list, sa_column=json_column())
    created_at: datetime
