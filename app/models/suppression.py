"""Who must not be written to."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class SuppressionKind(StrEnum):
    """One address; a registrable domain; one host with what stands below it; a glob over whole addresses."""

    ADDRESS = "address"
    DOMAIN = "domain"
    HOST = "host"
    PATTERN = "pattern"


class Suppression(Table, table=True):
    """`key` is a keyed hash over site, kind and value, so that the fact survives the erasure of `value`.

    `site_id` null: for every site. `pattern` is the glob as an SQL LIKE (escape `!`), only for the kind `pattern`.
    """

    __tablename__ = "suppression"
    __table_args__ = (
        enum_check("kind", SuppressionKind),
        # Few rows: the sender goes through all patterns inside its commit, and never through the addresses.
        Index(
            "ix_suppression_pattern",
            "pattern",
            sqlite_where=text("pattern IS NOT NULL"),
            postgresql_where=text("pattern IS NOT NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=64)
    kind: SuppressionKind = Field(sa_column=enum_column(SuppressionKind))
    value: str | None = Field(default=None, max_length=254)
    pattern: str | None = Field(default=None, max_length=600)
    site_id: int | None = Field(default=None, foreign_key="site.id", ondelete="CASCADE")
    reason: str = Field(max_length=64)
    source: str
    created_by: str
    created_at: datetime
