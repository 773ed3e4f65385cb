"""A message that its server lists and could not give, until it comes, is gone, or is put aside."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from app.db.types import Said
from app.models.base import Table


class Unfetched(Table, table=True):
    """One UID of one generation of a folder. `looks` counts separate looks at which it was asked for alone and did not come,
    the last at `tried_at`; one more stands for its head, which is asked for before it is put aside.

    0: it was asked for together with others, and something among them failed. `inbound_id` is the row in quarantine that
    stands for it once it was given up; it is tried again now and then.
    """

    __tablename__ = "unfetched"

    folder_id: int = Field(foreign_key="folder.id", primary_key=True, ondelete="CASCADE")
    generation: int = Field(primary_key=True)
    uid: int = Field(primary_key=True, sa_type=BigInteger)
    looks: int = 0
    tried_at: datetime | None = None
    error: str = Field(default="", sa_type=Said)
    inbound_id: int | None = Field(default=None, foreign_key="inbound.id", index=True)
