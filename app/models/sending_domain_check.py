"""The latest lines about a sending domain."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import Said, enum_check, enum_column
from app.domain.checks import CheckState
from app.models.base import Table


class SendingDomainCheck(Table, table=True):
    """One line, in the order `position`. `checked_at` is the time of the verdict; `trouble` says why the last look found nothing new."""

    __tablename__ = "sending_domain_check"
    __table_args__ = (enum_check("state", CheckState),)

    sending_domain_id: int = Field(foreign_key="sending_domain.id", primary_key=True, ondelete="CASCADE")
    position: int = Field(primary_key=True)
    name: str = Field(max_length=32)
    state: CheckState = Field(sa_column=enum_column(CheckState))
    found: str = Field(sa_type=Said)
    fix: str = Field(sa_type=Said)
    trouble: str | None = Field(default=None, sa_type=Said)
    checked_at: datetime
