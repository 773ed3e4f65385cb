"""How one person wants the pages; kept on the server, so that it is the same on every device."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class UserSetting(Table, table=True):
    """Absent: the defaults. `language` null follows the browser; `undo_seconds` null is the installation's undo window."""

    __tablename__ = "user_setting"

    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    language: str | None = Field(default=None, max_length=16)
    time_zone: str = Field(default="UTC", max_length=64)
    density: str = Field(default="comfortable", max_length=16)
    single_keys: bool = True
    undo_seconds: int | None = None
    digest: str = Field(default="off", max_length=16)
    mail_replies: bool = False
    mail_late: bool = False
    mail_mailboxes: bool = False
    mail_links: bool = False
    # Up to when the list of notices was read.
    notices_seen_at: datetime | None = None
    # The newest pause of follow-ups that this person was led to (a line of history).
    pause_seen: int | None = None
