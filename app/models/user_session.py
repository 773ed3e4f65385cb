"""A signed-in browser."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class UserSession(Table, table=True):
    """The cookie holds a random id; the row holds its hash, so a stolen database signs nobody in."""

    __tablename__ = "user_session"

    id_hash: str = Field(primary_key=True, max_length=64)
    user_id: int = Field(foreign_key="app_user.id", ondelete="CASCADE", index=True)
    csrf_token: str = Field(max_length=64)
    # "Firefox on Linux", so that a person knows their sessions apart; what the browser says is not kept as it is.
    agent: str | None = Field(default=None, max_length=100)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    @property
    def handle(self) -> str:
        """What a page calls it by: enough of the hash to tell a person's sessions apart, and not the whole of it."""
        return self.id_hash[:16]
