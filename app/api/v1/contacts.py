"""Whom to write to at a prospect, and the search of its pages for addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Id, Line, Model, Out
from app.contacts import repository as contact_search
from app.contacts import service as searches
from app.domain.checks import CheckState
from app.domain.contact_rules import How, PageKind, Whose
from app.models import Contact, ContactSearch
from app.prospects import address_check, contacts, repository, service

door = Door("contacts")


class ContactIn(Model):
    """Whom to write to; `source_url` is the page that shows the address."""

    email: Annotated[Line, Field(min_length=3, max_length=254)]
    name: Line | None = None
    role: Line | None = None
    source_url: Annotated[str | None, Field(pattern=r"^https?://[^\s\x00]+$", max_length=2000)] = None


class AddressLineOut(Out):
    """One line about an address; one that fails keeps mail from it and is the name of the refusal."""

    name: str
    state: CheckState
    found: str
    fix: str


class ContactOut(Out):
    """A person or role at a prospect. `address` says what speaks for and against the address itself."""

    id: int
    prospect_id: int
    email: str
    name: str | None
    role: str | None
    is_role_address: bool
    source_url: str | None
    found_by: str | None = Field(
        description=f"How a search found the address: {', '.join(How)}. `by-pattern` is a guess. Null: a person or the API."
    )
    created_by: str
    created_at: datetime
    address: list[AddressLineOut]


def _contact(call: Call, contact: Contact) -> dict[str, Any]:
    return {**contact.model_dump(), "address": address_check.lines(call.uow.session, call.uow.now(), contact.email)}


@door.route("GET", "/prospects/{prospect_id}/contacts", needs="messages:read", answers=list[ContactOut])
def list_contacts(call: Call, prospect_id: Id) -> Any:
    """The contacts of a prospect, people before role addresses."""
    service.get(call.uow, prospect_id)
    return [_contact(call, contact) for contact in repository.contacts_of(call.uow.session, prospect_id)]


@door.route("POST", "/prospects/{prospect_id}/contacts", needs="prospects:write", answers=ContactOut)
def add_contact(call: Call, prospect_id: Id, body: ContactIn) -> Any:
    """Add a contact, or complete the one with this address."""
    made = contacts.add(
        call.uow,
        call.container.vault,
        prospect_id,
        body.email,
        name=body.name,
        role=body.role,
        source_url=body.source_url,
        actor=call.actor,
    )
    return _contact(call, made)


class SearchedPage(Out):
    """One page that was read for contacts; `problem` is null when it could be read."""

    url: str
    kind: PageKind
    status: int | None
    problem: str | None


class FoundAddress(Out):
    """One address that the pages show; `refused` names why it is no contact, null: it was taken."""

    email: str
    name: str | None
    url: str | None
    how: How
    page: PageKind
    whose: Whose
    is_author: bool
    is_role_address: bool
    verified: bool = Field(description="False: guessed by pattern, no page shows it.")
    refused: str | None


class ContactSearchOut(Out):
    """The search for contacts. `due_at` is null when nothing is planned, `searched_at` when it was never done."""

    prospect_id: int
    due_at: datetime | None
    searched_at: datetime | None
    pages: list[SearchedPage]
    found: list[FoundAddress]


@door.route("GET", "/prospects/{prospect_id}/contact-search", needs="prospects:read", answers=ContactSearchOut)
def get_contact_search(call: Call, prospect_id: Id) -> Any:
    """What the latest search for contacts has read and found, with the source of every address."""
    service.get(call.uow, prospect_id)
    return contact_search.of_prospect(call.uow.session, prospect_id) or ContactSearch(prospect_id=prospect_id)


@door.route(
    "POST", "/prospects/{prospect_id}/contact-search", needs="prospects:write", answers=ContactSearchOut, status=202
)
def search_contacts(call: Call, prospect_id: Id) -> Any:
    """Let a worker read the prospect's pages for contacts now; read the search again to see what it found."""
    return searches.request(call.uow, call.container.settings, prospect_id)
