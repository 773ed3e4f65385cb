"""Who works on a domain now: at most one person or program, over all sites."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class DomainLease(Table, table=True):
    """`holder` is a caller such as "user:3"; a `soft` lease is of the item that is shown next. `note` says why it was taken over."""

    __tablename__ = "domain_lease"

    domain: str = Field(primary_key=True, max_length=253)
    prospect_id: int = Field(foreign_key="prospect.id", ondelete="CASCADE", index=True)
    holder: str = Field(max_length=64)
    holder_name: str
    until: datetime
    soft: bool = False
    note: str | None = None
    taken_from: str | None = Field(default=None, max_length=64)
