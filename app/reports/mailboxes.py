"""The mailboxes as the people who look after them see them: health, today's figures, and the DNS of their domains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.checks import CheckState
from app.mail import accounts, resting
from app.models import Mailbox, MailboxDay, SendingDomain, SendingDomainCheck
from app.reports.sql import columns

# From the worst to the best; what could not be looked at is worse than what is fine.
_WORST = (CheckState.FAIL, CheckState.WARN, CheckState.UNKNOWN, CheckState.OK)


@dataclass(frozen=True, slots=True)
class Dns:
    """The records of a sending domain: the worst line's state (None: not looked at yet), and what is wrong by name."""

    domain: str
    state: CheckState | None
    wrong: tuple[str, ...]
    hold_reason: str | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One mailbox. `rests` are the words of its rest while it rests; `used` are the mails of its today; `cap` is today's cap once it has sent, else its daily cap."""

    mailbox: Mailbox
    rests: str | None
    provider: str | None
    used: int
    cap: int
    dns: Dns | None

    @property
    def state(self) -> str:
        """ "off", "rests" (sends nothing), "trouble" (cannot be read) or "works"."""
        if not self.mailbox.active:
            return "off"
        if self.rests is not None:
            return "rests"
        return "trouble" if self.mailbox.poll_error else "works"


def overview(uow: UnitOfWork) -> list[Line]:
    """Every mailbox, by address: four statements, however many there are."""
    mailboxes = accounts.every(uow.session)
    providers = accounts.by_oauth(uow.session)
    now = uow.now()
    # A day is that of the mailbox's zone: with the day before and the day after, every zone is covered.
    days = {
        (row.mailbox_id, row.day): row
        for row in uow.session.execute(
            columns(MailboxDay.mailbox_id, MailboxDay.day, MailboxDay.used, MailboxDay.cap).where(
                col(MailboxDay.day) >= (now - timedelta(days=1)).date()
            )
        )
    }
    dns = _dns(uow) if mailboxes else {}
    found = []
    for mailbox in mailboxes:
        day = days.get((mailbox.id, now.astimezone(ZoneInfo(mailbox.time_zone)).date()))
        domain = mailbox.email.rpartition("@")[2].lower()
        found.append(
            Line(
                mailbox,
                resting.why(mailbox, now),
                providers.get(mailbox.id),
                day.used if day else 0,
                day.cap if day else mailbox.daily_cap,
                dns.get(domain),
            )
        )
    return found


def _dns(uow: UnitOfWork) -> dict[str, Dns]:
    statement = columns(
        SendingDomain.domain,
        SendingDomain.hold_reason,
        SendingDomain.checked_at,
        SendingDomainCheck.name,
        SendingDomainCheck.state,
    ).outerjoin(SendingDomainCheck, col(SendingDomainCheck.sending_domain_id) == col(SendingDomain.id))
    lines: dict[str, list[tuple[str, CheckState]]] = {}
    heads: dict[str, tuple[str | None, datetime | None]] = {}
    for row in uow.session.execute(statement.order_by(col(SendingDomainCheck.position))):
        heads[row.domain] = (row.hold_reason, row.checked_at)
        lines.setdefault(row.domain, [])
        if row.name is not None:
            lines[row.domain].append((row.name, row.state))
    return {
        domain: Dns(
            domain,
            _worst(state for _, state in found),
            tuple(name for name, state in found if state in (CheckState.FAIL, CheckState.WARN)),
            *heads[domain],
        )
        for domain, found in lines.items()
    }


def _worst(states: Iterable[CheckState]) -> CheckState | None:
    found = set(states)
    return next((state for state in _WORST if state in found), None)
