"""A text that somebody was writing: kept as it is typed, whatever becomes of the lease or the browser."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class KeptText(Table, table=True):
    """One for each person and prospect. `version` is that of the draft on which the text was begun."""

    __tablename__ = "kept_text"

    prospect_id: int = Field(primary_key=True, foreign_key="prospect.id", ondelete="CASCADE")
    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    pitch_id: int = Field(foreign_key="pitch.id", ondelete="CASCADE")
    version: int
    subject: str
    body_text: str
    at: datetime
