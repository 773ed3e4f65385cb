"""All mail with one contact about one prospect; at most one open for each domain, over all sites."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class ConversationState(StrEnum):
    """Open from the approval of a pitch until it is answered for good, given up or won."""

    OPEN = "open"
    CLOSED = "closed"


class Conversation(Table, table=True):
    """`domain` is the prospect's, `recipient` the key of the address that is written to (app.addresses.recipient_key).

    `event_floor` is the newest blocking event when it (re)started: older ones do not stop it. `agreed`: they said yes.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        enum_check("state", ConversationState),
        Index(
            "uq_conversation_open_domain",
            "domain",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "uq_conversation_open_recipient",
            "recipient",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_conversation_prospect_id", "prospect_id"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id")
    prospect_id: int = Field(foreign_key="prospect.id")
    contact_id: int = Field(foreign_key="contact.id")
    mailbox_id: int = Field(foreign_key="mailbox.id")
    domain: str = Field(max_length=253)
    recipient: str | None = Field(default=None, max_length=253)
    state: ConversationState = Field(default=ConversationState.OPEN, sa_column=enum_column(ConversationState))
    subject: str
    event_floor: int = 0
    agreed: bool = False
    started_at: datetime
    closed_at: datetime | None = None
    last_message_at: datetime | None = None
