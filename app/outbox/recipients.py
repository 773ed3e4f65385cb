"""Whom a mail goes to, as caps and conversations count: the domain that they share, and the slots of their hours.

The caps count a company by its registrable domain. At a public mail provider two addresses are two people who know nothing of
each other, so each counts for itself; what is stored of it is a keyed hash.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app.calendars import hours_of
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.pacing import Slot, next_slot
from app.domain.public_providers import is_public
from app.installation import pepper
from app.keys import registrable_domain
from app.models import Contact, Conversation
from app.prospects import suppression

_PURPOSE = "recipient"


def recipient_key(uow: UnitOfWork, vault: Vault, address: str) -> str:
    """What the cap for recipients counts `address` by: its registrable domain, or a keyed hash at a public mail provider.

    The hash is made with the installation's lasting key (app.installation.pepper), so that it outlives a rotation of the vault's.
    """
    domain = _domain_of(address)
    if not is_public(domain):
        return domain
    suppression.lasting_keys(uow, vault)
    return recipient_keys(uow.session, vault, address)[0]


def recipient_keys(session: Session, vault: Vault, address: str) -> list[str]:
    """`recipient_key`, and what former versions have stored in its place, under every key that the vault accepts."""
    domain = _domain_of(address)
    if not is_public(domain):
        return [domain]
    written = address.strip().lower()
    key = pepper.stored(session, vault)
    lasting = [pepper.keyed(key, f"{_PURPOSE}:{written}")] if key is not None else []
    # The domain itself: a provider that was not known as one when the conversation began.
    return [*(f"{made}@{domain}" for made in (*lasting, *vault.keyed_hashes(_PURPOSE, written))), domain]


def rewrite_keys(uow: UnitOfWork, vault: Vault) -> int:
    """Give conversations that former versions have stored the lasting key of their recipient; how many there were."""
    found = uow.session.execute(
        select(col(Conversation.id), col(Conversation.recipient), col(Contact.email))
        .join(Contact, col(Contact.id) == col(Conversation.contact_id))
        .where(col(Conversation.recipient).contains("@"))
    ).all()
    changed = 0
    for conversation_id, stored, email in found:
        former = recipient_keys(uow.session, vault, email)
        if stored not in former:
            # The contact was changed since, and its own key is not known any more.
            continue
        key = recipient_key(uow, vault, email)
        if stored == key:
            continue
        mine = update(Conversation).where(col(Conversation.id) == conversation_id)
        try:
            with uow.session.begin_nested():
                uow.session.execute(mine.values(recipient=key))
        except IntegrityError:
            # Two are open with one person already; the newer keeps the key, and no third begins.
            continue
        changed += 1
    return changed


def _domain_of(address: str) -> str:
    host = address.rpartition("@")[2].strip().lower()
    return registrable_domain(host) or host


def slot(key: str, moment: datetime) -> Slot:
    """The first slot of the hours behind `key` from `moment` on."""
    return next_slot(moment, hours_of(key))
