"""What a worker does with the lists of a site because somebody asked for it: an upload, a takeback, a pull, a look into the web graph."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column, json_column
from app.models.base import Table


class ImportKind(StrEnum):
    """An uploaded export of links, or an uploaded list of pages that may name us; an import that is taken back; lists that are pulled
    from a provider; lists that are read out of the web graph."""

    LINKS = "links"
    MENTIONS = "mentions"
    TAKEBACK = "takeback"
    PULL = "pull"
    DISCOVER = "discover"


class ImportState(StrEnum):
    """`uploaded` waits for a person, `queued` for a worker. A failed one keeps its file, so that it can be tried again."""

    UPLOADED = "uploaded"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportJob(Table, table=True):
    """`path` is relative to the data folder's `uploads/`; `signature` is of its headers; `counts` what it did to the prospects. `format`
    is the one that a person has chosen; null is the one that the file is recognised by.

    Only an upload has a file. Of a takeback `snapshots` is what is taken back, until it is. `asked` is what a pull is to ask for
    (provider, rows a target, and the most that it may cost); `filename` is then whom it asks.

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
    as_of: date | None = None
    format: str | None = Field(default=None, max_length=64)
    mapping: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    asked: dict[str, Any] = Field(default_factory=dict, sa_column=json_column(server_default="{}"))
    rows_total: int = Field(default=0, sa_type=BigInteger)
    rows_done: int = Field(default=0, sa_type=BigInteger)
    cancel_asked: bool = False
    snapshots: list[int] = Field(default_factory=list, sa_column=json_column())
    counts: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    report: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    error: str | None = Field(default=None, sa_type=Said)
    due_at: datetime | None = None
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None
