"""Where a received message lies: several UIDs and folders may hold one content."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from app.models.base import Table


class InboundLocation(Table, table=True):
    """One UID of one generation of a folder."""

    __tablename__ = "inbound_location"

    folder_id: int = Field(foreign_key="folder.id", primary_key=True, ondelete="CASCADE")
    generation: int = Field(primary_key=True)
    uid: int = Field(primary_key=True, sa_type=BigInteger)
    inbound_id: int = Field(foreign_key="inbound.id", index=True)
