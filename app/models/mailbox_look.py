"""The look at a mailbox that a person has asked for: how far it is, and what it found."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from app.db.types import SaidJson, enum_check, enum_column
from app.models.base import Table


class LookState(StrEnum):
    """`asked` waits for a worker."""

    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class MailboxLook(Table, table=True):
    """The newest one of a mailbox. `sends`: whether it sends itself two messages. `lines`: name, state, found and fix of each line
    so far, in their order. `due_at`: from when on a worker takes it, also one that was left by its worker; null once it has ended.
    """

    __tablename__ = "mailbox_look"
    __table_args__ = (enum_check("state", LookState), Index("ix_mailbox_look_due_at", "due_at"))

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id", ondelete="CASCADE")
    sends: bool
    state: LookState = Field(sa_column=enum_column(LookState))
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(SaidJson, nullable=False))
    cancel_asked: bool = False
    error: str | None = None
    due_at: datetime | None = None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None = None
