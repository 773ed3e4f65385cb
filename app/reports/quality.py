"""How the work is done: how long replies wait, why prospects were given up, and what receivers made of our mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain import figures
from app.domain.delivery import OutboundState
from app.domain.figures import Share
from app.domain.pipeline import Event, Stage
from app.domain.reputation import Incident
from app.mail.reputation import counts_as_sent
from app.models import (
    Inbound,
    Mailbox,
    MailboxIncident,
    Outbound,
    OutboundKind,
    Prospect,
    StageEvent,
    Triage,
)
from app.reports.outreach import Scope
from app.reports.sql import columns


@dataclass(frozen=True, slots=True)
class ReplyTime:
    """How long their messages waited for our answer, in minutes of the clock on the wall; None without an answer.

    `in_time` counts those that were answered before they were due, which is counted in working hours.
    """

    answered: int
    p50: int | None
    p90: int | None
    in_time: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Reasons with how many prospects, the most frequent first: `skipped` before anything was sent, `lost` after."""

    skipped: list[tuple[str, int]]
    lost: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the mail of a mailbox or, where `mailbox` is None, of a whole sending domain."""

    domain: str
    mailbox: str | None
    bounces: Share
    complaints: Share
    refused: int


def reply_time(uow: UnitOfWork, scope: Scope) -> ReplyTime:
    """Over the answers that were written in the period."""
    statement = (
        columns(Inbound.received_at, Inbound.stored_at, Outbound.created_at, Triage.due_at)
        .select_from(Triage)
        .join(Outbound, col(Outbound.id) == col(Triage.answered_by))
        .join(Inbound, col(Inbound.id) == col(Triage.inbound_id))
        # An answer that was refused or taken out has answered nothing.
        .where(col(Outbound.state).not_in((OutboundState.REJECTED, OutboundState.CANCELLED, OutboundState.NOT_SENT)))
    )
    since = scope.since(uow.now())
    if since is not None:
        statement = statement.where(col(Outbound.created_at) >= since)
    if scope.site_id is not None:
        statement = statement.where(col(Outbound.site_id) == scope.site_id)
    minutes: list[int] = []
    in_time = 0
    for received, stored, answered, due in uow.session.execute(statement):
        minutes.append(max(0, int((answered - (received or stored)).total_seconds() // 60)))
        in_time += due is None or answered <= due
    counts = figures.counted(minutes)
    return ReplyTime(len(minutes), figures.quantile(counts, 0.5), figures.quantile(counts, 0.9), in_time)


def reasons(uow: UnitOfWork, scope: Scope) -> Reasons:
    """Why prospects were given up in the period, as far as they still are."""
    written = col(StageEvent.from_stage).in_([Stage.PITCHED, Stage.FOLLOWED_UP])
    statement: Any = (
        select(written, col(StageEvent.reason), func.count(func.distinct(col(StageEvent.prospect_id))).label("n"))
        .join(Prospect, col(Prospect.id) == col(StageEvent.prospect_id))
        .where(col(StageEvent.event) == Event.GIVE_UP, col(Prospect.stage) == Stage.LOST)
        .group_by(written, col(StageEvent.reason))
    )
    since = scope.since(uow.now())
    if since is not None:
        statement = statement.where(col(StageEvent.at) >= since)
    for column, value in ((col(Prospect.site_id), scope.site_id), (col(Prospect.tier), scope.tier)):
        if value is not None:
            statement = statement.where(column == value)
    found: dict[bool, list[tuple[str, int]]] = {False: [], True: []}
    for after_mail, reason, count in uow.session.execute(statement):
        found[bool(after_mail)].append((reason or "other", int(count)))
    for lines in found.values():
        lines.sort(key=lambda line: (-line[1], line[0]))
    return Reasons(found[False], found[True])


def delivery(uow: UnitOfWork, scope: Scope) -> list[Delivery]:
    """Each sending domain with its mailboxes: what was sent in the period, and what came back of it in the period."""
    since = scope.since(uow.now())
    sent = _by_mailbox(uow, scope, since)
    incidents = _incidents(uow, scope, since)
    addresses = uow.session.execute(columns(Mailbox.id, Mailbox.email).order_by(col(Mailbox.email)))
    domains: dict[str, list[tuple[int, str]]] = {}
    for number, address in addresses:
        if sent.get(number) or any(incidents.get((number, kind)) for kind in Incident):
            domains.setdefault(address.rpartition("@")[2].lower(), []).append((number, address))
    found = []
    for domain, boxes in sorted(domains.items()):
        found.append(_delivery(domain, None, [number for number, _address in boxes], sent, incidents))
        found += [_delivery(domain, address, [number], sent, incidents) for number, address in boxes]
    return found


def _delivery(
    domain: str,
    address: str | None,
    numbers: list[int],
    sent: dict[int, int],
    incidents: dict[tuple[int, Incident], int],
) -> Delivery:
    def of(kind: Incident) -> int:
        return sum(incidents.get((number, kind), 0) for number in numbers)

    n = sum(sent.get(number, 0) for number in numbers)
    # A bounce may come for a mail that left before the period began.
    bounces, complaints = (Share(min(of(kind), n), n) for kind in (Incident.HARD_BOUNCE, Incident.COMPLAINT))
    return Delivery(domain, address, bounces, complaints, of(Incident.POLICY))


def _by_mailbox(uow: UnitOfWork, scope: Scope, since: datetime | None) -> dict[int, int]:
    statement = (
        select(col(Outbound.mailbox_id), func.count())
        .where(counts_as_sent(since), col(Outbound.kind).in_(list(OutboundKind)))
        .group_by(col(Outbound.mailbox_id))
    )
    if scope.site_id is not None:
        statement = statement.where(col(Outbound.site_id) == scope.site_id)
    return {row[0]: int(row[1]) for row in uow.session.execute(statement)}


def _incidents(uow: UnitOfWork, scope: Scope, since: datetime | None) -> dict[tuple[int, Incident], int]:
    statement = select(col(MailboxIncident.mailbox_id), col(MailboxIncident.kind), func.count()).group_by(
        col(MailboxIncident.mailbox_id), col(MailboxIncident.kind)
    )
    if since is not None:
        statement = statement.where(col(MailboxIncident.at) >= since)
    if scope.site_id is not None:
        statement = statement.join(Outbound, col(Outbound.id) == col(MailboxIncident.outbound_id)).where(
            col(Outbound.site_id) == scope.site_id
        )
    return {(row[0], row[1]): int(row[2]) for row in uow.session.execute(statement)}
