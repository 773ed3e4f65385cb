"""Mailboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr

from app.api.door import Call, Door, Line, Model, Out, Text
from app.mail import accounts
from app.models import Security

door = Door("mailboxes")

Port = Annotated[int, Field(ge=1, le=65535)]


class MailboxIn(Model):
    """A mailbox to connect. The password is encrypted at once and never given out again."""

    email: Annotated[Line, Field(min_length=3, max_length=254)]
    from_name: Annotated[Line, Field(min_length=1, max_length=200)]
    username: Annotated[Line | None, Field(min_length=1)] = None
    password: SecretStr = Field(min_length=1, max_length=1000)
    smtp_host: Annotated[Line, Field(min_length=1, max_length=253)]
    smtp_port: Port
    smtp_security: Security = Security.TLS
    imap_host: Annotated[Line, Field(min_length=1, max_length=253)]
    imap_port: Port
    imap_security: Security = Security.TLS
    signature: Text | None = None
    time_zone: Annotated[Line, Field(min_length=1, max_length=64)] = "UTC"
    daily_cap: Annotated[int, Field(ge=1, le=accounts.MOST_A_DAY)] = 50
    gap_min_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    gap_max_seconds: Annotated[int, Field(ge=0, le=86_400)] = 240


class MailboxOut(Out):
    """A mailbox with its health; without its password."""

    id: int
    email: str
    from_name: str
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    imap_host: str
    imap_port: int
    imap_security: Security
    time_zone: str
    daily_cap: int
    gap_min_seconds: int
    gap_max_seconds: int
    active: bool
    paused_reason: str | None
    paused_until: datetime | None
    polled_at: datetime | None
    poll_error: str | None
    created_at: datetime


@door.route("GET", "/mailboxes", needs="mailboxes:read", answers=list[MailboxOut])
def list_mailboxes(call: Call) -> Any:
    """Every mailbox with its health."""
    return accounts.every(call.uow.session)


@door.route("POST", "/mailboxes", needs="mailboxes:write", answers=MailboxOut, status=201)
def add_mailbox(call: Call, body: MailboxIn) -> Any:
    """Connect a mailbox. It is read at once; what is wrong with it shows in `poll_error`."""
    draft = accounts.draft(
        call.container.settings,
        email=body.email,
        from_name=body.from_name,
        username=body.username,
        password=body.password.get_secret_value(),
        smtp=accounts.Server(body.smtp_host, body.smtp_port, body.smtp_security),
        imap=accounts.Server(body.imap_host, body.imap_port, body.imap_security),
        signature=body.signature,
        time_zone=body.time_zone,
        daily_cap=body.daily_cap,
        gap_min_seconds=body.gap_min_seconds,
        gap_max_seconds=body.gap_max_seconds,
    )
    return accounts.add(call.uow, call.container.vault, draft)
