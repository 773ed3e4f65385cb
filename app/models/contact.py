"""A person or role at a prospect, with the source of the address."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.models.base import Table


class Contact(Table, table=True):
    """Whom we write to. `source_url` is the page that shows the address, null when a person or the API gave it.

    `found_by` says how a search found the address (`app.domain.contact_rules.How`); `by-pattern` is a guess.
    """

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("prospect_id", "email"),
        Index("ix_contact_email", "email", postgresql_ops={"email": "text_pattern_ops"}),
        Index("ix_contact_name", "name", postgresql_ops={"name": "text_pattern_ops"}),
    )

    id: int = Field(default=None, primary_key=True)
    prospect_id: int = Field(foreign_key="prospect.id")
    email: str = Field(max_length=254)
    name: str | None = None
    role: str | None = None
    is_role_address: bool = False
    source_url: str | None = None
    found_by: str | None = Field(default=None, max_length=32)
    created_by: str
    created_at: datetime
