"""Where a prospect works, where staff know it better than the rules."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class ProspectPlace(Table, table=True):
    """What staff have set; null is left to the rules (app.domain.places). `send_window` is as in site_pacing."""

    __tablename__ = "prospect_place"

    prospect_id: int = Field(foreign_key="prospect.id", primary_key=True, ondelete="CASCADE")
    country: str | None = Field(default=None, max_length=2)
    zone: str | None = Field(default=None, max_length=64)
    send_window: str | None = Field(default=None, max_length=16)
    set_by: str = Field(max_length=200)
    set_at: datetime
