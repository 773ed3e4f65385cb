"""The robots.txt of each origin, or why it could not be had, until it expires."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class RobotsText(Table, table=True):
    """`text` is null where there are no rules, or where `reason` says why they could not be asked for."""

    __tablename__ = "robots_text"

    origin: str = Field(primary_key=True, max_length=300)
    text: str | None = None
    reason: str | None = Field(default=None, max_length=32)
    sentence: str | None = None
    expires_at: datetime = Field(index=True)
