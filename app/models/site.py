"""Our site: the domains, brand names and floors of one client."""

from datetime import datetime

from sqlmodel import Field

from app.db.types import json_column
from app.models.base import Table


class Site(Table, table=True):
    """One client's site. `domains` are registrable domains, the first is the main one; old domains count as ours."""

    __tablename__ = "site"

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=100)
    domains: list[str] = Field(sa_column=json_column())
    brand_names: list[str] = Field(sa_column=json_column())
    language: str | None = Field(default=None, max_length=16)
    country: str | None = Field(default=None, max_length=2)
    min_authority: float | None = None
    min_traffic: int | None = None
    min_fit: int | None = None
    # Languages whose pages count; empty asks for none.
    languages: list[str] = Field(default_factory=list, sa_column=json_column(server_default="[]"))
    sender_name: str | None = None
    sender_role: str | None = None
    postal_address: str | None = None
    # Grows with each change, so that of two people who save at once the second is asked.
    version: int = 1
    # Set when a page of ours has changed: from then on its prospects are compared anew, up to the prospect `fit_after`.
    fit_due_at: datetime | None = None
    fit_after: int | None = None
    archived_at: datetime | None = None
    created_at: datetime
