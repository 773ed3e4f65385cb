"""A sent message whose copy in the folder of sent mail is not settled yet."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class SentCopy(Table, table=True):
    """Made when the message has left, gone when its copy is there (or given up).

    `due_at` is the next look, and the claim of the worker that looks: it moves by compare-and-set. `appending` is set
    before our own copy is handed over, so that a copy found afterwards is not taken for the provider's.
    """

    __tablename__ = "sent_copy"

    outbound_id: int = Field(primary_key=True, foreign_key="outbound.id", ondelete="CASCADE")
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE", index=True)
    due_at: datetime
    tries: int = 0
    appending: bool = False
