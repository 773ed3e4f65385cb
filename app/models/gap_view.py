"""A filter of the gap review that a person keeps under a name."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class GapView(Table, table=True):
    """`fields` are those of the page's address, without the site: `view`, `tier`, `authority`, `order` ..."""

    __tablename__ = "gap_view"

    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    site_id: int = Field(primary_key=True, foreign_key="site.id", ondelete="CASCADE")
    name: str = Field(primary_key=True, max_length=60)
    fields: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    saved_at: datetime
