"""Named leases of the installation: who ticks the clock."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class Lease(Table, table=True):
    """One holder at a time; `fence` grows with each new holder."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=64)
    owner: str = Field(max_length=128)
    until: datetime
    fence: int = 1
