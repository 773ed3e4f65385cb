"""Who must not be written to."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class SuppressionKind(StrEnum):
    """One address, or everybody at a registrable domain."""

    ADDRESS = "address"
    DOMAIN = "domain"


class Suppression(Table, table=True):
    """`key` is a keyed hash, so that the fact survives the erasure of `value`."""

    __tablename__ = "suppression"
    __table_args__ = (enum_check("kind", SuppressionKind),)

    id: int = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=64)
    kind: SuppressionKind = Field(sa_column=enum_column(SuppressionKind))
    value: str | None = Field(default=None, max_length=254)
    reason: str = Field(max_length=64)
    source: str
    created_by: str
    created_at: datetime
