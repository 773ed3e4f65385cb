"""What a fresh look at the data changed in a site's gap, one row for each source domain."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import SaidJson, enum_check, enum_column, json_column
from app.models.base import Table


class ChangeKind(StrEnum):
    """What became of a source domain between two looks."""

    NEW_GAP = "new-gap"  # links to a competitor now, and did not before
    STRONGER = "stronger"  # links to more competitors than before
    CLOSED = "closed"  # was a gap and links to us now
    GONE = "gone"  # was a gap and links to no competitor any more
    LOST_GROUND = "lost-ground"  # linked to us before, and now only to a competitor
    LOST_LINK = "lost-link"  # linked to us before, and now to nobody


class GapRefresh(Table, table=True):
    """One computation of a site's gap. `state` is its table as a file; `held_back` counts losses that the data cannot prove.

    `summary` is the account of it (`app.gaps.summary`), without the rejected rows, and with the `matrix` of the competitors.
    """

    __tablename__ = "gap_refresh"

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE", index=True)
    state: str
    snapshots: list[int] = Field(sa_column=json_column())
    counts: dict[str, int] = Field(sa_column=json_column())
    held_back: int = 0
    held_back_why: list[str] = Field(default_factory=list, sa_type=SaidJson)
    summary: dict[str, Any] = Field(default_factory=dict, sa_type=SaidJson)
    actor: str
    at: datetime


class GapChange(Table, table=True):
    """One change; `before` and `after` hold class, tier and overlap."""

    __tablename__ = "gap_change"
    __table_args__ = (
        enum_check("kind", ChangeKind),
        Index("ix_gap_change_site_id", "site_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    refresh_id: int = Field(foreign_key="gap_refresh.id", ondelete="CASCADE", index=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    kind: ChangeKind = Field(sa_column=enum_column(ChangeKind))
    domain: str = Field(max_length=253)
    tier: int | None = None
    before: dict[str, Any] = Field(sa_column=json_column())
    after: dict[str, Any] = Field(sa_column=json_column())
    at: datetime
