"""The installation itself: who it is, what it counts, and whether it may send."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field

from app.models.base import Table


class Installation(Table, table=True):
    """The one row. `ticks` only grows and is also kept outside of the database; `database_mark` names the place of the data.

    While `held_at` is set nothing is sent. `data_of` is the age of restored data, where it is known.
    `seen_at` is the last heartbeat, `leapt_at` the last one that came a day or more off the one before; `stopped_at` is that one
    before, where nothing ran in between.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    identity: str = Field(max_length=36)
    generation: int = 1
    ticks: int = Field(default=0, sa_type=BigInteger)
    database_mark: str = Field(default="", max_length=200)
    held_at: datetime | None = None
    held_reason: str | None = None
    data_of: datetime | None = None
    released_at: datetime | None = None
    released_by: str | None = None
    released_reason: str | None = Field(default=None, max_length=500)
    seen_at: datetime
    leapt_at: datetime | None = None
    stopped_at: datetime | None = None
    created_at: datetime
