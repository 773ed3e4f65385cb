"""One received message: raw bytes first, its meaning later, each step a state."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.models.base import Table


class InboundState(StrEnum):
    """stored -> parsed -> matched -> done; quarantined when it broke the parser, or cannot be fetched."""

    STORED = "stored"
    PARSED = "parsed"
    MATCHED = "matched"
    DONE = "done"
    QUARANTINED = "quarantined"


class Inbound(Table, table=True):
    """A message by content; where it lies is in inbound_location. `raw` is null once retention has passed."""

    __tablename__ = "inbound"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "content_key"),
        enum_check("state", InboundState),
        Index("ix_inbound_state", "state", "id"),
        Index("ix_inbound_prospect_id", "prospect_id", "kind"),
        Index("ix_inbound_message_id", "mailbox_id", "message_id"),
        Index("ix_inbound_conversation_id", "conversation_id"),
    )

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id")
    content_key: str = Field(max_length=64)
    state: InboundState = Field(default=InboundState.STORED, sa_column=enum_column(InboundState))
    raw: bytes | None = None
    raw_path: str | None = None
    size: int
    failures: int = 0
    error: str | None = Field(default=None, sa_type=Said)
    message_id: str | None = Field(default=None, max_length=250)
    in_reply_to: str | None = Field(default=None, max_length=250)
    from_address: str | None = Field(default=None, max_length=254)
    from_name: str | None = None
    subject: str | None = None
    kind: str | None = Field(default=None, max_length=16)
    rule: str | None = Field(default=None, max_length=64)
    intent: str | None = Field(default=None, max_length=32)
    bounce: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    returns_on: date | None = None
    text: str | None = None
    parsed: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    match_kind: str | None = Field(default=None, max_length=32)
    outbound_id: int | None = Field(default=None, foreign_key="outbound.id")
    conversation_id: int | None = Field(default=None, foreign_key="conversation.id")
    prospect_id: int | None = Field(default=None, foreign_key="prospect.id")
    handled_by: str | None = None
    handled_at: datetime | None = None
    received_at: datetime | None = None
    stored_at: datetime
