"""Counts what goes wrong with a mailbox's mail and stops the mailbox when it is too much; only a person lets it go on.

Every change is made under the lock of the mailbox's row, so two reports at one moment count as two. Take that lock before
that of a prospect: the sender does so, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState, mailbox_pause
from app.domain.reputation import POLICY_REST, REFUSED_WITHIN, REFUSING_RECIPIENTS, Incident, Limits, Stop, judge
from app.domain.said import say
from app.log import get_logger
from app.mail import resting
from app.models import Mailbox, MailboxIncident, MailboxPause, Outbound, OutboundKind
from app.settings import Settings

log = get_logger("mail")

PAUSES = Counter("gapbridge_mailbox_pauses", "Mailboxes that stopped by themselves, by what was too much.", ["kind"])


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts now: `sends` and incidents since `since` (the window's start, or the last resumption)."""

    since: datetime
    sends: int
    counts: dict[Incident, int]


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    return Limits(
        bounce_rate=settings.bounce_pause_rate,
        complaint_rate=settings.complaint_pause_rate,
        policy_count=settings.policy_pause_count,
        floor=settings.pause_floor,
        window=settings.pause_window,
    )


def lock(session: Session, mailbox_id: int) -> Mailbox:
    """Lock the mailbox's row until the transaction ends, and read it anew."""
    session.flush()  # What was changed but not written yet would be read over.
    return session.get_one(Mailbox, mailbox_id, with_for_update=True, populate_existing=True)


def record(uow: UnitOfWork, settings: Settings, row: Outbound, kind: Incident) -> Stop | None:
    """Count an incident of a message of ours, once, and stop its mailbox when that makes too many. The stop, if it stops now."""
    lock(uow.session, row.mailbox_id)
    insert = sqlite_insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"mailbox_id": row.mailbox_id, "outbound_id": row.id, "kind": kind, "at": uow.now()}
    statement = insert(MailboxIncident).values(**values)
    if kind is Incident.SENDER_REFUSED:
        # The message is tried again, and its last refusal is the one that stands.
        same = [col(MailboxIncident.outbound_id), col(MailboxIncident.kind)]
        uow.session.execute(statement.on_conflict_do_update(index_elements=same, set_={"at": uow.now()}))
    else:
        uow.session.execute(statement.on_conflict_do_nothing())
    return settle(uow, settings, row.mailbox_id)


def refused(uow: UnitOfWork, settings: Settings, row: Outbound, kind: Incident, why: str) -> None:
    """Count a refusal of a message by policy, or of us. The mailbox rests when a second recipient has refused within a day.

    For refusals by policy it rests for an hour, and may stop. For refusals of us, which end by themselves, it rests like after any
    other fault: longer each time.
    """
    record(uow, settings, row, kind)
    mailbox = lock(uow.session, row.mailbox_id)
    # A rest that has run out is none, though its words stand there until the next turn.
    if resting.rests(mailbox, uow.now()):
        return
    recipients, of_us = _refusing(uow, settings, row.mailbox_id)
    if recipients < REFUSING_RECIPIENTS:
        return
    told: dict[str, Any] = {"recipients": REFUSING_RECIPIENTS, "why": why[:400]}
    # By policy: what we write or where it comes from is at fault; of us: who we are, or how often we come.
    reason = (
        say("servers of {recipients} recipients refuse us: {why}", **told)
        if of_us
        else say("servers of {recipients} recipients refuse our mail by policy: {why}", **told)
    )
    rest = POLICY_REST
    if kind is Incident.SENDER_REFUSED:
        mailbox.failures += 1
        rest = mailbox_pause(mailbox.failures)
    resting.begin(mailbox, reason, uow.now() + rest, uow.now())
    uow.session.flush()
    log.warning("mail.mailbox_rests_for_refusals", mailbox_id=mailbox.id, kind=kind.value, reason=reason)


def _refusing(uow: UnitOfWork, settings: Settings, mailbox_id: int) -> tuple[int, bool]:
    """How many different recipients (domains; addresses at public providers) have refused lately, and whether one of them refused us.

    By policy within a day, whatever else was taken. A refusal of us counts until the next mail is taken.
    """
    since = max(standing_of(uow.session, mailbox_id, uow.now(), limits_of(settings)).since, uow.now() - REFUSED_WITHIN)
    taken: datetime | None = uow.session.execute(
        select(func.max(col(Outbound.sent_at))).where(
            col(Outbound.state) == OutboundState.SENT,
            col(Outbound.kind).in_(tuple(OutboundKind)),
            col(Outbound.sent_at) > since,
            col(Outbound.mailbox_id) == mailbox_id,
        )
    ).scalar_one()
    ours = and_(col(MailboxIncident.kind) == Incident.SENDER_REFUSED, col(MailboxIncident.at) > (taken or since))
    recipients, of_us = uow.session.execute(
        select(
            func.count(func.distinct(func.coalesce(col(Outbound.recipient), col(Outbound.to_address)))),
            func.count(case((ours, 1))),
        )
        .join(MailboxIncident, col(MailboxIncident.outbound_id) == col(Outbound.id))
        .where(
            col(MailboxIncident.mailbox_id) == mailbox_id,
            col(MailboxIncident.at) > since,
            or_(col(MailboxIncident.kind) == Incident.POLICY, ours),
        )
    ).one()
    return recipients, of_us > 0


def settle(uow: UnitOfWork, settings: Settings, mailbox_id: int) -> Stop | None:
    """Stop the mailbox if what is counted is too much. Sends count, too: a floor that is reached may be the moment."""
    limits = limits_of(settings)
    standing = standing_of(uow.session, mailbox_id, uow.now(), limits)
    if not standing.counts or open_pause(uow.session, mailbox_id) is not None:
        return None
    stop = judge(standing.counts, standing.sends, limits)
    if stop is None:
        return None
    mailbox = lock(uow.session, mailbox_id)
    uow.session.add(
        MailboxPause(
            mailbox_id=mailbox_id,
            kind=stop.kind,
            reason=stop.sentence,
            incidents=standing.counts[stop.kind],
            sends=standing.sends,
            at=uow.now(),
        )
    )
    resting.begin(mailbox, stop.sentence, None, uow.now())
    uow.session.flush()
    audit.record(uow, "mailbox.stopped", "mailbox", mailbox_id, name=mailbox.email, reason=stop.sentence)
    PAUSES.labels(stop.kind.value).inc()
    log.error("mail.mailbox_stopped", mailbox_id=mailbox_id, kind=stop.kind.value, reason=stop.sentence)
    return stop


def standing_of(session: Session, mailbox_id: int, now: datetime, limits: Limits) -> Standing:
    """What counts against a mailbox at `now`."""
    resumed: datetime | None = session.execute(
        select(func.max(col(MailboxPause.ended_at))).where(col(MailboxPause.mailbox_id) == mailbox_id)
    ).scalar_one()
    since = max(now - limits.window, resumed) if resumed else now - limits.window
    found = session.execute(
        select(col(MailboxIncident.kind), func.count())
        .where(col(MailboxIncident.mailbox_id) == mailbox_id, col(MailboxIncident.at) > since)
        .group_by(col(MailboxIncident.kind))
    ).all()
    counts = {Incident(row[0]): int(row[1]) for row in found}
    sends = 0
    if counts:
        sends = session.execute(
            select(func.count())
            .select_from(Outbound)
            .where(col(Outbound.mailbox_id) == mailbox_id, counts_as_sent(since))
        ).scalar_one()
    return Standing(since, int(sends), counts)


def counts_as_sent(since: datetime | None) -> ColumnElement[bool]:
    """What the shares of bounces and complaints are of: mail that left after `since` (None: ever).

    A message that was refused outright, and of which an incident was kept, was sent as far as its address is concerned.
    """
    left: ColumnElement[bool] = col(Outbound.state) == OutboundState.SENT
    incident = select(col(MailboxIncident.id)).where(col(MailboxIncident.outbound_id) == col(Outbound.id))
    if since is not None:
        left, incident = left & (col(Outbound.sent_at) > since), incident.where(col(MailboxIncident.at) > since)
    return left | ((col(Outbound.state) == OutboundState.REJECTED) & exists(incident))


def open_pause(session: Session, mailbox_id: int) -> MailboxPause | None:
    """The stop that nobody has ended yet."""
    found: MailboxPause | None = session.execute(
        select(MailboxPause).where(col(MailboxPause.mailbox_id) == mailbox_id, col(MailboxPause.ended_at).is_(None))
    ).scalar_one_or_none()
    return found


def end_pause(uow: UnitOfWork, mailbox_id: int, *, actor: str) -> None:
    """A person lets the mailbox go on: what was counted so far counts no more."""
    lock(uow.session, mailbox_id)
    pause = open_pause(uow.session, mailbox_id)
    if pause is not None:
        pause.ended_at, pause.ended_by = uow.now(), actor[:200]
        uow.session.flush()
        log.info("mail.mailbox_resumed", mailbox_id=mailbox_id, kind=pause.kind.value, actor=actor)


def pauses_of(session: Session, mailbox_id: int) -> list[MailboxPause]:
    """Every stop of a mailbox, newest first."""
    statement = select(MailboxPause).where(col(MailboxPause.mailbox_id) == mailbox_id)
    return list(session.execute(statement.order_by(col(MailboxPause.id).desc())).scalars())
