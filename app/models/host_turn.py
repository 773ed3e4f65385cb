"""When each host may be asked next, for all processes of the installation."""

from sqlmodel import Field

from app.models.base import Table


class HostTurn(Table, table=True):
    """`next_at` is in seconds since 1970 by the database's clock: the first moment that no booked turn of the host covers."""

    __tablename__ = "host_turn"

    host: str = Field(primary_key=True, max_length=253)
    next_at: float = Field(index=True)
