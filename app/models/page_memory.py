"""What a page with a link to us was when it was last read in full, so that its server may say "unchanged"."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class PageMemory(Table, table=True):
    """One page by the SHA-256 of the URL that was asked for. `robots` is its X-Robots-Tag header, `seen` what was found on it."""

    __tablename__ = "page_memory"

    key: str = Field(primary_key=True, max_length=64)
    final_url: str
    etag: str | None = None
    last_modified: str | None = Field(default=None, max_length=100)
    robots: str = ""
    seen: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    read_at: datetime = Field(index=True)
