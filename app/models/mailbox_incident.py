"""What counts against a mailbox: a bad address, a complaint, a refusal by policy."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.domain.reputation import Incident
from app.models.base import Table


class MailboxIncident(Table, table=True):
    """One message of ours counts once for each kind, however many reports about it come."""

    __tablename__ = "mailbox_incident"
    __table_args__ = (
        UniqueConstraint("outbound_id", "kind"),
        enum_check("kind", Incident),
        Index("ix_mailbox_incident_mailbox_id", "mailbox_id", "at"),
    )

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE")
    outbound_id: int = Field(foreign_key="outbound.id", ondelete="CASCADE")
    kind: Incident = Field(sa_column=enum_column(Incident))
    at: datetime
