"""A rule of the installation that staff have set on its page, in place of the default."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class InstallationRule(Table, table=True):
    """`name` is a setting of app.settings; `value` is written as a variable of the environment would be."""

    __tablename__ = "installation_rule"

    name: str = Field(primary_key=True, max_length=64)
    value: str = Field(max_length=64)
    saved_by: str = Field(max_length=200)
    saved_at: datetime
