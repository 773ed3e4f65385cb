"""The cursor of one IMAP folder."""

from datetime import datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column
from app.domain.folders import Watch
from app.models.base import Table


class Folder(Table, table=True):
    """`next_uid` is (last UID stored without a hole) + 1 under `uidvalidity`; `generation` grows when UIDs lose meaning.

    A row stands for each folder that the server has listed, last at `listed_at`. `watch` is what a person has said,
    `learned_at` when an answer was first seen in a folder that nobody reads; `scouted_*` is how such a folder was left.
    `messages` is how many lay in it at the last look, `renumbered_at` when its numbers last lost their meaning.
    """

    __tablename__ = "folder"
    __table_args__ = (UniqueConstraint("mailbox_id", "name"), enum_check("watch", Watch))

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE")
    name: str
    role: str = Field(max_length=16)
    uidvalidity: int | None = Field(default=None, sa_type=BigInteger)
    next_uid: int = Field(default=1, sa_type=BigInteger)
    highestmodseq: int | None = Field(default=None, sa_type=BigInteger)
    generation: int = 0
    resets_in_row: int = 0
    stopped_reason: str | None = Field(default=None, sa_type=Said)
    renumbered_at: datetime | None = None
    last_full_at: datetime | None = None
    synced_at: datetime | None = None
    messages: int | None = None
    listed_at: datetime | None = None
    watch: Watch | None = Field(default=None, sa_column=enum_column(Watch, nullable=True))
    learned_at: datetime | None = None
    scouted_at: datetime | None = None
    scouted_validity: int | None = Field(default=None, sa_type=BigInteger)
    scouted_next: int | None = Field(default=None, sa_type=BigInteger)
