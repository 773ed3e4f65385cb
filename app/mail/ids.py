"""Makes the ids of a message before anything leaves: Message-ID and the token by which an answer is known."""

from __future__ import annotations

import secrets
from datetime import datetime

from app.db.vault import Vault

_PURPOSE = "mail-token"


def new_ids(vault: Vault, now: datetime, sending_domain: str) -> tuple[str, str]:
    """(Message-ID in angle brackets, token). The token is 120 bits of HMAC over the random part, so it proves itself."""
    # Sortable by time like a UUIDv7: 48 bits of milliseconds, 80 bits of randomness.
    unique = f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"
    token = vault.sign(_PURPOSE, unique, length=15)
    return f"<{unique}.{token}@{sending_domain}>", token


def is_own(vault: Vault, message_id: str) -> bool:
    """Whether `message_id` was made by `new_ids` with one of our keys, whatever a stranger writes."""
    local = message_id.strip("<>").partition("@")[0]
    unique, dot, token = local.partition(".")
    return bool(dot) and vault.verify(_PURPOSE, unique, token, length=15)
