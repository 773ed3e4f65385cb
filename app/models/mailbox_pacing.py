"""How a mailbox grows up to its cap, and what it is chosen for."""

from sqlmodel import Field

from app.models.base import Table


class MailboxPacing(Table, table=True):
    """`ramp_start` null: no ramp. `language` (ISO 639-1): what it writes; null: any."""

    __tablename__ = "mailbox_pacing"

    mailbox_id: int = Field(foreign_key="mailbox.id", primary_key=True, ondelete="CASCADE")
    ramp_start: int | None = None
    ramp_step: int = 5
    language: str | None = Field(default=None, max_length=3)


class MailboxSite(Table, table=True):
    """A site that a mailbox sends for; a mailbox without such a row sends for every site."""

    __tablename__ = "mailbox_site"

    mailbox_id: int = Field(foreign_key="mailbox.id", primary_key=True, ondelete="CASCADE")
    site_id: int = Field(foreign_key="site.id", primary_key=True, ondelete="CASCADE", index=True)
