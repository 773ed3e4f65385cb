"""A gap that a rule has taken off the list before it became a prospect: kept with its evidence, so that it can be taken back."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class RemovedGap(Table, table=True):
    """Written anew by each computation of the gap. `seen` is what the rules went by; the other columns are those of a prospect."""

    __tablename__ = "removed_gap"
    __table_args__ = (UniqueConstraint("site_id", "domain"), Index("ix_removed_gap_rank", "site_id", "rank_key", "id"))

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    domain: str = Field(max_length=253)
    removed_by: list[str] = Field(sa_column=json_column())
    seen: str | None = None
    tier: int | None = None
    overlap: int | None = None
    competitors: list[str] = Field(default_factory=list, sa_column=json_column())
    follow: str | None = Field(default=None, max_length=16)
    links: int | None = Field(default=None, sa_type=BigInteger().with_variant(Integer(), "sqlite"))
    dofollow: bool | None = None
    authority: float | None = None
    authority_provider: str | None = Field(default=None, max_length=32)
    authority_percentile: float | None = None
    traffic: int | None = Field(default=None, sa_type=BigInteger().with_variant(Integer(), "sqlite"))
    language: str | None = Field(default=None, max_length=64)
    language_source: str | None = Field(default=None, max_length=16)
    best_page: str | None = None
    target: str | None = None
    anchor: str | None = None
    first_seen: date | None = None
    score: float | None = None
    rank_key: str = Field(default="", max_length=80)

    def evidence(self) -> dict[str, Any]:
        """The columns that a prospect takes over."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in ("id", "site_id", "domain", "removed_by", "seen")
        }
