"""The key of the suppression hashes: one for the life of an installation, sealed under the keys that rotate.

Were the hashes made with the installation's own key, they would be lost with it, and with them the wish of everybody who was
erased. So they are made with a random key of their own, which is stored sealed: rotation seals it again
(`app.mail.sealed`), and the hashes stay what they are.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.models import SealedSecret, Suppression, SuppressionKind

NAME = "suppression-pepper"
_BOUND_TO = f"sealed_secret:{NAME}"


def scope(kind: SuppressionKind, value: str, site_id: int | None) -> str:
    """What the hash of a rule is made of."""
    return f"{kind.value}:{value}" if site_id is None else f"site:{site_id}:{kind.value}:{value}"


def keyed(key: bytes, text: str) -> str:
    """The hash of `text` under the key."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def stored(session: Session, vault: Vault) -> bytes | None:
    """The key, or None before there is one. Raises Unavailable when it cannot be opened: then nothing may be sent."""
    statement = select(col(SealedSecret.sealed)).where(col(SealedSecret.name) == NAME)
    sealed = session.execute(statement).scalar_one_or_none()
    return None if sealed is None else opened(vault, sealed)


def opened(vault: Vault, sealed: str) -> bytes:
    """The key in its sealed form. Raises Unavailable when it cannot be opened."""
    return bytes.fromhex(vault.open(sealed, _BOUND_TO))


def make(uow: UnitOfWork, vault: Vault) -> bool:
    """Make the key; False when another process was faster (PostgreSQL waits for its transaction to end)."""
    return _store(uow, vault.seal(secrets.token_bytes(32).hex(), _BOUND_TO))


def take_over(uow: UnitOfWork, vault: Vault, sealed: str) -> None:
    """Take the key of former data, where this has none yet; every rule that can be made anew is hashed with it."""
    key = opened(vault, sealed)
    if not _store(uow, sealed):
        return
    for row in uow.session.execute(select(Suppression).where(col(Suppression.value).is_not(None))).scalars():
        row.key = keyed(key, scope(row.kind, row.value or "", row.site_id))
    uow.session.flush()


def _store(uow: UnitOfWork, sealed: str) -> bool:
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    made = uow.session.execute(
        dialect.insert(SealedSecret)
        .values(name=NAME, sealed=sealed, created_at=uow.now())
        .on_conflict_do_nothing()
        .returning(col(SealedSecret.name))
    ).scalar_one_or_none()
    return made is not None
