"""Other Message-IDs under which a message of ours is known (some providers replace them)."""

from sqlmodel import Field

from app.models.base import Table


class OutboundAlias(Table, table=True):
    """A Message-ID found in the server's answer or in the Sent copy."""

    __tablename__ = "outbound_alias"

    message_id: str = Field(primary_key=True, max_length=250)
    outbound_id: int = Field(foreign_key="outbound.id", index=True)
