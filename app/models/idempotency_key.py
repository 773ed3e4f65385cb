"""Answers that are given again when a caller repeats a request under the same key."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class IdempotencyKey(Table, table=True):
    """One request of one caller; the answer is stored in the same transaction as its effect."""

    __tablename__ = "idempotency_key"

    caller: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True, max_length=255)
    request_sha256: str = Field(max_length=64)
    status: int
    headers: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    body: bytes
    created_at: datetime
