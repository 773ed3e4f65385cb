"""Secrets of the installation that are no mailbox's: sealed under the keys that rotate."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class SealedSecret(Table, table=True):
    """One named secret, bound to its name. Rotation seals it again; its content stays for the life of the installation."""

    __tablename__ = "sealed_secret"

    name: str = Field(primary_key=True, max_length=64)
    sealed: str
    created_at: datetime
