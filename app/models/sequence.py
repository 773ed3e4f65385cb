"""The versioned steps after a pitch."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class Sequence(Table, table=True):
    """One version: `steps` is a list of {"template": name, "wait_business_days": n}; the first step is the pitch."""

    __tablename__ = "sequence"
    __table_args__ = (UniqueConstraint("site_id", "name", "version"),)

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    name: str = Field(max_length=64)
    version: int
    steps: list[dict[str, Any]] = Field(sa_column=json_column())
    created_by: str
    created_at: datetime
