"""What a person decided in the queue, the inbox or the pipeline, so that it can be taken back."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import enum_check, enum_column, json_column
from app.models.base import Table


class DecisionKind(StrEnum):
    """What was decided; `pass` gives an item to others without a reason."""

    APPROVE = "approve"
    SKIP = "skip"
    SNOOZE = "snooze"
    PASS = "pass"  # noqa: S105 -- no password
    CLASS = "class"
    WON = "won"
    LOST = "lost"
    REOPEN = "reopen"
    DONE = "done"
    ANSWER = "answer"


class Decision(Table, table=True):
    """One line for each decision of `user_id`; `data` holds what its undoing needs."""

    __tablename__ = "decision"
    __table_args__ = (
        enum_check("kind", DecisionKind),
        Index("ix_decision_user_id", "user_id", "id"),
        Index("ix_decision_prospect_id", "prospect_id", "user_id"),
    )

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="app_user.id", ondelete="CASCADE")
    prospect_id: int = Field(foreign_key="prospect.id", ondelete="CASCADE")
    kind: DecisionKind = Field(sa_column=enum_column(DecisionKind))
    data: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    at: datetime
    undone_at: datetime | None = None
