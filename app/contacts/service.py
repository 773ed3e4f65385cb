"""The search for contacts: a prospect's pages are read, and the addresses that are theirs pass through the usual intake.

A search is two transactions with the network between them, as the mention check is: a worker that dies in between leaves a
claim that runs out, and a second run finds the contacts there already.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from app.audit import service as audit
from app.contacts import repository
from app.contacts.reading import Finding, Reading, read_pages
from app.db.vault import Vault
from app.db.work import SYSTEM, Database, UnitOfWork
from app.domain.contact_rules import How, PageKind, Whose, by_pattern
from app.domain.said import say
from app.errors import BadInput, Conflict, Refused
from app.fetch.ports import Fetcher, Reason
from app.jobs import Job
from app.keys import start_page
from app.log import get_logger
from app.models import Contact, ContactSearch
from app.prospects import address_check, contacts
from app.prospects import service as prospects
from app.settings import Settings

log = get_logger("contacts")

ACTOR = "contact-search"
MAX_PEOPLE = 3
MAX_TRIES = 3
_CLAIM = timedelta(minutes=15)
_RETRY = timedelta(hours=1)
_PASSING = frozenset(
    {*(Reason.TIMEOUT, Reason.DNS, Reason.CONNECTION, Reason.TLS, Reason.CRAWL_DELAY, Reason.ROBOTS_UNAVAILABLE)}
    | {"status-429", "status-500", "status-502", "status-503", "status-504"}
)


class Deps(Protocol):
    """The wired dependencies that a search uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def vault(self) -> Vault:
        """The keys by which suppressed addresses are recognised."""


def request(uow: UnitOfWork, settings: Settings, prospect_id: int) -> ContactSearch:
    """Let the pages of a prospect be read for contacts (again), as soon as a worker is free.

    Raises Conflict when the operator has turned the search off.
    """
    prospect = prospects.get(uow, prospect_id)
    if not settings.contact_pages:
        raise Conflict(say("the search for contacts is turned off (GAPBRIDGE_CONTACT_PAGES is 0)"))
    row = repository.of_prospect(uow.session, prospect_id) or ContactSearch(prospect_id=prospect_id)
    row.due_at, row.tries = uow.now(), 0
    uow.session.add(row)
    uow.session.flush()
    uow.ring(Job.CONTACTS_FIND, prospect_id)
    if uow.actor != SYSTEM:
        audit.record(uow, "contacts.asked", "prospect", prospect_id, name=prospect.domain)
    return row


def find(deps: Deps, prospect_id: int) -> list[Contact] | None:
    """Look for contacts if that is due; those that were taken, or None when there was nothing to do.

    Safe to run twice, late, or at the same time by two workers.
    """
    with deps.db.work() as uow:
        if not repository.claim(uow.session, prospect_id, uow.now(), uow.now() + _CLAIM):
            return None
        prospect = prospects.get(uow, prospect_id)
        domain, start = prospect.domain, start_page(prospect.domain, prospect.best_page)
    reading = read_pages(deps.fetcher, domain, start, deps.settings.contact_pages)
    with deps.db.work() as uow:
        taken = _record(uow, deps, prospect_id, domain, reading)
    log.info("contacts.searched", prospect_id=prospect_id, pages=len(reading.pages), taken=len(taken))
    return taken


def _record(uow: UnitOfWork, deps: Deps, prospect_id: int, domain: str, reading: Reading) -> list[Contact]:
    row = repository.of_prospect(uow.session, prospect_id)
    if row is None:  # erased or taken back while we read
        return []
    wanted = [finding for finding in reading.found if not finding.refused]
    people = [finding for finding in wanted if not finding.role_address]
    taken: list[Contact] = []
    for finding in people:
        if len(taken) >= MAX_PEOPLE:
            finding.refused = "enough-people"
        else:
            taken += _take(uow, deps.vault, prospect_id, finding)
    if not taken and deps.settings.contact_guess:
        guess = _guess(domain, reading)
        if guess is not None:
            reading.found.insert(0, guess)
            taken += _take(uow, deps.vault, prospect_id, guess)
    fallback = not taken or all(contact.found_by == How.PATTERN for contact in taken)
    for finding in wanted:
        if finding.role_address and fallback:
            roles = _take(uow, deps.vault, prospect_id, finding)
            taken += roles
            fallback = not roles
        elif finding.role_address:
            finding.refused = "not-needed"
    row.pages, row.found = reading.pages, [_as_row(finding) for finding in reading.found]
    row.searched_at = uow.now()
    _reschedule(uow, row, taken)
    uow.session.flush()
    return taken


def _take(uow: UnitOfWork, vault: Vault, prospect_id: int, finding: Finding) -> list[Contact]:
    """The contact, through the checks that every address passes; [] with the refusal on the finding."""
    refusal = address_check.refusal(uow.session, uow.now(), finding.email)
    if refusal is not None:
        finding.refused = refusal.reason
        return []
    try:
        with uow.session.begin_nested():
            made = contacts.add(
                uow,
                vault,
                prospect_id,
                finding.email,
                name=finding.name or None,
                role="author" if finding.author else None,
                source_url=finding.url or None,
                found_by=finding.how,
                actor=ACTOR,
            )
    except BadInput:
        finding.refused = "syntax"
    except Refused as error:
        finding.refused = error.skips[0].reason if error.skips else "refused"
    else:
        return [made]
    return []


def _guess(domain: str, reading: Reading) -> Finding | None:
    known = [(finding.name, finding.email) for finding in reading.found if finding.name]
    for name in reading.authors:
        email = by_pattern(name, domain, known)
        if email is not None:
            return Finding(email, name, "", How.PATTERN, PageKind.LINKING, Whose.OWN, True, False)
    return None


def _reschedule(uow: UnitOfWork, row: ContactSearch, taken: list[Contact]) -> None:
    first = row.pages[0]["problem"] if row.pages else None
    if not taken and first in _PASSING and row.tries < MAX_TRIES:
        row.due_at = uow.now() + _RETRY * 4 ** (row.tries - 1)
    else:
        row.due_at, row.tries = None, 0


def _as_row(finding: Finding) -> dict[str, Any]:
    return {
        "email": finding.email,
        "name": finding.name or None,
        "url": finding.url or None,
        "how": finding.how.value,
        "page": finding.page.value,
        "whose": finding.whose.value,
        "is_author": finding.author,
        "is_role_address": finding.role_address,
        "verified": finding.how is not How.PATTERN,
        "refused": finding.refused or None,
    }
