"""Asks the DNS whether a recipients' domain takes mail (the job `mail-domains.check`). Only the DNS: no server is probed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from app.container import Container
from app.deliverability.domain_checks import RESERVED
from app.deliverability.resolver import BadName, DnsDown, Resolver
from app.domain.address_rules import MailHost
from app.domain.said import say
from app.errors import NotFound
from app.models import MailDomain

_AGAIN = timedelta(hours=1)
_LONGEST = timedelta(days=1)


def due(session: Session, now: datetime) -> list[int]:
    """Domains that somebody wants to know of, the longest waiting first."""
    return list(
        session.exec(select(MailDomain.id).where(col(MailDomain.due_at) <= now).order_by(col(MailDomain.due_at)))
    )


def check(container: Container, domain_id: int) -> MailHost:
    """Look a domain up and keep the answer; without one, look again later, at ever longer intervals."""
    with container.db.read() as look:
        row = look.session.get(MailDomain, domain_id)
    if row is None:
        raise NotFound(say("there is no recipients' domain {domain_id}", domain_id=domain_id))
    state, found = look_up(row.domain, Resolver.from_settings(container.settings))
    with container.db.work() as uow:
        kept = uow.session.get_one(MailDomain, domain_id, with_for_update=True, populate_existing=True)
        if state is MailHost.UNKNOWN:
            # A former answer stands until its time is over; only the next look is set.
            kept.tries += 1
            kept.due_at = uow.now() + min(_AGAIN * 2 ** min(kept.tries - 1, 5), _LONGEST)
            if kept.state is MailHost.UNKNOWN:
                kept.found = found
        else:
            kept.state, kept.found, kept.checked_at, kept.tries, kept.due_at = state, found[:500], uow.now(), 0, None
    return state


def look_up(domain: str, resolver: Resolver) -> tuple[MailHost, str]:
    """Whether `domain` takes mail, and what was found. A domain without MX is delivered to by its address (RFC 5321 5.1)."""
    if domain.endswith(RESERVED) and not resolver.is_chosen:
        return MailHost.UNKNOWN, f"{domain} is a name for tests, which the public DNS does not hold"
    try:
        servers = resolver.mx(domain)
        if any(host == "" for _, host in servers):
            return MailHost.NULL_MX, "null MX"
        named = bool(servers)
        # A name or address of the sender's own machine leads to nobody.
        servers = [
            server for server in servers if server[1].lower() != "localhost" and not server[1].startswith("127.")
        ]
        if servers:
            return MailHost.OK, ", ".join(host for _, host in servers[:3])
        if not named and resolver.addresses(domain):
            return MailHost.OK, "no MX; delivered to the address of the domain"
        return MailHost.NONE, "its MX is localhost" if named else "there is neither an MX record nor an address"
    except DnsDown as down:
        return MailHost.UNKNOWN, down.detail
    except BadName as wrong:
        return MailHost.NONE, str(wrong)
