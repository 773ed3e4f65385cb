"""The record of an erasure: what was erased, by whom and why, without saying of whom."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class Erasure(Table, table=True):
    """`key` is the keyed hash of the address. While `finished_at` is null (inside its transaction), histories may be blanked."""

    __tablename__ = "erasure"

    id: int = Field(default=None, primary_key=True)
    key: str = Field(max_length=64)
    reason: str
    erased_by: str
    counts: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    started_at: datetime
    finished_at: datetime | None = None
