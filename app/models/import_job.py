"""An upload on its way to being an import: looked at, confirmed by a person, run by a worker."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from app.db.types import enum_check, enum_column, json_column
from app.models.base import Table


class ImportKind(StrEnum):
    """What is uploaded: an export of links, or a list of pages that may name us."""

    LINKS = "links"
    MENTIONS = "mentions"


class ImportState(StrEnum):
    """`uploaded` waits for a person, `queued` for a worker. A failed one keeps its file, so that it can be tried again."""

    UPLOADED = "uploaded"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportJob(Table, table=True):
    """`path` is relative to the data folder's `uploads/`; `signature` is of its headers; `counts` what it did to the prospects.

    `report` is what became of the rows of a list of mentions; the rows of an export are on its snapshots.
    """

    __tablename__ = "import_job"
    __table_args__ = (
        enum_check("state", ImportState),
        enum_check("kind", ImportKind),
        Index("ix_import_job_due_at", "due_at"),
        Index("ix_import_job_signature", "site_id", "signature"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    kind: ImportKind = Field(default=ImportKind.LINKS, sa_column=enum_column(ImportKind))
    filename: str
    path: str
    signature: str = Field(default="", max_length=64)
    state: ImportState = Field(default=ImportState.UPLOADED, sa_column=enum_column(ImportState))
    target: str | None = Field(default=None, max_length=253)
    mapping: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    rows_total: int = Field(default=0, sa_type=BigInteger)
    rows_done: int = Field(default=0, sa_type=BigInteger)
    cancel_asked: bool = False
    snapshots: list[int] = Field(default_factory=list, sa_column=json_column())
    counts: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    report: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    error: str | None = None
    due_at: datetime | None = None
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None
