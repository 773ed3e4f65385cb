"""How a mailbox signs in with OAuth, and the sign-ins that people have begun."""

from datetime import datetime

from sqlmodel import Field

from app.models.base import Table


class MailboxOAuth(Table, table=True):
    """The tokens of one mailbox, encrypted and bound to it. A mailbox without such a row signs in with its password.

    `version` grows with each new pair of tokens; `lease_owner` is the one worker that may spend the refresh token now.
    `ended_reason` says why a person has to sign in (again).
    """

    __tablename__ = "mailbox_oauth"

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id", ondelete="CASCADE")
    provider: str = Field(max_length=32)
    refresh_token: str | None = None
    access_token: str | None = None
    access_until: datetime | None = None
    version: int = 0
    lease_owner: str | None = Field(default=None, max_length=128)
    lease_until: datetime | None = None
    ended_reason: str | None = None
    ended_at: datetime | None = None
    signed_in_at: datetime | None = None
    created_at: datetime


class OAuthFlow(Table, table=True):
    """One sign-in that was begun: spent by the first return that brings its state and comes from the same `holder`."""

    __tablename__ = "oauth_flow"

    state_hash: str = Field(primary_key=True, max_length=64)
    holder: str = Field(max_length=80)
    mailbox_id: int = Field(foreign_key="mailbox.id", ondelete="CASCADE", index=True)
    provider: str = Field(max_length=32)
    verifier: str
    redirect_uri: str
    expires_at: datetime
