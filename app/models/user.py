"""A member of staff."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.models.base import Table


class Role(StrEnum):
    """What a member of staff may do; docs/reference/api.md lists it."""

    OUTREACH = "outreach"
    LEAD = "lead"
    OPERATOR = "operator"
    VIEWER = "viewer"


class User(Table, table=True):
    """A person who signs in. The password is an argon2id hash."""

    __tablename__ = "app_user"
    __table_args__ = (enum_check("role", Role),)

    id: int = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=254)
    name: str
    role: Role = Field(sa_column=enum_column(Role))
    password_hash: str
    theme: str = Field(default="system", max_length=8)
    active: bool = True
    created_at: datetime
