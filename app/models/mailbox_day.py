"""How many mails a mailbox has let out on a day; the cap is a constraint, not a habit."""

from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from app.models.base import Table


class MailboxDay(Table, table=True):
    """`used` counts committed mails of the `day` in the mailbox's time zone. A later cap may only grow over `used`."""

    __tablename__ = "mailbox_day"
    __table_args__ = (CheckConstraint("used <= cap", name="used_within_cap"),)

    mailbox_id: int = Field(foreign_key="mailbox.id", primary_key=True)
    day: date = Field(primary_key=True)
    used: int = 0
    cap: int
