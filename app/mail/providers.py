"""Where mail is reached and where people sign in, at the providers that this version knows by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import Security
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Server:
    """Where one side of a mailbox is reached."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider with OAuth: its endpoints and our client there, out of the settings, and its mail servers.

    `extra` goes into the address where people agree. `account_is_mailbox`: who signs in must be the mailbox itself
    (at Microsoft a person may be a delegate of a shared mailbox).
    """

    name: str
    label: str
    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    smtp: Server
    imap: Server
    extra: Mapping[str, str]
    account_is_mailbox: bool


NAMES = ("google", "microsoft")


def provider(settings: Settings, name: str) -> Provider:
    """The provider called `name`. Raises BadInput for an unknown one and for one without a client id in the settings."""
    if name not in NAMES:
        raise BadInput(
            say("'{name}' is no provider with a sign-in of its own", name=name),
            FieldProblem(
                "provider",
                say("Use one of {names}; any other account is added with its servers", names=", ".join(NAMES)),
            ),
        )
    made = _google(settings) if name == "google" else _microsoft(settings)
    if not made.client_id:
        raise BadInput(
            say("this installation has no OAuth client at {label} yet", label=made.label),
            FieldProblem(
                "provider",
                say(
                    "Register one with the redirect address {redirect_url} and set "
                    "GAPBRIDGE_OAUTH_{name}_CLIENT_ID (docs/how-to/connect-a-mailbox.md has the steps)",
                    redirect_url=settings.redirect_url,
                    name=name.upper(),
                ),
            ),
        )
    return made


def configured(settings: Settings) -> list[str]:
    """The providers that people can sign in with here."""
    clients = (settings.oauth_google_client_id, settings.oauth_microsoft_client_id)
    return [name for name, client in zip(NAMES, clients, strict=True) if client]


def _google(settings: Settings) -> Provider:
    return Provider(
        name="google",
        label="Google",
        authorize_url=settings.oauth_google_authorize_url,
        token_url=settings.oauth_google_token_url,
        client_id=settings.oauth_google_client_id,
        client_secret=settings.oauth_google_client_secret.get_secret_value(),
        scopes=settings.oauth_google_scopes,
        smtp=Server("smtp.gmail.com", 465, Security.TLS),
        imap=Server("imap.gmail.com", 993, Security.TLS),
        # Without these two Google gives a refresh token the first time only.
        extra={"access_type": "offline", "prompt": "consent"},
        account_is_mailbox=True,
    )


def _microsoft(settings: Settings) -> Provider:
    tenant = settings.oauth_microsoft_tenant
    return Provider(
        name="microsoft",
        label="Microsoft",
        authorize_url=settings.oauth_microsoft_authorize_url.replace("{tenant}", tenant),
        token_url=settings.oauth_microsoft_token_url.replace("{tenant}", tenant),
        client_id=settings.oauth_microsoft_client_id,
        client_secret=settings.oauth_microsoft_client_secret.get_secret_value(),
        scopes=settings.oauth_microsoft_scopes,
        smtp=Server("smtp.office365.com", 587, Security.STARTTLS),
        imap=Server("outlook.office365.com", 993, Security.TLS),
        extra={"prompt": "select_account"},
        account_is_mailbox=False,
    )
