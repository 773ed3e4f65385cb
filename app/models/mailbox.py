"""An SMTP + IMAP account, with its lease, pacing and health."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.models.base import Table


class Security(StrEnum):
    """How a server is spoken to; `none` only where the installation allows it (sandbox, same machine)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Mailbox(Table, table=True):
    """One account. `fence` grows with each lease: whoever holds an older one can change nothing. `secret` is encrypted.

    `autofiles_sent`: whether its provider files what is sent by itself; None until it is learned. `autofiled_seen` is the
    run that it is learned from: so many of our mails in a row appeared there (above 0) or did not (below 0). `aliases` are
    further addresses that its people write from by hand, in lower case.
    `rests_since`: when it was first seen to rest with mail that waits; what waits may wait for so much longer. `looked_through_at`: when
    what waits was last looked through for what is over, while the mailbox sends nothing.
    """

    __tablename__ = "mailbox"
    __table_args__ = (enum_check("smtp_security", Security), enum_check("imap_security", Security))

    id: int = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=254)
    from_name: str
    username: str
    secret: str
    smtp_host: str
    smtp_port: int
    smtp_security: Security = Field(default=Security.TLS, sa_column=enum_column(Security))
    imap_host: str
    imap_port: int
    imap_security: Security = Field(default=Security.TLS, sa_column=enum_column(Security))
    time_zone: str = Field(default="UTC", max_length=64)
    daily_cap: int = 50
    gap_min_seconds: int = 60
    gap_max_seconds: int = 240
    plus_addressing: bool = False
    active: bool = True

    lease_owner: str | None = Field(default=None, max_length=128)
    lease_until: datetime | None = None
    fence: int = 0
    next_send_at: datetime | None = None
    paused_reason: str | None = Field(default=None, sa_type=Said)
    paused_until: datetime | None = None
    failures: int = 0
    rests_since: datetime | None = None
    looked_through_at: datetime | None = None

    poll_due_at: datetime | None = None
    polled_at: datetime | None = None
    poll_error: str | None = Field(default=None, sa_type=Said)
    poll_failures: int = 0
    autofiles_sent: bool | None = None
    autofiled_seen: int = 0
    aliases: list[str] | None = Field(default=None, sa_column=json_column(nullable=True))
    created_at: datetime
