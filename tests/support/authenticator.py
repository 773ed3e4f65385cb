"""A device that holds one passkey, by the text of WebAuthn (level 2, 6.1 and 6.5) and without the library that the application uses."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """Answers from pages at `origin`. `counter` counts its uses where it is not None; `verifies` is False for a key without a PIN."""

    origin: str
    counter: int | None = None
    verifies: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    host: str = ""

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str) -> str:
        """The answer to `PublicKeyCredentialCreationOptionsJSON`."""
        asked = json.loads(options)
        self.handle, self.host = decoded(asked["user"]["id"]), asked["rp"]["id"]
        numbers = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(key)
        data = self._data(_ATTESTED) + credential
        return self._json(
            clientDataJSON=self._client("webauthn.create", asked["challenge"]),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def use(self, options: str) -> str:
        """The answer to `PublicKeyCredentialRequestOptionsJSON`."""
        if self.counter is not None:
            self.counter += 1
        client, data = self._client("webauthn.get", json.loads(options)["challenge"]), self._data(0)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._json(clientDataJSON=client, authenticatorData=data, signature=signed, userHandle=self.handle)

    def _data(self, more: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.counter or 0)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _json(self, **response: Any) -> str:
        return json.dumps(
            {
                "id": encoded(self.id),
                "rawId": encoded(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {name: encoded(value) for name, value in response.items()},
            }
        )
