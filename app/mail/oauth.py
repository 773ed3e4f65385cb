"""Speaks with a provider's authorization server (RFC 6749, PKCE by RFC 7636): the address to agree at, and tokens.

Nothing is stored here. `app.mail.credentials` renews tokens, `app.mail.signin` begins and ends a person's sign-in.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from app.domain.said import say
from app.errors import MailboxFault
from app.mail.providers import Provider

# RFC 6749 leaves the lifetime to the server when it does not tell; asking again early costs one request.
_LIFETIME_UNTOLD = 600
_LONGEST_TEXT = 300
# What only a person's new sign-in can mend.
# Microsoft's word for a client that asked too often, under the name of a grant that has ended; it passes by itself.
_LOOP = "AADSTS50196"
_ENDED = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
_OURS = frozenset({"invalid_client", "unauthorized_client", "invalid_scope"})


class GrantEnded(Exception):
    """The refresh token is worth nothing any more. `detail` is what the provider said."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Granted:
    """An answer of the token server. `refresh_token` None: the former one stays. `account`: who signed in, when told."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    lifetime: timedelta
    account: str | None
    scopes: frozenset[str] | None


def authorize_url(provider: Provider, *, state: str, verifier: str, redirect_uri: str, account: str) -> str:
    """Where a person agrees; `account` is the address that the provider should ask for."""
    with _client(provider, timedelta(seconds=1)) as client:
        url, _ = client.create_authorization_url(
            provider.authorize_url,
            state=state,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            login_hint=account,
            **provider.extra,
        )
    return str(url)


def exchange(provider: Provider, *, code: str, verifier: str, redirect_uri: str, timeout: timedelta) -> Granted:
    """The tokens for a code. Raises GrantEnded when the provider refuses it, MailboxFault when it cannot be asked."""
    return _ask(
        provider,
        timeout,
        lambda client: client.fetch_token(
            provider.token_url,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        ),
        redirect_uri,
    )


def refresh(provider: Provider, refresh_token: str, timeout: timedelta) -> Granted:
    """A new access token (and, where the provider rotates them, a new refresh token). Raises as `exchange` does."""
    return _ask(
        provider,
        timeout,
        lambda client: client.refresh_token(provider.token_url, refresh_token=refresh_token, scope=""),
    )


def _client(provider: Provider, timeout: timedelta) -> OAuth2Client:
    return OAuth2Client(
        client_id=provider.client_id,
        client_secret=provider.client_secret or None,
        token_endpoint_auth_method="client_secret_post" if provider.client_secret else "none",
        scope=provider.scopes,
        code_challenge_method="S256",
        timeout=timeout.total_seconds(),
        trust_env=False,
    )


def _ask(
    provider: Provider, timeout: timedelta, call: Callable[[OAuth2Client], Any], redirect_uri: str = ""
) -> Granted:
    try:
        with _client(provider, timeout) as client:
            told: dict[str, Any] = dict(call(client))
    except OAuthError as error:
        raise _refusal(provider, str(error.error or ""), str(error.description or ""), redirect_uri) from None
    except httpx2.HTTPStatusError as error:
        raise MailboxFault(
            say(
                "the token server of {label} answers {status_code}; it is tried again later",
                label=provider.label,
                status_code=error.response.status_code,
            )
        ) from None
    except httpx2.HTTPError as error:
        raise MailboxFault(
            say(
                "the token server of {label} cannot be reached ({error}); check the network and "
                "GAPBRIDGE_OAUTH_{name}_TOKEN_URL",
                label=provider.label,
                error=type(error).__name__,
                name=provider.name.upper(),
            )
        ) from None
    except (ValueError, TypeError):
        raise MailboxFault(
            say("the token server of {label} sent an answer that cannot be read", label=provider.label)
        ) from None
    if not isinstance(told.get("access_token"), str) or not _plain(told["access_token"]):
        raise MailboxFault(say("the token server of {label} sent no access token", label=provider.label))
    scope, renewed = told.get("scope"), told.get("refresh_token")
    return Granted(
        access_token=told["access_token"],
        refresh_token=renewed if isinstance(renewed, str) and renewed else None,
        lifetime=timedelta(seconds=_seconds(told.get("expires_in"))),
        account=_account(told.get("id_token")),
        scopes=frozenset(scope.split()) if isinstance(scope, str) and scope else None,
    )


def _refusal(provider: Provider, name: str, description: str, redirect_uri: str) -> Exception:
    said = " ".join(f"{name}: {description}".strip(": ").split())[:_LONGEST_TEXT] or "no reason given"
    if redirect_uri and ("redirect" in name or "redirect" in description.casefold() or "AADSTS50011" in description):
        return GrantEnded(f"{said}. Register exactly this redirect address with {provider.label}: {redirect_uri}")
    if name in _ENDED and _LOOP not in description:
        return GrantEnded(said)
    if name in _OURS:
        return MailboxFault(
            say(
                "{label} does not accept this installation's OAuth client ({said}); check "
                "GAPBRIDGE_OAUTH_{name}_CLIENT_ID and its secret, which may have run out",
                label=provider.label,
                said=said,
                name=provider.name.upper(),
            )
        )
    return MailboxFault(
        say("{label} gave no token now ({said}); it is tried again later", label=provider.label, said=said)
    )


def _seconds(value: object) -> int:
    try:
        return max(0, min(int(str(value)), 86_400))
    except ValueError:
        return _LIFETIME_UNTOLD


def _plain(token: str) -> bool:
    """Whether the token may stand in a command to a mail server."""
    return bool(token) and len(token) < 16_384 and all(32 < ord(letter) < 127 for letter in token)


def _account(id_token: object) -> str | None:
    """The address in an id token. It came from the token server itself, by TLS, so its signature adds nothing (OpenID
    Connect Core 3.1.3.7); it is used only to tell people that they have signed in as somebody else.
    """
    try:
        part = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        found = claims.get("email") or claims.get("preferred_username")
    except (IndexError, ValueError, AttributeError):
        return None
    return found.strip().lower() if isinstance(found, str) and "@" in found else None
