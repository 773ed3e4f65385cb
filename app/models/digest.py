"""A mail to a member of staff, one for each kind and period: the row is there before the mail, and there is only one."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.db.types import enum_check, enum_column, json_column
from app.domain.digest import DigestState, Kind
from app.models.base import Table


class Digest(Table, table=True):
    """`raw` is the whole message, frozen before anything leaves; `since` and `until` are what it tells of."""

    __tablename__ = "digest"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "period"),
        enum_check("kind", Kind),
        enum_check("state", DigestState),
        Index("ix_digest_state", "state"),
    )

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="app_user.id", ondelete="CASCADE")
    kind: Kind = Field(default=Kind.DIGEST, sa_column=enum_column(Kind))
    period: str = Field(max_length=16)
    state: DigestState = Field(default=DigestState.READY, sa_column=enum_column(DigestState))
    since: datetime
    until: datetime
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    recipient: str = Field(max_length=254)
    message_id: str | None = Field(default=None, max_length=255)
    raw: bytes | None = None
    via: str | None = Field(default=None, max_length=254)
    tries: int = 0
    due_at: datetime
    answer: str | None = None
    created_at: datetime
    finished_at: datetime | None = None
