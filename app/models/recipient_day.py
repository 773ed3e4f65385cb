"""How many mails left for a recipient's domain in a period, over all sites."""

from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from app.models.base import Table


class RecipientDay(Table, table=True):
    """`day` (UTC) is the first of the period. At public mail providers a recipient is one address, as a keyed hash."""

    __tablename__ = "recipient_day"
    __table_args__ = (CheckConstraint("used <= cap", name="used_within_cap"),)

    recipient: str = Field(primary_key=True, max_length=253)
    day: date = Field(primary_key=True)
    used: int = 0
    cap: int
