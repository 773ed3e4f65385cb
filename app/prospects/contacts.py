"""Contacts: whom to write to, each with the source of the address. Addresses are never guessed unless a setting says so."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col

from app.addresses import clean_address
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.contact_rules import How, is_role
from app.domain.said import say
from app.errors import BadInput, FieldProblem, Refused
from app.jobs import Job
from app.models import Contact, ContactSearch
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
    found_by: How | None = None,
    actor: str,
) -> Contact:
    """Add a contact, or complete the one with this address. `source_url` is the page that shows it, `found_by` how.

    Raises Refused for an address that must not be written to: there is no reason to keep it (again), and BadInput for a name or
    role that is not one line, which would stand in a header.
    """
    for field, text in (("name", name), ("role", role)):
        if text and not text.isprintable():
            raise BadInput(
                say("The contact cannot be kept."), FieldProblem(field, say("It is one line; remove the line break"))
            )
    site_id = service.get(uow, prospect_id).site_id
    address = clean_address(email)
    for known in repository.contacts_of(uow.session, prospect_id):
        if known.email.lower() == address.lower():
            known.name, known.role = known.name or name, known.role or role
            known.source_url = known.source_url or source_url
            if known.found_by == How.PATTERN and found_by is not How.PATTERN:
                known.found_by = found_by.value if found_by else None  # it was a guess, and was seen or vouched for now
            return known
    skip = suppression.refusal(uow.session, vault, address, site_id)
    if skip is not None:
        raise Refused(say("{address}: {sentence}", address=address, sentence=skip.sentence), skip)
    contact = Contact(
        prospect_id=prospect_id,
        email=address,
        name=name,
        role=role,
        is_role_address=is_role(address.split("@")[0]),
        source_url=source_url,
        found_by=found_by.value if found_by else None,
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


def want_search(uow: UnitOfWork, prospect_id: int) -> None:
    """Let a worker look for contacts, unless it has done so before or a person is known already."""
    known = best(uow, prospect_id)
    if known is not None and not known.is_role_address:
        return
    insert = sqlite_insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"prospect_id": prospect_id, "tries": 0, "due_at": uow.now(), "pages": [], "found": []}
    statement = insert(ContactSearch).values(**values).on_conflict_do_nothing().returning(col(ContactSearch.id))
    if uow.session.execute(statement).first() is not None:
        uow.ring(Job.CONTACTS_FIND, prospect_id)
