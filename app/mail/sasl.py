"""The words with which an access token signs in: XOAUTH2 (Google, Microsoft) and OAUTHBEARER (RFC 7628)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

XOAUTH2, OAUTHBEARER = "XOAUTH2", "OAUTHBEARER"


def mechanism(offered: Iterable[str]) -> str | None:
    """XOAUTH2 where it is offered, OAUTHBEARER where only that is, else None. Names count in any case."""
    names = {name.upper() for name in offered}
    return next((name for name in (XOAUTH2, OAUTHBEARER) if name in names), None)


def first_answer(mechanism: str, username: str, token: str, host: str, port: int) -> bytes:
    """What the client says first, before base64. Raises ValueError for a name or token that could carry a command."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in username + token):
        raise ValueError("a user name or token with a control character is sent to no server")
    if mechanism == XOAUTH2:
        return f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
    name = username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01".encode()


def last_answer(mechanism: str) -> bytes:
    """What the client says to the server's reason, after which the server refuses (RFC 7628 3.2.3)."""
    return b"" if mechanism == XOAUTH2 else b"\x01"


def reason(challenge: str, *, encoded: bool = True) -> str:
    """The status in a server's reason (JSON, in base64 on SMTP's wire), or "" when there is none to read."""
    try:
        told = json.loads(base64.b64decode(challenge.strip()) if encoded else challenge)
        return f"status {told['status']}"[:100]
    except (ValueError, KeyError, TypeError):
        return ""
