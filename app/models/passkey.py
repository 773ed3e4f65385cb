"""Keys of devices and password managers with which people sign in without a password."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from app.models.base import Table


class Passkey(Table, table=True):
    """One WebAuthn credential: its id, and its public half (COSE), which opens nothing by itself; both in base64url.

    `counter` is the last count of a key that counts (0: it does not). `last_challenge` says when the challenge that it signed last was
    made (microseconds since 1970): that one and older ones never count again.
    """

    __tablename__ = "passkey"

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="app_user.id", ondelete="CASCADE", index=True)
    credential: str = Field(max_length=1400, unique=True)
    public_key: str
    counter: int = Field(default=0, sa_type=BigInteger)
    last_challenge: int = Field(default=0, sa_type=BigInteger)
    name: str = Field(max_length=60)
    created_at: datetime
    last_used_at: datetime | None = None
