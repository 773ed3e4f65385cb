"""Opens a session with an IMAP server: verified TLS, sign-in by password or token, and every fault as one with its fix."""

from __future__ import annotations

import contextlib
import functools
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from app.domain.said import say
from app.domain.texts import in_short
from app.errors import MailboxFault
from app.mail import sasl
from app.models import Security


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where and as whom to read. `timeout` is for each answer of the server; with `bearer` the password is a token."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    timeout: timedelta = timedelta(seconds=30)
    allow_plaintext: bool = False
    bearer: bool = False


class SignInRefused(MailboxFault):
    """The server was reached, and does not accept the user name with this password or token."""


def _trust() -> ssl.SSLContext:
    """The machine's certificates, read once: that takes 30 ms of processor time, more than a whole look into a mailbox."""
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=4)
def _trusting(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


def safe_text(text: str) -> str:
    """`text` unchanged, when it may stand in a command: no CR, LF or NUL, at most 998 bytes. Else raises ValueError."""
    if any(char in text for char in "\r\n\x00") or len(text.encode("utf-8", "replace")) > 998:
        raise ValueError("this text must not be sent to a mail server: it holds a line end or a NUL, or is too long")
    return text


@contextlib.contextmanager
def faults(host: str) -> Iterator[None]:
    """Turn everything that a server, a network or a broken answer can raise into MailboxFault with a fix."""
    try:
        yield
    except LoginError as error:
        raise SignInRefused(
            say(
                "{host} refuses the sign-in ({short}); enter the password (or an app password) of the mailbox again",
                host=host,
                short=in_short(error),
            )
        ) from error
    except ssl.SSLError as error:
        raise MailboxFault(
            say(
                "the TLS certificate or connection of {host} is not valid ({short}); check host, port and security",
                host=host,
                short=in_short(error),
            )
        ) from error
    except (CapabilityError, IMAPClientError) as error:
        raise MailboxFault(
            say("{host} answered an IMAP command with an error: {short}", host=host, short=in_short(error))
        ) from error
    except OSError as error:
        raise MailboxFault(
            say(
                "{host} cannot be reached by IMAP ({short}); check host, port and network",
                host=host,
                short=in_short(error),
            )
        ) from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        # What IMAPClient raises when it cannot read an answer.
        raise MailboxFault(
            say("{host} sent an IMAP answer that cannot be read ({error})", host=host, error=type(error).__name__)
        ) from error


def _bring_token(client: IMAPClient, account: ImapAccount) -> None:
    """AUTHENTICATE with an access token. IMAPClient's own way answers the server's reason with the token once more."""
    offered = [bytes(capability).decode("ascii", "replace") for capability in client.capabilities()]
    found = sasl.mechanism([name[5:] for name in offered if name.upper().startswith("AUTH=")])
    if found is None:
        raise MailboxFault(
            say("{host} offers no sign-in with OAuth (neither XOAUTH2 nor OAUTHBEARER)", host=account.host)
        )
    said: list[str] = []

    def answer(challenge: bytes) -> bytes:
        if not challenge:
            return sasl.first_answer(found, account.username, account.password, account.host, account.port)
        said.append(sasl.reason(challenge.decode("utf-8", "replace"), encoded=False))
        return sasl.last_answer(found)

    try:
        client.sasl_login(found, answer)
    except LoginError as error:
        reason = f"{in_short(error)} {said[0]}".strip() if said else in_short(error)
        raise SignInRefused(
            say("{host} refuses the access token ({reason})", host=account.host, reason=reason)
        ) from None


def connect(account: ImapAccount) -> IMAPClient:
    """Open and sign in, by verified TLS or STARTTLS. Raises MailboxFault with the fix, and SignInRefused."""
    if account.security is Security.NONE and not account.allow_plaintext:
        raise MailboxFault(
            say(
                "{host} is set up without TLS; choose TLS or STARTTLS, or set GAPBRIDGE_MAIL_ALLOW_PLAINTEXT",
                host=account.host,
            )
        )
    seconds = account.timeout.total_seconds()
    client: IMAPClient | None = None
    try:
        with faults(account.host):
            client = IMAPClient(
                account.host,
                port=account.port,
                ssl=account.security is Security.TLS,
                ssl_context=_trust() if account.security is Security.TLS else None,
                timeout=SocketTimeout(connect=min(10.0, seconds), read=seconds),
            )
            # Local times without a zone are of no use here.
            client.normalise_times = False
            if account.security is Security.STARTTLS:
                if not client.has_capability("STARTTLS"):
                    raise MailboxFault(
                        say(
                            "{host} does not offer STARTTLS any more; nothing was sent. Ask its operator, or use TLS",
                            host=account.host,
                        )
                    )
                client.starttls(_trust())
            if account.bearer:
                _bring_token(client, account)
            else:
                client.login(safe_text(account.username), safe_text(account.password))
    except BaseException:
        if client is not None:
            with contextlib.suppress(Exception):
                client.shutdown()
        raise
    return client
