"""A domain that mailboxes send from, and when its records were looked at."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import Said, json_column
from app.models.base import Table


class SendingDomain(Table, table=True):
    """`hold_reason` is set while a failing check holds new pitches. An override names the checks that a person lets pass."""

    __tablename__ = "sending_domain"

    id: int = Field(default=None, primary_key=True)
    domain: str = Field(unique=True, max_length=253)
    selectors: list[str] = Field(default_factory=list, sa_column=json_column())
    hold_reason: str | None = Field(default=None, sa_type=Said)
    override_checks: list[str] = Field(default_factory=list, sa_column=json_column())
    override_reason: str | None = None
    override_by: str | None = Field(default=None, max_length=200)
    override_at: datetime | None = None
    due_at: datetime = Field(index=True)
    checked_at: datetime | None = None
    created_at: datetime
