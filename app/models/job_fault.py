"""Jobs that ended in an error that nobody foresaw."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class JobFault(Table, table=True):
    """One job for one row. It goes when the same job succeeds, or when somebody retries it; the row is due by its own rule."""

    __tablename__ = "job_fault"

    job: str = Field(primary_key=True, max_length=32)
    row_id: int = Field(primary_key=True)
    times: int = 1
    error: str = Field(max_length=500)
    correlation_id: str | None = Field(default=None, max_length=64)
    first_at: datetime
    last_at: datetime
