"""Contacts: whom to write to, each with the source of the address. Addresses are never guessed."""

from __future__ import annotations

from app.addresses import clean_address
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.address_rules import ROLES
from app.errors import Refused
from app.models import Contact
from app.prospects import address_check, repository, service, suppression


def add(
    uow: UnitOfWork,
    vault: Vault,
    prospect_id: int,
    email: str,
    *,
    name: str | None = None,
    role: str | None = None,
    source_url: str | None = None,
    actor: str,
) -> Contact:
    """Add a contact, or complete the one with this address. `source_url` is the page that shows it.

    Raises Refused for an address that must not be written to: there is no reason to keep it (again).
    """
    site_id = service.get(uow, prospect_id).site_id
    address = clean_address(email)
    for known in repository.contacts_of(uow.session, prospect_id):
        if known.email.lower() == address.lower():
            known.name, known.role = known.name or name, known.role or role
            known.source_url = known.source_url or source_url
            return known
    skip = suppression.refusal(uow.session, vault, address, site_id)
    if skip is not None:
        raise Refused(f"{address}: {skip.sentence}", skip)
    contact = Contact(
        prospect_id=prospect_id,
        email=address,
        name=name,
        role=role,
        is_role_address=address.split("@")[0].lower() in ROLES,
        source_url=source_url,
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(contact)
    uow.session.flush()
    address_check.want(uow, address)
    service.note(uow, prospect_id, "contact_added", actor=actor, contact_id=contact.id, source_url=source_url)
    return contact


def best(uow: UnitOfWork, prospect_id: int) -> Contact | None:
    """The contact to write to: a person before a role address, the first found before later ones."""
    return next(iter(repository.contacts_of(uow.session, prospect_id)), None)
