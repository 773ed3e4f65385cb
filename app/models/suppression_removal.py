"""Who took which suppression away, and why."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import enum_column
from app.models.base import Table
from app.models.suppression import SuppressionKind


class SuppressionRemoval(Table, table=True):
    """One removal. It holds the key and not the value, so it need not be erased with the person."""

    __tablename__ = "suppression_removal"

    id: int = Field(default=None, primary_key=True)
    key: str = Field(max_length=64)
    kind: SuppressionKind = Field(sa_column=enum_column(SuppressionKind))
    site_id: int | None = None
    reason_was: str = Field(max_length=64)
    reason: str
    removed_by: str
    at: datetime
