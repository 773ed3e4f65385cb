"""May this address be written to, apart from what its owner wishes? Each line has a name, and refusals have a reason.

What the address says by itself is judged each time; what the DNS says of its domain is stored once for all its addresses
(`mail_domain`) and asked for by a job, so that nothing here waits for the network. No server is asked about a person.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from disposable_email_domains import blocklist
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from app.addresses import clean_address
from app.db.work import UnitOfWork
from app.domain.address_rules import MailHost, is_machine, meant
from app.domain.checks import Check, CheckState
from app.domain.contact_rules import is_role
from app.domain.said import say
from app.errors import BadInput, Skip
from app.jobs import Job
from app.models import MailDomain

# How long an answer of the DNS is believed. A domain without mail may have been mended tomorrow.
TTL = {MailHost.OK: timedelta(days=7), MailHost.NONE: timedelta(days=1), MailHost.NULL_MX: timedelta(days=7)}

_NO_MAIL = {
    MailHost.NONE: ("no-mail-server", "the domain {domain} takes no mail: {found}"),
    MailHost.NULL_MX: ("null-mx", "the domain {domain} says that it takes no mail (null MX, RFC 7505)"),
}


def lines(session: Session, now: datetime, email: str) -> list[Check]:
    """Every line about an address; the names of those that fail are the names of their refusals."""
    return _lines_of(session, now, [email])[email]


def _lines_of(session: Session, now: datetime, emails: Collection[str]) -> dict[str, list[Check]]:
    """The lines about each of `emails`; what is stored of their domains costs one statement."""
    found: dict[str, list[Check]] = {}
    clean: dict[str, str] = {}
    for email in emails:
        try:
            clean[email] = clean_address(email)
        except BadInput as wrong:
            why = "; ".join(problem.problem for problem in wrong.problems)
            found[email] = [
                Check(
                    "syntax",
                    CheckState.FAIL,
                    say("{email} cannot be written to: {why}", email=email, why=why),
                    say("Correct the address."),
                )
            ]
    wanted = {address.rpartition("@")[2] for address in clean.values()}
    rows = session.exec(select(MailDomain).where(col(MailDomain.domain).in_(wanted))) if wanted else ()
    known = {row.domain: row for row in rows}
    for email, address in clean.items():
        local, _, domain = address.rpartition("@")
        found[email] = [*_by_itself(local, domain), _by_dns(now, domain, known.get(domain))]
    return found


def _by_itself(local: str, domain: str) -> list[Check]:
    found: list[Check] = []
    if is_machine(local):
        said = f"{local}@ is read by nobody who could answer a pitch"
        found.append(Check("machine-address", CheckState.FAIL, said, say("Find the editor's own address.")))
    elif is_role(local):
        found.append(Check("role-address", CheckState.WARN, say("{local}@ is a role and not a person", local=local)))
    if not blocklist.isdisjoint(_with_parents(domain)):
        said = f"{domain} gives out addresses that are thrown away"
        found.append(Check("disposable-address", CheckState.FAIL, said, say("Find an address at their own domain.")))
    guess = meant(domain)
    if guess is not None:
        found.append(
            Check(
                "typo",
                CheckState.WARN,
                say("{domain} looks mistyped", domain=domain),
                say("Was {local}@{guess} meant?", local=local, guess=guess),
            )
        )
    return found


def _with_parents(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(len(labels) - 1)]


def _by_dns(now: datetime, domain: str, row: MailDomain | None) -> Check:
    if row is None or row.checked_at is None or not _holds(row, now):
        return Check(
            "mail-server", CheckState.UNKNOWN, say("{domain} was not looked up yet, or could not be", domain=domain)
        )
    if row.state in _NO_MAIL:
        name, said = _NO_MAIL[row.state]
        text = said.format(domain=domain, found=row.found)
        return Check(name, CheckState.FAIL, text, say("Check the address for a typo, or find another."))
    return Check("mail-server", CheckState.OK, row.found)


def _holds(row: MailDomain, now: datetime) -> bool:
    return row.state in TTL and row.checked_at is not None and now < row.checked_at + TTL[row.state]


def refusal(session: Session, now: datetime, email: str) -> Skip | None:
    """Why nothing may be sent to `email`, or None. What is unknown refuses nothing."""
    return refusals(session, now, [email]).get(email)


def refusals(session: Session, now: datetime, emails: Collection[str]) -> dict[str, Skip]:
    """`refusal` of each address that has one, in one statement."""
    found: dict[str, Skip] = {}
    for email, said in _lines_of(session, now, emails).items():
        failed = next((line for line in said if line.state is CheckState.FAIL), None)
        if failed is not None:
            found[email] = Skip(failed.name, say("{found}. {fix}", found=failed.found, fix=failed.fix))
    return found


def want(uow: UnitOfWork, email: str) -> None:
    """See that the domain of `email` is looked up, unless a fresh answer is there."""
    domain = email.rpartition("@")[2].lower()
    insert = sqlite_insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"domain": domain, "state": MailHost.UNKNOWN, "found": "", "tries": 0, "due_at": uow.now()}
    uow.session.execute(insert(MailDomain).values(**values).on_conflict_do_nothing())
    row = uow.session.exec(select(MailDomain).where(col(MailDomain.domain) == domain)).one()
    if row.due_at is None and not _holds(row, uow.now()):
        row.due_at = uow.now()
    if row.due_at is not None and row.due_at <= uow.now():
        uow.ring(Job.MAIL_DOMAINS_CHECK, row.id)
