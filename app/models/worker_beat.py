"""The processes of an installation, each with the last sign of life that it gave."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class WorkerBeat(Table, table=True):
    """A process that runs jobs. It takes its row away when it stops; a row that grows old belongs to one that was killed."""

    __tablename__ = "worker_beat"

    name: str = Field(primary_key=True, max_length=128)
    version: str = Field(max_length=32)
    threads: int
    # Seconds by which its clock is before the database's; null where both are the same machine.
    skew: float | None = None
    started_at: datetime
    seen_at: datetime
