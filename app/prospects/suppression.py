"""Suppression: who must not be written to. The fact is a keyed hash, so it outlives the erasure of the address."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.errors import Skip
from app.keys import registrable_domain
from app.models import Suppression, SuppressionKind

_PURPOSE = "suppression"


def _address_value(email: str) -> str:
    # Providers differ in how they read case and tags; for a do-not-contact fact the widest reading is the safe one.
    local, _, domain = email.strip().lower().rpartition("@")
    return f"address:{local.split('+')[0]}@{domain}"


def _domain_value(email_or_domain: str) -> str:
    host = email_or_domain.rpartition("@")[2].strip().lower()
    return f"domain:{registrable_domain(host) or host}"


def keys_for(vault: Vault, email: str) -> list[str]:
    """Every stored key that would forbid writing to `email` (address and domain, under every accepted key)."""
    return [*vault.keyed_hashes(_PURPOSE, _address_value(email)), *vault.keyed_hashes(_PURPOSE, _domain_value(email))]


def suppress(
    uow: UnitOfWork, vault: Vault, value: str, *, kind: SuppressionKind, reason: str, source: str, actor: str
) -> Suppression:
    """Never write to this address (or to anybody at this domain) again; doing it twice keeps the first."""
    normal = _address_value(value) if kind is SuppressionKind.ADDRESS else _domain_value(value)
    hashes = vault.keyed_hashes(_PURPOSE, normal)
    known: Suppression | None = (
        uow.session.execute(select(Suppression).where(col(Suppression.key).in_(hashes))).scalars().first()
    )
    if known is not None:
        return known
    made = Suppression(
        key=hashes[0],
        kind=kind,
        value=normal.partition(":")[2],
        reason=reason,
        source=source,
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()
    return made


def refusal(session: Session, vault: Vault, email: str) -> Skip | None:
    """Why `email` must not be written to, or None."""
    found: Suppression | None = (
        session.execute(select(Suppression).where(col(Suppression.key).in_(keys_for(vault, email)))).scalars().first()
    )
    if found is None:
        return None
    what = "this address" if found.kind is SuppressionKind.ADDRESS else "everybody at this domain"
    return Skip(
        "suppressed", f"{what} must not be written to: {found.reason} ({found.source}, {found.created_at:%d %b %Y})"
    )
