"""The cursor of one IMAP folder."""

from datetime import datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from app.models.base import Table


class Folder(Table, table=True):
    """`next_uid` is (last UID stored without a hole) + 1 under `uidvalidity`; `generation` grows when UIDs lose meaning."""

    __tablename__ = "folder"
    __table_args__ = (UniqueConstraint("mailbox_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE")
    name: str
    role: str = Field(max_length=16)
    uidvalidity: int | None = Field(default=None, sa_type=BigInteger)
    next_uid: int = Field(default=1, sa_type=BigInteger)
    highestmodseq: int | None = Field(default=None, sa_type=BigInteger)
    generation: int = 0
    resets_in_row: int = 0
    stopped_reason: str | None = None
    last_full_at: datetime | None = None
    synced_at: datetime | None = None
