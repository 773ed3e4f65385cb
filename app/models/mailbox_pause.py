"""When a mailbox stopped by itself, with the figures, and who let it go on."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.domain.reputation import Incident
from app.models.base import Table


class MailboxPause(Table, table=True):
    """Open while `ended_at` is null. Counting begins again at the newest `ended_at`."""

    __tablename__ = "mailbox_pause"
    __table_args__ = (enum_check("kind", Incident), Index("ix_mailbox_pause_mailbox_id", "mailbox_id", "id"))

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE")
    kind: Incident = Field(sa_column=enum_column(Incident))
    reason: str
    incidents: int
    sends: int
    at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = Field(default=None, max_length=200)
