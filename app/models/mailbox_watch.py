"""How one mailbox is watched: who looks into it now, and who holds the connection that waits for its mail."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class MailboxWatch(Table, table=True):
    """A row of its own beside the mailbox, because it changes often and the sender locks the mailbox.

    `poll_*` is the lease of one look, `idle_*` that of the waiting connection; `rung_at` is when the server told of
    mail that nobody has looked for yet. `idle_since` is null while there is no connection, `idle_error` says why.
    """

    __tablename__ = "mailbox_watch"

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id", ondelete="CASCADE")
    poll_owner: str | None = Field(default=None, max_length=128)
    poll_since: datetime | None = None
    poll_until: datetime | None = None
    rung_at: datetime | None = None
    idle_owner: str | None = Field(default=None, max_length=128, index=True)
    idle_until: datetime | None = None
    idle_since: datetime | None = None
    idle_failures: int = 0
    idle_retry_at: datetime | None = None
    idle_error: str | None = Field(default=None, max_length=500)
