"""Keeps secrets: encrypts credentials bound to their row, signs tokens, and makes the keyed hashes of suppression."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.said import say
from app.errors import Unavailable

_FORM = "v2"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Key:
    """`name` tells which key sealed a text without telling the key: 32 bits of a hash of it."""

    root: bytes = field(repr=False)
    name: str

    def derive(self, purpose: str) -> bytes:
        return hmac.digest(self.root, purpose.encode(), "sha256")


def _key(text: str) -> _Key:
    root = hashlib.sha256(text.encode()).digest()
    return _Key(root, hmac.digest(root, b"key-id", "sha256")[:4].hex())


class Vault:
    """Made of one or more keys: the first one encrypts and signs, all of them are accepted (rotation)."""

    def __init__(self, keys: list[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a vault needs at least one key")
        self._keys = list({made.name: made for made in map(_key, keys)}.values())

    @property
    def key_ids(self) -> list[str]:
        """The ids of the accepted keys (8 hex digits each), the present one first."""
        return [key.name for key in self._keys]

    def seal(self, secret: str, bound_to: str) -> str:
        """Encrypt `secret` as `v2.<key id>.<text>`; `bound_to` names its row and field, and opening it elsewhere fails.

        AES-256-GCM; the form, the key's id and `bound_to` are its associated data, so none of them can be exchanged.
        """
        key, nonce = self._keys[0], secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key.derive("seal-2")).encrypt(nonce, secret.encode(), _associated(key.name, bound_to))
        return f"{_FORM}.{key.name}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, bound_to: str) -> str:
        """The secret. Raises Unavailable when no key fits, or when the text is another row's or was changed."""
        name = key_id(sealed)
        if name is None:
            return self._open_first_form(sealed, bound_to)
        key = next((key for key in self._keys if key.name == name), None)
        if key is None:
            raise Unavailable(_no_key(bound_to, f"was encrypted under key {name}", self.key_ids))
        try:
            data = base64.urlsafe_b64decode(sealed.rpartition(".")[2])
            associated = _associated(name, bound_to)
            return AESGCM(key.derive("seal-2")).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], associated).decode()
        except (InvalidTag, ValueError):
            raise Unavailable(
                say(
                    "the stored credential of {bound_to} belongs to another row, or its text was changed; "
                    "enter it again",
                    bound_to=bound_to,
                )
            ) from None

    def _open_first_form(self, sealed: str, bound_to: str) -> str:
        # What versions before the key ids have written: Fernet over [bound_to, secret]. `keys rotate` rewrites it.
        for key in self._keys:
            try:
                owner, secret = json.loads(
                    Fernet(base64.urlsafe_b64encode(key.derive("seal"))).decrypt(sealed.encode())
                )
            except InvalidToken:
                continue
            if owner != bound_to:
                raise Unavailable(
                    say("the stored credential of {bound_to} belongs to another row; enter it again", bound_to=bound_to)
                )
            return str(secret)
        raise Unavailable(_no_key(bound_to, "cannot be decrypted", self.key_ids))

    def keyed_hashes(self, purpose: str, value: str) -> list[str]:
        """The hashes of `value` (64 hex digits) under every key, the present key's first."""
        return [hmac.new(key.derive(purpose), value.encode(), hashlib.sha256).hexdigest() for key in self._keys]

    def sign(self, purpose: str, value: str, *, length: int = 20) -> str:
        """A token of `length` bytes over `value`, as lower-case base32 without padding (safe in an address)."""
        return _token(self._keys[0], purpose, value, length)

    def verify(self, purpose: str, value: str, token: str, *, length: int = 20) -> bool:
        """Whether `token` is the signature of `value` under any key; constant time for each."""
        return any(
            hmac.compare_digest(_token(key, purpose, value, length).encode(), token.lower().encode())
            for key in self._keys
        )


def key_id(sealed: str) -> str | None:
    """The id of the key that a sealed text needs, or None for the first form, which did not tell."""
    form, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if form == _FORM else None


def _associated(name: str, bound_to: str) -> bytes:
    return json.dumps([_FORM, name, bound_to]).encode()


def _token(key: _Key, purpose: str, value: str, length: int) -> str:
    mac = hmac.digest(key.derive(purpose), value.encode(), "sha256")[:length]
    return base64.b32encode(mac).decode().rstrip("=").lower()


def _no_key(bound_to: str, what: str, present: list[str]) -> str:
    return (
        f"the stored credential of {bound_to} {what}, and GAPBRIDGE_SECRET_KEY holds {', '.join(present)}; put the "
        "former key behind the present one (new,former), or enter the credential again"
    )
