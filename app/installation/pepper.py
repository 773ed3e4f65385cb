"""The key of the suppression hashes: one for the life of an installation, sealed under the keys that rotate.

Were the hashes made with the installation's own key, they would be lost with it, and with them the wish of everybody who was
erased. So they are made with a random key of their own, which is stored sealed: rotation seals it again
(`app.mail.sealed`), and the hashes stay what they are.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.models import SealedSecret

_NAME = "suppression-pepper"
_BOUND_TO = f"sealed_secret:{_NAME}"


def stored(session: Session, vault: Vault) -> bytes | None:
    """The key, or None before there is one. Raises Unavailable when it cannot be opened: then nothing may be sent."""
    statement = select(col(SealedSecret.sealed)).where(col(SealedSecret.name) == _NAME)
    sealed = session.execute(statement).scalar_one_or_none()
    return None if sealed is None else bytes.fromhex(vault.open(sealed, _BOUND_TO))


def make(uow: UnitOfWork, vault: Vault) -> bool:
    """Make the key; False when another process was faster (PostgreSQL waits for its transaction to end)."""
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    sealed = vault.seal(secrets.token_bytes(32).hex(), _BOUND_TO)
    made = uow.session.execute(
        dialect.insert(SealedSecret)
        .values(name=_NAME, sealed=sealed, created_at=uow.now())
        .on_conflict_do_nothing()
        .returning(col(SealedSecret.name))
    ).scalar_one_or_none()
    return made is not None
