"""What a person shows besides the password: the secret of an app that makes codes, and codes for when it is lost."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from app.models.base import Table


class SecondFactor(Table, table=True):
    """`secret` is encrypted and bound to this row. It asks for codes once `confirmed_at` is set.

    `last_step` is the step of time (RFC 6238) of the last code that was accepted: that one and older ones never count again.
    """

    __tablename__ = "second_factor"

    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    secret: str
    confirmed_at: datetime | None = None
    last_step: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime


class RecoveryCode(Table, table=True):
    """A code that works once in place of the app's. Only its hash is kept: it has 80 random bits, so that nobody finds it by trying."""

    __tablename__ = "recovery_code"

    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    code_hash: str = Field(primary_key=True, max_length=64)
    used_at: datetime | None = None
