"""Prospects that a lead has put in front of the queue."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class QueuePin(Table, table=True):
    """Before everything else of its lane, in the order of the queue among themselves."""

    __tablename__ = "queue_pin"

    prospect_id: int = Field(primary_key=True, foreign_key="prospect.id", ondelete="CASCADE")
    pinned_by: str
    at: datetime
