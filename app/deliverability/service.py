"""Looks at the sending domains, keeps what was found, and says which of them may not begin new conversations now.

A failing line holds new pitches and nothing else: an answer that is owed to a person, or the next word in a conversation that
runs, does more good than the DNS does harm. An operator may override single checks; who did it and why stays with the domain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Counter, Gauge
from sqlmodel import Session

from app.audit import service as audit
from app.container import Container
from app.db.work import UnitOfWork
from app.deliverability import repository
from app.deliverability.domain_checks import check_domain
from app.deliverability.resolver import Resolver
from app.deliverability.subjects import Subject, Submission
from app.domain.checks import Check, CheckState
from app.domain.mail_dns import is_selector, selectors_in
from app.domain.said import cut, joined, say
from app.errors import BadInput, FieldProblem, NotFound, Skip
from app.jobs import Job
from app.log import get_logger
from app.mail import tls
from app.models import SendingDomain, SendingDomainCheck
from app.settings import Settings

log = get_logger("deliverability")

LOOKS = Counter("gapbridge_domain_checks", "Lines of the checks of sending domains, by verdict.", ["name", "state"])
HELD = Gauge("gapbridge_domains_held", "Whether new pitches of a sending domain are held.", ["domain"])
# When the DNS could not be asked, the next look does not wait for a day.
_AGAIN_AFTER_TROUBLE = timedelta(hours=1)
_MOST_SELECTORS = 10


def get(session: Session, domain: str) -> SendingDomain:
    """The sending domain; raises NotFound."""
    found = repository.find(session, domain.strip().rstrip(".").lower())
    if found is None:
        raise NotFound(
            say(
                "no mailbox sends from {domain}; `gapbridge domain list` shows the domains that there are",
                domain=domain,
            )
        )
    return found


def check(container: Container, domain_id: int) -> list[SendingDomainCheck]:
    """Look at a sending domain now (the job `domains.check`) and keep the lines; returns them. Safe to run at any time.

    What could not be asked keeps its former verdict with the trouble beside it: silence neither condemns nor acquits.
    """
    with container.db.read() as look:
        row = look.session.get(SendingDomain, domain_id)
        if row is None:
            raise NotFound(say("there is no sending domain {domain_id}", domain_id=domain_id))
        subject = _subject(look.session, row)
    found = check_domain(subject, Resolver.from_settings(container.settings), _probe(container.settings))
    for line in found:
        LOOKS.labels(line.name, line.state.value).inc()
    with container.db.work() as uow:
        locked = uow.session.get(SendingDomain, domain_id, with_for_update=True, populate_existing=True)
        if locked is None:
            return []
        lines = _merged(repository.lines_of(uow.session, domain_id), found, domain_id, uow.now())
        repository.replace_lines(uow.session, domain_id, lines)
        trouble = any(line.transient for line in found)
        locked.checked_at = uow.now()
        locked.due_at = uow.now() + (_AGAIN_AFTER_TROUBLE if trouble else container.settings.domain_check_interval)
        _settle(uow, locked, lines)
        return lines


def _subject(session: Session, row: SendingDomain) -> Subject:
    servers = [
        Submission(mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security)
        for mailbox in repository.mailboxes_of(session, row.domain)
    ]
    learned = [name for raw in repository.own_copies(session, row.domain) for name in selectors_in(raw, row.domain)]
    return Subject(
        row.domain, tuple(dict.fromkeys(servers)), tuple(row.selectors), tuple(dict.fromkeys(learned))[:_MOST_SELECTORS]
    )


def _probe(settings: Settings):  # type: ignore[no-untyped-def]
    return lambda server: tls.fault_of(server.host, server.port, server.security, settings.dns_timeout)


def _merged(
    former: Sequence[SendingDomainCheck], found: Sequence[Check], domain_id: int, now: datetime
) -> list[SendingDomainCheck]:
    lines: list[SendingDomainCheck] = []

    def put(name: str, state: CheckState, said: str, fix: str, trouble: str | None, at: datetime) -> None:
        lines.append(
            SendingDomainCheck(
                sending_domain_id=domain_id,
                position=len(lines),
                name=name,
                state=state,
                found=said,
                fix=fix,
                trouble=trouble,
                checked_at=at,
            )
        )

    groups = dict.fromkeys(_group(line.name) for line in found)
    for group in groups:
        new = [line for line in found if _group(line.name) == group]
        trouble = next((line.found for line in new if line.transient), None)
        known = [line for line in former if _group(line.name) == group and line.state is not CheckState.UNKNOWN]
        if trouble is not None and known:
            for line in known:
                put(line.name, line.state, line.found, line.fix, trouble, line.checked_at)
            continue
        for fresh in new:
            put(fresh.name, fresh.state, fresh.found, fresh.fix, trouble, now)
    return lines


def _group(name: str) -> str:
    return name.partition("-")[0]


def _settle(uow: UnitOfWork, row: SendingDomain, lines: Sequence[SendingDomainCheck]) -> None:
    """Hold or free the domain by its lines and its override."""
    failing = [line for line in lines if line.state is CheckState.FAIL and line.name not in row.override_checks]
    reason = None
    if failing:
        said = [say("{check}: {found}", check=line.name, found=cut(line.found, 300)) for line in failing]
        reason = say(
            "the domain {domain} fails its checks, and new pitches wait until it is mended. {found}",
            domain=row.domain,
            found=joined(said),
        )
    HELD.labels(row.domain).set(1 if reason else 0)
    if bool(reason) != bool(row.hold_reason):
        (log.error if reason else log.info)(
            "deliverability.held" if reason else "deliverability.freed",
            domain=row.domain,
            checks=[line.name for line in failing],
        )
    row.hold_reason = reason
    if reason is None:
        for mailbox in repository.mailboxes_of(uow.session, row.domain):
            uow.ring(Job.OUTBOX_DELIVER, mailbox.id)


def hold_of(session: Session, email: str) -> Skip | None:
    """Why a mailbox may not begin a new conversation now, or None."""
    return holds_of(session, [email]).get(email)


def holds_of(session: Session, emails: Collection[str]) -> dict[str, Skip]:
    """`hold_of` of each mailbox that has one, in one statement."""
    domains = {email: email.rpartition("@")[2].lower() for email in emails}
    held = repository.held(session, set(domains.values()))
    return {email: Skip("sending-domain", held[domain]) for email, domain in domains.items() if domain in held}


def override(uow: UnitOfWork, domain: str, *, reason: str, actor: str, checks: Sequence[str] = ()) -> SendingDomain:
    """Let new pitches leave although these checks fail (none named: those that fail now); a later fault of another holds again.

    Raises BadInput without a reason or for a check that the domain does not have, NotFound.
    """
    row = _locked(uow, domain)
    lines = repository.lines_of(uow.session, row.id)
    wanted = list(dict.fromkeys(checks)) or sorted({line.name for line in lines if line.state is CheckState.FAIL})
    problems = [] if reason.strip() else [FieldProblem("reason", say("say why; it stays with the domain"))]
    unknown = sorted(set(wanted) - {line.name for line in lines})
    if unknown:
        problems.append(
            FieldProblem(
                "checks",
                say("{names}: no such line; there are {names_2}", names=", ".join(unknown), names_2=_names(lines)),
            )
        )
    elif not wanted:
        problems.append(
            FieldProblem(
                "checks", say("no check of {domain} fails, so there is nothing to override", domain=row.domain)
            )
        )
    if problems:
        raise BadInput(say("The override cannot be kept."), *problems)
    row.override_checks, row.override_reason = wanted, reason.strip()[:500]
    row.override_by, row.override_at = actor[:200], uow.now()
    log.warning("deliverability.overridden", domain=row.domain, checks=wanted, reason=row.override_reason, actor=actor)
    _settle(uow, row, lines)
    _note(uow, "domain.overridden", row, after={"checks": wanted}, reason=row.override_reason, actor=actor)
    return row


def lift(uow: UnitOfWork, domain: str, *, actor: str) -> SendingDomain:
    """Take an override back; what fails holds again at once."""
    row = _locked(uow, domain)
    row.override_checks, row.override_reason, row.override_by, row.override_at = [], None, None, None
    log.info("deliverability.override_lifted", domain=row.domain, actor=actor)
    _note(uow, "domain.override_lifted", row, actor=actor)
    _settle(uow, row, repository.lines_of(uow.session, row.id))
    return row


def name_selectors(uow: UnitOfWork, domain: str, selectors: Sequence[str]) -> SendingDomain:
    """Say under which DKIM selectors the domain's mail is signed; the next look is due at once. Raises BadInput."""
    row = _locked(uow, domain)
    wrong = [selector for selector in selectors if not is_selector(selector)]
    if wrong or len(selectors) > _MOST_SELECTORS:
        problem = f"'{wrong[0][:60]}' is no selector" if wrong else f"at most {_MOST_SELECTORS}"
        raise BadInput(say("The selectors cannot be kept."), FieldProblem("selectors", problem))
    before, row.selectors = row.selectors, list(dict.fromkeys(selector.lower() for selector in selectors))
    _note(uow, "domain.selectors_named", row, before={"selectors": before}, after={"selectors": row.selectors})
    return look_again(uow, row)


def look_again(uow: UnitOfWork, row: SendingDomain) -> SendingDomain:
    """Make the next look due now."""
    row.due_at = uow.now()
    uow.ring(Job.DOMAINS_CHECK, row.id)
    return row


def _note(uow: UnitOfWork, verb: str, row: SendingDomain, **told: Any) -> None:
    audit.record(uow, verb, "domain", row.id, name=row.domain, **told)


def _locked(uow: UnitOfWork, domain: str) -> SendingDomain:
    row = get(uow.session, domain)
    uow.session.refresh(row, with_for_update=True)
    return row


def _names(lines: Sequence[SendingDomainCheck]) -> str:
    return ", ".join(dict.fromkeys(line.name for line in lines)) or "none yet"
