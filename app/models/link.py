"""A placement that the checker has seen, or that a person vouches for."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import enum_check, enum_column, json_column
from app.domain.link_watch import Trouble
from app.models.base import Table


class LinkState(StrEnum):
    """unknown means 'could not check', and is never shown as lost."""

    LIVE = "live"
    CHANGED = "changed"
    LOST = "lost"
    UNKNOWN = "unknown"


class Link(Table, table=True):
    """One link on a prospect's page to one of ours. Reports count `verified` ones only.

    `trouble` is what good looks last saw wrong with it, or else why none could be made; `trouble_detail` its proof (a status, the
    address that it leads to now, a sentence). `first_missing_at` and `changed_at` are when a good fetch first found it gone, or
    worth less; `lost_at` and `changed_proved_at` when a second one, far enough from it, said the same. A look that could not
    be made touches none of them.
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("prospect_id", "source_url"),
        enum_check("state", LinkState),
        Index("ix_link_check_due_at", "check_due_at"),
        Index("ix_link_state", "state", "id"),
        # Counted beside every page.
        Index("ix_link_lost", "state", "lost_at"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id")
    prospect_id: int = Field(foreign_key="prospect.id")
    source_url: str = Field(max_length=2000)
    target_url: str | None = Field(default=None, max_length=2000)
    state: LinkState = Field(sa_column=enum_column(LinkState))
    verified: bool
    override_reason: str | None = None
    rel: list[str] = Field(default_factory=list, sa_column=json_column())
    dofollow: bool | None = None
    anchor: str | None = None
    context: str | None = None
    first_seen_at: datetime
    last_seen_at: datetime | None = None
    last_checked_at: datetime | None = None
    first_missing_at: datetime | None = None
    changed_at: datetime | None = None
    changed_proved_at: datetime | None = None
    trouble: Trouble | None = Field(default=None, sa_column=enum_column(Trouble, nullable=True))
    trouble_detail: str | None = Field(default=None, max_length=2000)
    lost_at: datetime | None = None
    check_due_at: datetime | None = None
