"""The wires of mail: sign-in at providers, SMTP and IMAP with their times, and what holds around each send."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from app.domain.cadence import LONGEST_PAUSE
from app.settings.pages import Pages
from app.settings.values import Duration


class Wires(Pages):
    """The settings of the wires."""

    mail_allow_plaintext: bool = Field(
        default=False,
        description="Allow mailboxes without TLS. Only for the sandbox world and for servers on this machine.",
    )
    oauth_redirect_url: str = Field(
        default="",
        description="Where Google and Microsoft send people back after their sign-in. Empty: {public_url}/oauth/callback. "
        "Register exactly this address with them.",
    )
    oauth_google_client_id: str = Field(
        default="", description="Client id of your own OAuth client at Google. Empty: no sign-in with Google."
    )
    oauth_google_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Client secret that belongs to it (Google gives one for every client)."
    )
    oauth_google_authorize_url: str = Field(
        default="https://accounts.google.com/o/oauth2/v2/auth", description="Where people agree, at Google."
    )
    oauth_google_token_url: str = Field(
        default="https://oauth2.googleapis.com/token", description="Where tokens are given out, at Google."
    )
    oauth_google_scopes: str = Field(
        default="https://mail.google.com/ openid email", description="What is asked of Google, by spaces."
    )
    oauth_microsoft_client_id: str = Field(
        default="",
        description="Application (client) id of your own app registration at Microsoft Entra. Empty: no sign-in there.",
    )
    oauth_microsoft_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Its client secret; empty for a public client."
    )
    oauth_microsoft_tenant: str = Field(
        default="common", description="Tenant that may sign in at Microsoft: its id, organizations, or common."
    )
    oauth_microsoft_authorize_url: str = Field(
        default="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        description="Where people agree, at Microsoft. {tenant} is replaced.",
    )
    oauth_microsoft_token_url: str = Field(
        default="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        description="Where tokens are given out, at Microsoft. {tenant} is replaced.",
    )
    oauth_microsoft_scopes: str = Field(
        default="https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send "
        "offline_access openid email",
        description="What is asked of Microsoft, by spaces.",
    )
    oauth_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Time for one answer of a token server; keep it below 50 seconds."
    )
    smtp_timeout: Duration = Field(
        default=timedelta(seconds=60), description="Time for each SMTP step before the final dot."
    )
    smtp_dot_timeout: Duration = Field(
        default=timedelta(seconds=600),
        description="Time to wait for the answer to the final dot (RFC 5321 4.5.3.2.6 asks for ten minutes); a shorter "
        "time makes sends ambiguous that were not.",
    )
    imap_timeout: Duration = Field(default=timedelta(seconds=30), description="Time for each IMAP answer.")
    poll_interval: Duration = Field(
        default=timedelta(seconds=60),
        le=LONGEST_PAUSE,
        description="Time between two looks into each mailbox from Monday to Friday between 7 and 20 o'clock (in the time "
        "zone of the mailbox).",
    )
    poll_interval_quiet: Duration = Field(
        default=timedelta(minutes=5), le=LONGEST_PAUSE, description="The same at night and at weekends."
    )
    poll_threads: int = Field(
        default=8,
        ge=2,
        le=64,
        description="Mailboxes that one worker process looks into at a time, beside its other jobs. Looking is mostly "
        "waiting for mail servers: far more threads than cores make sense.",
    )
    idle_connections: int = Field(
        default=1000,
        ge=0,
        le=10_000,
        description="Connections by which one worker process waits for mail (IMAP IDLE), so that a reply is seen within "
        "seconds; one for each mailbox, shared out between the workers. 0: mailboxes are only polled.",
    )
    idle_connecting: int = Field(
        default=8, ge=1, le=64, description="Waiting connections that one worker process opens at a time."
    )
    idle_renew: Duration = Field(
        default=timedelta(minutes=9),
        gt=timedelta(0),
        le=timedelta(minutes=29),
        description="Time after which an IDLE is ended and begun again, which shows that the server still lives. "
        "RFC 2177 allows 29 minutes at most; networks often forget a silent connection after ten.",
    )
    gate_budget: Duration = Field(
        default=timedelta(seconds=10),
        description="Time that the look into the mailbox may take right before a follow-up; over it, the follow-up waits.",
    )
    lease_seconds: int = Field(default=60, ge=1, description="Seconds for which a worker holds a mailbox.")
    undo_window: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="Time between approving a pitch and its first chance to leave.",
    )

    @property
    def redirect_url(self) -> str:
        """Where people come back to after they have signed in at a provider."""
        return self.oauth_redirect_url or f"{self.public_url.rstrip('/')}/oauth/callback"
