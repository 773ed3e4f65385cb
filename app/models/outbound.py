"""Approved mail: frozen bytes and the state of their way out. One intent, one row."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column
from app.domain.delivery import OutboundState
from app.models.base import Table


class OutboundKind(StrEnum):
    """First message, step of a sequence, or a person's answer in the thread."""

    PITCH = "pitch"
    FOLLOW_UP = "follow-up"
    REPLY = "reply"


_IN_FLIGHT = "state IN ('CLAIMED', 'COMMITTED', 'AMBIGUOUS')"


class Outbound(Table, table=True):
    """One message to one recipient. `raw` is what will be on the wire, byte for byte; `fence` is the holder's.

    It may leave from `not_before` until `closes_at`, the present slot in the recipient's `hours` (null: at any time); `wanted_at` is
    when it was meant to leave, an absence that was told of considered. `recipient` is what the cap for a recipient's domain counts by.
    `evidence` says by what it is known to have left; on a row that waits it is set by a release, "" where it only may have left.
    """

    __tablename__ = "outbound"
    __table_args__ = (
        UniqueConstraint("prospect_id", "sequence_run_id", "step_no"),
        enum_check("state", OutboundState),
        enum_check("kind", OutboundKind),
        Index(
            "uq_outbound_in_flight",
            "prospect_id",
            unique=True,
            sqlite_where=text(_IN_FLIGHT),
            postgresql_where=text(_IN_FLIGHT),
        ),
        # The queue of a mailbox, kind by kind: answers, then follow-ups, then pitches.
        Index("ix_outbound_queue", "mailbox_id", "state", "kind", "not_before", "closes_at"),
        # What left when, and which was the first of a prospect: both answered without the rows, whose bytes are large.
        Index(
            "ix_outbound_sent", "state", "kind", "sent_at", "prospect_id", "mailbox_id", "sequence_run_id", "site_id"
        ),
        Index("ix_outbound_prospect_id", "prospect_id", "kind", "state", "sent_at"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id")
    mailbox_id: int = Field(foreign_key="mailbox.id")
    prospect_id: int = Field(foreign_key="prospect.id")
    conversation_id: int = Field(foreign_key="conversation.id")
    sequence_run_id: int | None = Field(default=None, foreign_key="sequence_run.id")
    step_no: int = 0
    kind: OutboundKind = Field(sa_column=enum_column(OutboundKind))
    message_id: str = Field(unique=True, max_length=250)
    token: str = Field(unique=True, max_length=64)
    to_address: str = Field(max_length=254)
    subject: str
    raw: bytes
    raw_sha256: str = Field(max_length=64)
    state: OutboundState = Field(default=OutboundState.QUEUED, sa_column=enum_column(OutboundState))
    attempt_no: int = 1
    deferrals: int = 0
    fence: int = 0
    event_floor: int = 0
    gate_seen_event_id: int | None = None
    recipient: str | None = Field(default=None, max_length=253)
    hours: str | None = Field(default=None, max_length=120)
    wanted_at: datetime | None = None
    not_before: datetime
    closes_at: datetime | None = None
    expires_at: datetime
    committed_at: datetime | None = None
    sent_at: datetime | None = None
    cap_day: date | None = None
    reply_code: int | None = None
    reply_text: str | None = None
    hold_reason: str | None = Field(default=None, sa_type=Said)
    reconcile_at: datetime | None = None
    reconcile_tries: int = 0
    evidence: str | None = None
    approved_by: str
    correlation_id: str | None = Field(default=None, max_length=64)
    created_at: datetime
