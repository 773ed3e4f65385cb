"""Keeps secrets: encrypts credentials bound to their row, signs tokens, and makes the keyed hashes of suppression."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import Unavailable


class Vault:
    """Made of one or more keys: the first one encrypts and signs, all of them are accepted (rotation)."""

    def __init__(self, keys: list[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a vault needs at least one key")
        self._roots = [hashlib.sha256(key.encode()).digest() for key in keys]
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(self._derive(root, "seal"))) for root in self._roots])

    @staticmethod
    def _derive(root: bytes, purpose: str) -> bytes:
        return hmac.digest(root, purpose.encode(), "sha256")

    def seal(self, secret: str, bound_to: str) -> str:
        """Encrypt `secret`; `bound_to` names its row and field, and opening it elsewhere fails."""
        return self._box.encrypt(json.dumps([bound_to, secret]).encode()).decode()

    def open(self, sealed: str, bound_to: str) -> str:
        """The secret. Raises Unavailable when no key fits or when it was moved from another row."""
        try:
            owner, secret = json.loads(self._box.decrypt(sealed.encode()))
        except InvalidToken:
            raise Unavailable(
                "a stored credential cannot be decrypted with GAPBRIDGE_SECRET_KEY; put the former key behind the new one"
            ) from None
        if owner != bound_to:
            raise Unavailable(f"the stored credential of {bound_to} belongs to another row; enter it again")
        return str(secret)

    def keyed_hashes(self, purpose: str, value: str) -> list[str]:
        """The hashes of `value` (64 hex digits) under every key, the present key's first."""
        return [
            hmac.new(self._derive(root, purpose), value.encode(), hashlib.sha256).hexdigest() for root in self._roots
        ]

    def sign(self, purpose: str, value: str, *, length: int = 20) -> str:
        """A token of `length` bytes over `value`, as lower-case base32 without padding (safe in an address)."""
        mac = hmac.digest(self._derive(self._roots[0], purpose), value.encode(), "sha256")[:length]
        return base64.b32encode(mac).decode().rstrip("=").lower()

    def verify(self, purpose: str, value: str, token: str, *, length: int = 20) -> bool:
        """Whether `token` is the signature of `value` under any key; constant time for each."""
        return any(
            hmac.compare_digest(
                base64.b32encode(hmac.digest(self._derive(root, purpose), value.encode(), "sha256")[:length])
                .decode()
                .rstrip("=")
                .lower(),
                token.lower(),
            )
            for root in self._roots
        )
