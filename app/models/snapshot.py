"""One imported set of backlinks of one target at one date; the backlinks themselves are a Parquet file."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.db.types import SaidJson, enum_check, enum_column
from app.models.base import Table


class SnapshotRole(StrEnum):
    """Whose links the file holds: ours, a competitor's, or a matrix with a column for each."""

    OURS = "ours"
    COMPETITOR = "competitor"
    MATRIX = "matrix"


class Snapshot(Table, table=True):
    """One imported file. `path` is relative to the data folder's `snapshots/`; `report` says what became of each row.

    `capped` is null where nobody knows whether the list ends at a limit of its tool.
    """

    __tablename__ = "snapshot"
    __table_args__ = (UniqueConstraint("site_id", "sha256", "target"), enum_check("role", SnapshotRole))

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    role: SnapshotRole = Field(sa_column=enum_column(SnapshotRole))
    target: str = Field(max_length=253)
    provider: str = Field(max_length=32)
    format: str = Field(max_length=64)
    filename: str
    sha256: str = Field(max_length=64)
    as_of: date | None = None
    path: str
    rows_read: int
    rows_taken: int
    rows_lost: int
    rows_rejected: int
    capped: bool | None = None
    report: dict[str, Any] = Field(sa_type=SaidJson)
    created_by: str
    created_at: datetime
