"""What follows from a received message, in the transaction that marks it as done: blocking, suppressing, shifting, noting.

Everything here is safe to do twice, takes the prospect's lock first (the sender takes the same lock inside its commit), and
never writes to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from app.calendars import hours_of, work_days, zone_of
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import HAS_LEFT, KEEP_FOR, NOT_LEFT, OutboundState
from app.domain.inbound import OWN_SIDE, BounceClass, Kind
from app.domain.inbound_auto import CHALLENGE, LEFT, READ_RECEIPT, TICKET
from app.domain.inbound_bounce import BY_WORDS
from app.domain.pacing import next_slot
from app.domain.pipeline import LostReason, Stage
from app.domain.reputation import Incident
from app.domain.said import say
from app.domain.sequence_rules import Absence, Step, due_after
from app.inbox import triage, unanswered
from app.inbox.same_domain import stop_others
from app.jobs import Job
from app.log import get_logger
from app.mail import reputation
from app.models import (
    BlockingEvent,
    Conversation,
    Inbound,
    Mailbox,
    Outbound,
    OutboundKind,
    Prospect,
    RunState,
    SequenceRun,
    SuppressionKind,
)
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.prospects import suppression, working_hours
from app.settings import Settings

log = get_logger("inbox")

ACTOR = "inbox"
SOFT_MEANS_HARD = 3
SOFT_WITHIN = timedelta(days=14)
# A mail that is in the outbox already has waited for its own time.
_AT_ONCE = Step(None, 0)
_AWAY = say("an automatic answer says that they are away")
_TICKET_TAKEN = say("their help desk has taken our mail in, and somebody there may answer")
_CERTAIN = frozenset(
    (
        "token",
        "in-reply-to",
        "references",
        "returned-message",
        "id-in-body",
        "token-in-body",
        "reported-address",
        "by-hand",
    )
)
_PAUSES = frozenset((LEFT, CHALLENGE, OWN_SIDE))
_TOUCH_THE_MAILBOX = (Kind.BOUNCE.value, Kind.COMPLAINT.value, Kind.AUTO_REPLY.value)


def act(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    """Do what `row` (matched, locked after `lock_counted`) asks for. The caller moves its state in the same transaction."""
    if row.prospect_id is None:
        if row.kind in (Kind.REPLY, Kind.OPT_OUT, Kind.COMPLAINT) or row.rule in BY_WORDS:
            _belongs_to_nobody(uow, vault, settings, row)
        _end_pause(uow, row)
        return
    triage.begin(uow, settings, row)
    certain = row.match_kind in _CERTAIN
    _note(uow, row)
    if row.kind == Kind.BOUNCE:
        _bounced(uow, vault, settings, row)
    elif row.kind == Kind.COMPLAINT:
        _complained(uow, vault, settings, row)
    elif row.rule in (LEFT, CHALLENGE):
        # Nobody would read a follow-up; whom to write to instead, a person decides.
        prospects.block(uow, row.prospect_id, Blocking.POSSIBLE_REPLY, inbound_id=row.id, detail=row.rule)
    elif row.kind == Kind.AUTO_REPLY:
        _away(uow, row)
    elif row.kind == Kind.OPT_OUT:
        _opted_out(uow, vault, row, certain=certain)
    elif row.kind == Kind.REPLY:
        kind = Blocking.REPLY if certain else Blocking.POSSIBLE_REPLY
        prospects.block(uow, row.prospect_id, kind, inbound_id=row.id, detail=row.rule)
    elif row.rule == OWN_SIDE:
        # A colleague may hand on what they were told; a person looks, and until then nothing leaves.
        prospects.block(uow, row.prospect_id, Blocking.POSSIBLE_REPLY, inbound_id=row.id, detail=row.rule)
    if row.kind in (Kind.REPLY, Kind.OPT_OUT):
        stop_others(uow, row, Blocking.REPLY if certain else Blocking.POSSIBLE_REPLY)
    conversation = uow.session.get(Conversation, row.conversation_id) if row.conversation_id else None
    if conversation is not None and row.kind in (Kind.REPLY, Kind.OPT_OUT, Kind.AUTO_REPLY):
        conversation.last_message_at = uow.now()
    _end_pause(uow, row)
    _wake(uow, row)


def lock_counted(session: Session, inbound_id: int) -> None:
    """Lock the mailbox against which the message may be counted, or whose waiting mail it moves: before the prospect's row, as
    the sender does, who holds both while it records what became of a mail.
    """
    statement = (
        select(col(Outbound.mailbox_id))
        .join(Inbound, col(Inbound.outbound_id) == col(Outbound.id))
        .where(col(Inbound.id) == inbound_id, col(Inbound.kind).in_(_TOUCH_THE_MAILBOX))
    )
    mailbox_id = session.execute(statement).scalar_one_or_none()
    if mailbox_id is not None:
        reputation.lock(session, mailbox_id)


def paused(session: Session, ids: Iterable[int]) -> set[int]:
    """Of these messages those that pause somebody, as one does that could not be read at first."""
    statement = select(col(BlockingEvent.inbound_id)).where(
        col(BlockingEvent.inbound_id).in_(list(ids)),
        col(BlockingEvent.kind) == Blocking.POSSIBLE_REPLY,
        col(BlockingEvent.cleared_at).is_(None),
    )
    return {inbound_id for inbound_id in session.execute(statement).scalars() if inbound_id is not None}


def _end_pause(uow: UnitOfWork, row: Inbound) -> None:
    """What it has paused while nobody could read it goes on, where it asks for no pause now: it stands in no list."""
    if row.kind in (Kind.REPLY, Kind.OPT_OUT):
        return
    if row.prospect_id is not None and row.rule in _PAUSES:
        return
    for blocking_id in prospects_repository.pauses_of(uow.session, row.id):
        prospects.clear_block(uow, blocking_id, actor=ACTOR)


def _belongs_to_nobody(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    if row.kind not in (Kind.REPLY, Kind.BOUNCE):
        # A reply lies with the unmatched mail, without a clock, until somebody says whose it is.
        triage.begin(uow, settings, row)
    if row.kind == Kind.COMPLAINT or row.rule == "opt-out:feedback-report":
        _reported_without_mark(uow, vault, settings, row)
    elif row.kind == Kind.OPT_OUT and row.from_address:
        # Nothing ties it to a conversation: the wish is honoured for the address that it came from, and no further.
        _suppress(uow, vault, row.from_address, "unsubscribed", row)
    if row.kind in (Kind.OPT_OUT, Kind.REPLY) or row.rule in BY_WORDS:
        # What only reads like a report, from a domain that a conversation is with, may be its postmaster's own letter.
        stop_others(uow, row, Blocking.POSSIBLE_REPLY)


def _note(uow: UnitOfWork, row: Inbound) -> None:
    if row.prospect_id is not None:
        prospects.note(
            uow,
            row.prospect_id,
            "mail_received",
            actor=ACTOR,
            reason=row.kind,
            inbound_id=row.id,
            rule=row.rule,
            match=row.match_kind,
        )


def _wake(uow: UnitOfWork, row: Inbound) -> None:
    """Tell the runs of the conversation, and the outbox where this message proves that an unsure one has arrived."""
    if row.conversation_id is not None:
        runs = select(col(SequenceRun.id)).where(
            col(SequenceRun.conversation_id) == row.conversation_id, col(SequenceRun.state) != RunState.ENDED
        )
        for run_id in uow.session.execute(runs).scalars():
            uow.ring(Job.SEQUENCES_ADVANCE, run_id)
    if row.outbound_id is not None:
        outbound = uow.session.get(Outbound, row.outbound_id)
        if outbound is not None and outbound.state is OutboundState.AMBIGUOUS:
            uow.ring(Job.OUTBOX_RECONCILE, outbound.mailbox_id)


def _suppress(uow: UnitOfWork, vault: Vault, address: str, reason: str, row: Inbound) -> None:
    suppression.suppress(
        uow,
        vault,
        address,
        kind=SuppressionKind.ADDRESS,
        reason=reason,
        source=suppression.reading(row.id, row.rule),
        actor=ACTOR,
    )


def _give_up(uow: UnitOfWork, prospect_id: int, reason: LostReason) -> None:
    if prospects.get(uow, prospect_id).stage not in (Stage.WON, Stage.LOST):
        prospects.give_up(uow, prospect_id, reason, actor=ACTOR)


def _opted_out(uow: UnitOfWork, vault: Vault, row: Inbound, *, certain: bool) -> None:
    assert row.prospect_id is not None  # noqa: S101 - only called for matched rows
    if row.from_address:
        _suppress(uow, vault, row.from_address, "unsubscribed", row)
    if not certain:
        # Anybody can write a From header: without a sign of our own the conversation only pauses.
        prospects.block(uow, row.prospect_id, Blocking.POSSIBLE_REPLY, inbound_id=row.id, detail=row.rule)
        return
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    if outbound is not None:
        _suppress(uow, vault, outbound.to_address, "unsubscribed", row)
    prospects.block(uow, row.prospect_id, Blocking.UNSUBSCRIBE, inbound_id=row.id, detail=row.rule)
    _give_up(uow, row.prospect_id, LostReason.UNSUBSCRIBED)


def _complained(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    assert row.prospect_id is not None  # noqa: S101
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    if outbound is not None:
        _suppress(uow, vault, outbound.to_address, "complained", row)
        reputation.record(uow, settings, outbound, Incident.COMPLAINT)
    prospects.block(uow, row.prospect_id, Blocking.COMPLAINT, inbound_id=row.id, detail=row.rule)
    _give_up(uow, row.prospect_id, LostReason.UNSUBSCRIBED)
    log.error("inbox.complaint", inbound_id=row.id, mailbox_id=row.mailbox_id, prospect_id=row.prospect_id)


def _reported_without_mark(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    """A provider's report that returns nothing of ours and names somebody we have written to, whenever that was.

    Anybody can write such a report, so it ends no conversation and gives nobody up; but nothing more is sent to the address.
    """
    for address in (row.parsed or {}).get("reported") or []:
        newest = uow.session.execute(
            select(Outbound)
            .where(func.lower(col(Outbound.to_address)) == address.lower(), col(Outbound.state).in_(HAS_LEFT))
            .order_by(col(Outbound.mailbox_id) != row.mailbox_id, col(Outbound.id).desc())
            .limit(1)
        ).scalar_one_or_none()
        if newest is None:
            continue
        if row.kind == Kind.COMPLAINT:
            # Before the suppression, which holds the line of senders: they take the mailbox's lock first.
            reputation.record(uow, settings, newest, Incident.COMPLAINT)
            log.error(
                "inbox.complaint", inbound_id=row.id, mailbox_id=newest.mailbox_id, prospect_id=newest.prospect_id
            )
        _suppress(uow, vault, address, "complained" if row.kind == Kind.COMPLAINT else "unsubscribed", row)
        prospects.note(
            uow, newest.prospect_id, "mail_received", actor=ACTOR, reason=row.kind, inbound_id=row.id, rule=row.rule
        )


def _bounced(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    assert row.prospect_id is not None  # noqa: S101
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    classes = _classes(row.bounce, outbound.to_address if outbound is not None else None)
    why = f"{row.rule}: {(row.bounce or {}).get('status') or ''} {(row.bounce or {}).get('diagnostic') or ''}"[:500]
    hard = BounceClass.HARD.value in classes
    if not hard and BounceClass.SOFT.value in classes and outbound is not None:
        hard = _soft_count(uow, outbound.to_address, row) >= SOFT_MEANS_HARD
    if hard and outbound is not None and outbound.kind is OutboundKind.REPLY:
        # Who has written to us is not lost: the address that was answered is bad, and what they wrote waits again.
        _suppress(uow, vault, outbound.to_address, "bounced", row)
        reputation.record(uow, settings, outbound, Incident.HARD_BOUNCE)
        unanswered.comes_back(uow, outbound, why)
    elif hard and outbound is not None and _of_another(row, outbound) and _has_answered(uow, row):
        # Their server forwards to an address that is gone; they themselves have got the mail.
        log.info("inbox.forward_bounced", inbound_id=row.id, prospect_id=row.prospect_id)
    elif hard:
        if outbound is not None:
            _suppress(uow, vault, outbound.to_address, "bounced", row)
            reputation.record(uow, settings, outbound, Incident.HARD_BOUNCE)
        prospects.block(uow, row.prospect_id, Blocking.HARD_BOUNCE, inbound_id=row.id, detail=why)
        _give_up(uow, row.prospect_id, LostReason.BOUNCED)
    elif BounceClass.POLICY.value in classes:
        # The address is good and we are not welcome. Which of our messages it was is known, or it cannot be counted.
        if outbound is not None:
            reputation.refused(uow, settings, outbound, Incident.POLICY, why)
        log.error("inbox.policy_bounce", inbound_id=row.id, mailbox_id=row.mailbox_id)


def _of_another(row: Inbound, outbound: Outbound) -> bool:
    """Whether the report names recipients, and not ours among them."""
    named = {(failure.get("recipient") or "").lower() for failure in (row.bounce or {}).get("failures") or []} - {""}
    return bool(named) and outbound.to_address.lower() not in named


def _has_answered(uow: UnitOfWork, row: Inbound) -> bool:
    """Whether a reply that is certain stands in the conversation of this report."""
    reply = select(col(Inbound.id)).where(
        col(Inbound.conversation_id) == row.conversation_id,
        col(Inbound.kind) == Kind.REPLY.value,
        col(Inbound.match_kind).in_(_CERTAIN),
    )
    return row.conversation_id is not None and uow.session.execute(reply.limit(1)).first() is not None


def _soft_count(uow: UnitOfWork, address: str, row: Inbound) -> int:
    """How many messages to this address have met a soft failure lately, this one included. Refusals of us are none."""
    since: datetime = (row.received_at or row.stored_at) - SOFT_WITHIN
    reports = uow.session.execute(
        select(col(Inbound.outbound_id), col(Inbound.bounce))
        .join(Outbound, col(Outbound.id) == col(Inbound.outbound_id))
        .where(
            func.lower(col(Outbound.to_address)) == address.lower(),
            col(Inbound.kind) == Kind.BOUNCE.value,
            func.coalesce(col(Inbound.received_at), col(Inbound.stored_at)) >= since,
        )
    )
    return len({outbound_id for outbound_id, bounce in reports if BounceClass.SOFT.value in _classes(bounce, address)})


def _classes(bounce: dict[str, Any] | None, address: str | None) -> set[str]:
    """The classes of a report. One message had one recipient: a report that names only others is about that one all the same."""
    failures = (bounce or {}).get("failures") or []
    mine = [failure for failure in failures if (failure.get("recipient") or "").lower() == (address or "").lower()]
    return {str(failure.get("class")) for failure in mine or failures}


def _away(uow: UnitOfWork, row: Inbound) -> None:
    """An absence stops nothing; a follow-up that already waits in the outbox waits until they are back: by the working
    days of the place where they work, as the steps of a sequence do. One that a worker holds is moved, too: the look before
    it leaves may be what has found the note, and its commit looks at the slot again.

    The same for the acknowledgement of a help desk, whose people get time to answer; a read receipt says neither.
    The next step of the sequence reads the absence itself when it computes its due time.
    """
    if row.rule == READ_RECEIPT or row.conversation_id is None:
        return
    session = uow.session
    waits = session.execute(
        select(Outbound).where(
            col(Outbound.conversation_id) == row.conversation_id,
            col(Outbound.kind) == OutboundKind.FOLLOW_UP,
            col(Outbound.state).in_(NOT_LEFT),
        )
    ).scalars()
    for mail in waits.all():
        prospect, mailbox = session.get_one(Prospect, mail.prospect_id), session.get_one(Mailbox, mail.mailbox_id)
        where = working_hours.known(session, prospect, mailbox).place()
        absence = Absence(row.received_at or row.stored_at, row.returns_on)
        days = work_days(where.country)
        until, closes_at = due_after(mail.not_before, _AT_ONCE, zone_of(where.zone), days, [absence]), None
        if mail.hours is not None:
            slot = next_slot(until, hours_of(mail.hours))
            until, closes_at = slot.start, slot.end
        if until <= mail.not_before:
            continue
        session.execute(
            update(Outbound)
            .where(col(Outbound.id) == mail.id, col(Outbound.state).in_(NOT_LEFT))
            .values(
                wanted_at=until,
                not_before=until,
                closes_at=closes_at,
                expires_at=max(mail.expires_at, until + KEEP_FOR),
                hold_reason=_TICKET_TAKEN if row.rule == TICKET else _AWAY,
            )
            .execution_options(synchronize_session=False)
        )


def pause_unreadable(uow: UnitOfWork, row: Inbound, prospect_id: int) -> None:
    """A message that cannot be read or acted on may be a reply: pause what it names until a person has looked."""
    prospects.block(
        uow, prospect_id, Blocking.POSSIBLE_REPLY, inbound_id=row.id, detail="a message that cannot be read"
    )
    row.prospect_id = prospect_id
    _note(uow, row)
    _wake(uow, row)
