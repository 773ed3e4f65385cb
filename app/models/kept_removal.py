"""A removal or a gate that a person has taken back, for a rule of a site or for one domain."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Table


class KeptRemoval(Table, table=True):
    """`rule` is a removal's name, a gate's name, or `*` for every rule of `domain`; without a domain it holds for the whole site.

    It holds until `ended_at`. Rows are never deleted: they say who took what back, and when.
    """

    __tablename__ = "kept_removal"
    __table_args__ = (Index("ix_kept_removal_site_id", "site_id", "domain"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    rule: str = Field(max_length=64)
    domain: str | None = Field(default=None, max_length=253)
    by: str
    at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
