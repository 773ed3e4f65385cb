"""A key with which a program calls the API."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class ApiKey(Table, table=True):
    """Shown once; only its hash is kept. `scopes` are names such as prospects:write."""

    __tablename__ = "api_key"

    id: int = Field(default=None, primary_key=True)
    name: str
    prefix: str = Field(max_length=16)
    key_hash: str = Field(unique=True, max_length=64)
    scopes: list[str] = Field(sa_column=json_column())
    created_by: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
