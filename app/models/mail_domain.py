"""Whether a recipients' domain takes mail, as its DNS said last."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import enum_check, enum_column
from app.domain.address_rules import MailHost
from app.models.base import Table


class MailDomain(Table, table=True):
    """One domain, for all its addresses. `due_at` is null while nobody asks; `tries` counts looks without an answer."""

    __tablename__ = "mail_domain"
    __table_args__ = (enum_check("state", MailHost),)

    id: int = Field(default=None, primary_key=True)
    domain: str = Field(unique=True, max_length=253)
    state: MailHost = Field(default=MailHost.UNKNOWN, sa_column=enum_column(MailHost))
    found: str = ""
    tries: int = 0
    checked_at: datetime | None = None
    due_at: datetime | None = Field(default=None, index=True)
