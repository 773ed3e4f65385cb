"""Who has a conversation open in the inbox, and the answer that they are writing: kept as it is typed."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class Answering(Table, table=True):
    """One for each person and conversation. `body_text` is "" where nothing is kept; `here_at`: when their page last said
    that it is open.
    """

    __tablename__ = "answering"

    conversation_id: int = Field(primary_key=True, foreign_key="conversation.id", ondelete="CASCADE")
    user_id: int = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    body_text: str = ""
    kept_at: datetime | None = None
    here_at: datetime | None = None
