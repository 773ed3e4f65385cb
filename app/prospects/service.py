"""Moves prospects through the pipeline, keeps their history, and blocks what must not be followed up."""

from __future__ import annotations

from typing import Any

from app.db.work import UnitOfWork
from app.domain.blocking import ENDS, Blocking
from app.domain.pipeline import Event, Facts, Impossible, LostReason, Stage, next_stage
from app.domain.ranking import rank_key
from app.domain.said import say
from app.errors import Conflict, IllegalTransition, NotFound
from app.log import correlation_id
from app.models import BlockingEvent, Conversation, ConversationState, Prospect, StageEvent
from app.prospects import repository


def get(uow: UnitOfWork, prospect_id: int) -> Prospect:
    """The prospect; raises NotFound."""
    found = uow.session.get(Prospect, prospect_id)
    if found is None:
        raise NotFound(say("there is no prospect {prospect_id}", prospect_id=prospect_id))
    return found


def apply(
    uow: UnitOfWork,
    prospect_id: int,
    event: Event,
    facts: Facts,
    *,
    actor: str,
    reason: str | None = None,
    data: dict[str, Any] | None = None,
) -> StageEvent:
    """Let `event` happen: compare-and-set of the stage and its line of history, in one transaction.

    Raises IllegalTransition when the table or a guard refuses, NotFound, and Conflict when another moved it meanwhile.
    """
    locked = repository.lock(uow.session, prospect_id)
    if locked is None:
        raise NotFound(say("there is no prospect {prospect_id}", prospect_id=prospect_id))
    before, domain = locked
    if event is Event.REOPEN:
        facts = Facts(reason=facts.reason, last_lost_reason=repository.last_lost_reason(uow.session, prospect_id))
    try:
        after = next_stage(before, event, facts)
    except Impossible as refusal:
        raise IllegalTransition(
            say("{domain}: {refusal}", domain=domain, refusal=refusal.sentence), stage=before.value, event=event.value
        ) from None
    if not repository.move(uow.session, prospect_id, before, after, uow.now()):
        raise Conflict(say("{domain} was moved by somebody else at the same moment; look again", domain=domain))
    line = _write(uow, prospect_id, event.value, (before, after), actor=actor, reason=reason or facts.reason, data=data)
    if after in (Stage.WON, Stage.LOST):
        close_conversation(uow, prospect_id)
    return line


def note(
    uow: UnitOfWork, prospect_id: int, event: str, *, actor: str, reason: str | None = None, **data: Any
) -> StageEvent:
    """Write a line of history that moves nothing (approved, skipped, contact added ...)."""
    stage = get(uow, prospect_id).stage
    return _write(uow, prospect_id, event, (stage, stage), actor=actor, reason=reason, data=data)


def _write(
    uow: UnitOfWork,
    prospect_id: int,
    event: str,
    stages: tuple[Stage, Stage],
    *,
    actor: str,
    reason: str | None,
    data: dict[str, Any] | None,
) -> StageEvent:
    line = StageEvent(
        prospect_id=prospect_id,
        event=event,
        from_stage=stages[0],
        to_stage=stages[1],
        actor=actor,
        reason=reason,
        data=data or {},
        correlation_id=correlation_id(),
        at=uow.now(),
    )
    return repository.write(uow.session, line)


def block(
    uow: UnitOfWork, prospect_id: int, kind: Blocking, *, inbound_id: int | None = None, detail: str | None = None
) -> BlockingEvent:
    """Stop what is under way with this prospect; the same message blocks it once, as long as nobody has cleared that.

    The prospect's row is locked first: the sender takes the same lock inside its commit, so either it sees this
    event, or its mail had left before.
    """
    if repository.lock(uow.session, prospect_id) is None:
        raise NotFound(say("there is no prospect {prospect_id}", prospect_id=prospect_id))
    if inbound_id is not None:
        existing = repository.standing_block(uow.session, prospect_id, inbound_id, kind)
        if existing is not None:
            return existing
    if kind is Blocking.REPLY:
        get(uow, prospect_id).snoozed_until = None  # A reply wakes what was put aside.
    made = BlockingEvent(prospect_id=prospect_id, kind=kind, inbound_id=inbound_id, detail=detail, at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    return made


def clear_block(uow: UnitOfWork, blocking_id: int, *, actor: str) -> BlockingEvent:
    """A person says that a possible reply was none; raises Conflict for the kinds that are certain."""
    found = uow.session.get(BlockingEvent, blocking_id)
    if found is None:
        raise NotFound(say("there is no blocking event {blocking_id}", blocking_id=blocking_id))
    if found.kind in ENDS:
        raise Conflict(say("a {value} is certain and cannot be cleared", value=found.kind.value.replace("_", " ")))
    repository.lock(uow.session, found.prospect_id)
    uow.session.refresh(found)
    if found.cleared_at is not None:
        return found
    found.cleared_at, found.cleared_by = uow.now(), actor
    note(uow, found.prospect_id, "block_cleared", actor=actor, kind=found.kind.value)
    return found


def give_up(uow: UnitOfWork, prospect_id: int, reason: LostReason, *, actor: str) -> StageEvent:
    """Move to lost with a reason from the list; whatever still waits in the outbox is stopped."""
    line = apply(uow, prospect_id, Event.GIVE_UP, Facts(reason=reason.value), actor=actor)
    block(uow, prospect_id, Blocking.GIVEN_UP, detail=reason.value)
    return line


def take_back_give_up(uow: UnitOfWork, prospect_id: int, event_id: int, *, actor: str) -> StageEvent:
    """A slip of a person: the prospect, its conversation and what was under way stand as they did before.

    Raises Conflict when anything has happened to the stage since, or another conversation with the domain has begun.
    """
    repository.lock(uow.session, prospect_id)
    prospect = get(uow, prospect_id)
    line = uow.session.get_one(StageEvent, event_id)
    latest = repository.last_move(uow.session, prospect_id)
    if latest != event_id or not repository.move(uow.session, prospect_id, Stage.LOST, line.from_stage, uow.now()):
        raise Conflict(say("{domain} has moved on since; it cannot be taken back", domain=prospect.domain))
    stages = (Stage.LOST, line.from_stage)
    made = _write(uow, prospect_id, "give_up_taken_back", stages, actor=actor, reason=line.reason, data=None)
    if not repository.reopen_conversation(uow.session, prospect_id, line.at):
        raise Conflict(
            say("another conversation with {domain} has begun; it cannot be taken back", domain=prospect.domain)
        )
    for event in repository.blocking_after(uow.session, prospect_id, 0):
        if event.kind is Blocking.GIVEN_UP and event.at >= line.at:
            event.cleared_at, event.cleared_by = uow.now(), actor
    return made


def take_back_reopen(uow: UnitOfWork, prospect_id: int, event_id: int, *, actor: str) -> StageEvent:
    """A slip of a person: the prospect is lost again, as before. Raises Conflict when anything has happened to the stage since."""
    repository.lock(uow.session, prospect_id)
    line = uow.session.get_one(StageEvent, event_id)
    latest = repository.last_move(uow.session, prospect_id)
    if latest != event_id or not repository.move(uow.session, prospect_id, line.to_stage, Stage.LOST, uow.now()):
        domain = get(uow, prospect_id).domain
        raise Conflict(say("{domain} has moved on since; it cannot be taken back", domain=domain))
    stages = (line.to_stage, Stage.LOST)
    return _write(uow, prospect_id, "reopen_taken_back", stages, actor=actor, reason=line.reason, data=None)


def reopen(uow: UnitOfWork, prospect_id: int, reason: str, *, actor: str) -> StageEvent:
    """Back from lost to prospect; refused for ever after an unsubscribe."""
    return apply(uow, prospect_id, Event.REOPEN, Facts(reason=reason), actor=actor)


def close_conversation(uow: UnitOfWork, prospect_id: int) -> Conversation | None:
    """Close the open conversation, so that the domain is free for the next one."""
    found = repository.open_conversation(uow.session, prospect_id)
    if found is not None:
        found.state, found.closed_at = ConversationState.CLOSED, uow.now()
    return found


def rerank(prospect: Prospect, competitors: int) -> None:
    """Compute the rank key again after its parts have changed; `competitors` are those with data."""
    prospect.rank_key = rank_key(
        tier=prospect.tier,
        mention=prospect.mention,
        overlap=prospect.overlap,
        competitors=competitors,
        dofollow=prospect.dofollow,
        percentile=prospect.authority_percentile,
        first_seen=prospect.first_seen,
        winnability=prospect.winnability,
        fit=prospect.fit,
        gate=prospect.gate or prospect.gap_state,
    )
