"""What follows from a received message, in the transaction that marks it as done: blocking, suppressing, shifting, noting.

Everything here is safe to do twice, takes the prospect's lock first (the sender takes the same lock inside its commit), and
never writes to anybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.inbound import BounceClass, Kind
from app.domain.pipeline import LostReason, Stage
from app.domain.reputation import POLICY_REST, Incident
from app.inbox import triage
from app.inbox.same_domain import stop_others
from app.jobs import Job
from app.log import get_logger
from app.mail import reputation
from app.models import (
    Conversation,
    Inbound,
    Mailbox,
    Outbound,
    OutboundKind,
    RunState,
    SequenceRun,
    SuppressionKind,
)
from app.prospects import service as prospects
from app.prospects import suppression
from app.settings import Settings

log = get_logger("inbox")

ACTOR = "inbox"
SOFT_MEANS_HARD = 3
SOFT_WITHIN = timedelta(days=14)
_AWAY_WITHOUT_DATE = timedelta(days=7)
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


def act(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    """Do what `row` (matched, locked) asks for. The caller moves its state in the same transaction."""
    triage.begin(uow, settings, row)
    certain = row.match_kind in _CERTAIN
    if row.prospect_id is None:
        if row.kind == Kind.OPT_OUT and row.from_address:
            # Nothing ties it to a conversation: the wish is honoured for the address that it came from, and no further.
            _suppress(uow, vault, row.from_address, "unsubscribed", row)
        if row.kind in (Kind.OPT_OUT, Kind.REPLY):
            stop_others(uow, row, Blocking.POSSIBLE_REPLY)
        return
    if row.kind in (Kind.BOUNCE, Kind.COMPLAINT) and row.outbound_id is not None:
        # Before the prospect's row, as the sender does: what is counted against a mailbox is counted under its lock.
        reputation.lock(uow.session, uow.session.get_one(Outbound, row.outbound_id).mailbox_id)
    _note(uow, row)
    if row.kind == Kind.BOUNCE:
        _bounced(uow, vault, settings, row)
    elif row.kind == Kind.COMPLAINT:
        _complained(uow, vault, settings, row)
    elif row.kind == Kind.AUTO_REPLY:
        _away(uow, row)
    elif row.kind == Kind.OPT_OUT:
        _opted_out(uow, vault, row, certain=certain)
    elif row.kind == Kind.REPLY:
        kind = Blocking.REPLY if certain else Blocking.POSSIBLE_REPLY
        prospects.block(uow, row.prospect_id, kind, inbound_id=row.id, detail=row.rule)
    if row.kind in (Kind.REPLY, Kind.OPT_OUT):
        stop_others(uow, row, Blocking.REPLY if certain else Blocking.POSSIBLE_REPLY)
    conversation = uow.session.get(Conversation, row.conversation_id) if row.conversation_id else None
    if conversation is not None and row.kind in (Kind.REPLY, Kind.OPT_OUT, Kind.AUTO_REPLY):
        conversation.last_message_at = uow.now()
    _wake(uow, row)


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
        source=f"message {row.id} ({row.rule})"[:200],
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


def _bounced(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
    assert row.prospect_id is not None  # noqa: S101
    failures = (row.bounce or {}).get("failures") or []
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    ours = outbound.to_address.lower() if outbound is not None else None
    # One message had one recipient; a report that names others (a forward's target, a list) is about that one all the same.
    mine = [failure for failure in failures if (failure.get("recipient") or "").lower() == ours] or failures
    classes = {str(failure.get("class")) for failure in mine}
    why = f"{row.rule}: {(row.bounce or {}).get('status') or ''} {(row.bounce or {}).get('diagnostic') or ''}"[:500]
    hard = BounceClass.HARD.value in classes
    if not hard and BounceClass.SOFT.value in classes and outbound is not None:
        hard = _soft_count(uow, outbound.to_address, row) >= SOFT_MEANS_HARD
    if hard:
        if outbound is not None:
            _suppress(uow, vault, outbound.to_address, "bounced", row)
            reputation.record(uow, settings, outbound, Incident.HARD_BOUNCE)
        prospects.block(uow, row.prospect_id, Blocking.HARD_BOUNCE, inbound_id=row.id, detail=why)
        _give_up(uow, row.prospect_id, LostReason.BOUNCED)
    elif BounceClass.POLICY.value in classes:
        # The address is good and we are not welcome: more of the same would make it worse.
        uow.session.execute(
            update(Mailbox)
            .where(col(Mailbox.id) == row.mailbox_id, col(Mailbox.paused_reason).is_(None))
            .values(
                paused_reason=f"a server refuses our mail by policy: {why}"[:500], paused_until=uow.now() + POLICY_REST
            )
        )
        if outbound is not None:
            reputation.record(uow, settings, outbound, Incident.POLICY)
        log.error("inbox.policy_bounce", inbound_id=row.id, mailbox_id=row.mailbox_id)


def _soft_count(uow: UnitOfWork, address: str, row: Inbound) -> int:
    """How many reports of soft failures this address has had lately, this one included."""
    since: datetime = (row.received_at or row.stored_at) - SOFT_WITHIN
    count = uow.session.execute(
        select(func.count(func.distinct(Inbound.outbound_id)))
        .join(Outbound, col(Outbound.id) == col(Inbound.outbound_id))
        .where(
            func.lower(col(Outbound.to_address)) == address.lower(),
            col(Inbound.kind) == Kind.BOUNCE.value,
            func.coalesce(col(Inbound.received_at), col(Inbound.stored_at)) >= since,
        )
    ).scalar_one()
    return int(count)


def _away(uow: UnitOfWork, row: Inbound) -> None:
    """An absence stops nothing; a follow-up that already waits in the outbox waits until they are back.

    The next step of the sequence reads the absence itself when it computes its due time.
    """
    now = uow.now()
    until = now + _AWAY_WITHOUT_DATE
    if row.returns_on is not None:
        back = datetime.combine(row.returns_on + timedelta(days=1), now.timetz())
        until = back if now < back < now + timedelta(days=60) else until
    if row.conversation_id is not None:
        uow.session.execute(
            update(Outbound)
            .where(
                col(Outbound.conversation_id) == row.conversation_id,
                col(Outbound.kind) == OutboundKind.FOLLOW_UP,
                col(Outbound.state) == OutboundState.QUEUED,
                col(Outbound.not_before) < until,
            )
            .values(
                not_before=until,
                expires_at=func.max(col(Outbound.expires_at), until + timedelta(days=14))
                if uow.session.get_bind().dialect.name == "sqlite"
                else func.greatest(col(Outbound.expires_at), until + timedelta(days=14)),
                hold_reason="an automatic answer says that they are away",
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
