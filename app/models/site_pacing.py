"""How mail for a site is paced, where it differs from the installation's settings."""

from sqlmodel import Field

from app.models.base import Table


class SitePacing(Table, table=True):
    """Null: the installation's setting. `send_window` is "09:00-17:00" in the recipient's time, or "always"."""

    __tablename__ = "site_pacing"

    site_id: int = Field(foreign_key="site.id", primary_key=True, ondelete="CASCADE")
    send_window: str | None = Field(default=None, max_length=16)
    daily_cap: int | None = None
    cooldown_days: int | None = None
