"""A version of a mail template that staff wrote; without one, the file in templates/emails counts."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from app.models.base import Table


class TemplateVersion(Table, table=True):
    """One saved version; the newest of a name is used for new drafts, sent mail keeps its own."""

    __tablename__ = "template_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: int = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    version: int
    subject: str
    body_text: str
    body_html: str
    note: str | None = None
    created_by: str
    created_at: datetime
