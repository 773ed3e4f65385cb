"""Where a received message stands in the inbox: until when it wants an answer, and what a person made of it."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Table


class Triage(Table, table=True):
    """`suggested` is the machine's class and stays; `chosen` is a person's. Nobody has to act while `waits` is false.

    `sleeps`: it comes back at `due_at` and is not shown before. `late_at`: from when on it is told that it waits too long, which is when
    it came where it was late already; null where it belongs to nobody. It stands here because a row of `inbound` holds the bytes of the
    mail, and the counts are asked for all the time. `answered_by`: the answer of ours that ended its wait.
    """

    __tablename__ = "triage"
    __table_args__ = (
        Index("ix_triage_waits", "waits", "due_at", "inbound_id"),
        Index("ix_triage_late", "waits", "late_at"),
    )

    inbound_id: int = Field(foreign_key="inbound.id", primary_key=True, ondelete="CASCADE")
    suggested: str | None = Field(default=None, max_length=16)
    chosen: str | None = Field(default=None, max_length=16)
    chosen_by: str | None = None
    chosen_at: datetime | None = None
    waits: bool = False
    sleeps: bool = False
    due_at: datetime | None = None
    late_at: datetime | None = None
    answered_by: int | None = Field(default=None, foreign_key="outbound.id", ondelete="SET NULL", index=True)
