"""What a person does at the queue, each verb one transaction: take the next item, decide about it, take the decision back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.delivery import NOT_LEFT, OutboundState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Event, Facts, LostReason, Stage
from app.domain.said import say, stored
from app.errors import BadInput, Conflict, FieldProblem, GapbridgeError, Refused
from app.mentions import service as mentions
from app.models import (
    Decision,
    DecisionKind,
    KeptText,
    Outbound,
    OutboundKind,
    Pitch,
    Prospect,
    SequenceRun,
    StageEvent,
)
from app.outbox import service as outbox
from app.pitches import repository as pitch_repository
from app.pitches import service as pitches
from app.prospects import leases
from app.prospects import service as prospects
from app.reports import inbox, sequences
from app.reports.prospects import Lane, queue
from app.settings import Settings
from app.team import preferences

# How many decisions back a person can go.
UNDO_DEPTH = 20
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides: the user's id, the caller that holds leases, the name in the history, and the name for colleagues."""

    id: int
    caller: str
    actor: str
    name: str


class Work(StrEnum):
    """What a person is led to first: a message, follow-ups that stand still, or a prospect of the queue."""

    REPLY = "reply"
    PAUSED = "paused"
    PROSPECT = "prospect"


@dataclass(frozen=True, slots=True)
class Undone:
    """A decision that was taken back, or `problem` in a sentence why it cannot be."""

    decision: Decision
    problem: str | None = None


def start(uow: UnitOfWork, person: Person) -> tuple[Work, int | None]:
    """What a person begins with, and its message or prospect: a reply that waits and that no colleague has open, a prospect whose
    snooze is over, follow-ups that stand still, the best new prospect (None: there is none).

    Each person is led to a pause once: undecided it would keep everybody from the new ones.
    """
    from app.desk import answering

    reply = answering.take(uow, person, [int(row["id"]) for row in inbox.waiting(uow, limit=_TRIES)])
    if reply is not None:
        return Work.REPLY, reply
    woken = take_next(uow, person, Lane(), woken=True)
    if woken is not None:
        return Work.PROSPECT, woken
    pause = sequences.newest_pause(uow)
    if pause is not None and preferences.led_to_pause(uow, person.id, pause):
        return Work.PAUSED, None
    return Work.PROSPECT, take_next(uow, person, Lane())


def take_next(
    uow: UnitOfWork,
    person: Person,
    lane: Lane,
    *,
    after: tuple[str, int] | None = None,
    soft: bool = False,
    but: int | None = None,
    woken: bool = False,
) -> int | None:
    """Lease the best free prospect of a lane behind `after` (else from its front) and have a draft ready; None when none is.

    Somebody else may take one at the same moment: then the next is tried, and nobody notices. `but` is left out: a decision
    about it is on its way. `woken`: only of those whose snooze is over.
    """
    tried: set[int | None] = {but}
    # What is shown next must outlive the decision about what is open, and that gives the domain of the open one back: the same domain
    # of another site comes when it is free.
    shown = [one for one in (but, after[1] if after else None) if one] if soft else []
    open_now = set(uow.session.execute(select(col(Prospect.domain)).where(col(Prospect.id).in_(shown))).scalars())
    for start in (after, None) if after else (None,):
        for row in queue(uow, lane, after=start, limit=_TRIES, free_for=(person.id, person.caller), woken=woken):
            if row["id"] in tried or (after is not None and row["id"] == after[1]) or row["domain"] in open_now:
                continue
            tried.add(row["id"])
            prospect = prospects.get(uow, row["id"])
            if leases.claim(uow, prospect, holder=person.caller, name=person.name, soft=soft):
                ready(uow, row["id"], actor=person.actor)
                return int(row["id"])
    return None


def ready(uow: UnitOfWork, prospect_id: int, *, actor: str) -> None:
    """Have a draft for a prospect that is shown; what cannot be pitched yet stays without one."""
    if (
        prospects.get(uow, prospect_id).stage is Stage.CHECKED_MENTION
        and pitch_repository.draft_of(uow.session, prospect_id) is None
    ):
        # No fact speaks for it: whoever looks at it decides whether a draft is written nevertheless.
        with suppress(Refused):
            pitches.propose(uow, prospect_id, actor=actor, by_hand=False)


def approve(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    person: Person,
    pitch_id: int,
    version: int,
    *,
    undo_seconds: int | None = None,
) -> Decision:
    """Approve a pitch: its mail waits for the undo window. Raises what `pitches.approve` raises, also for another's lease."""
    window = None if undo_seconds is None else timedelta(seconds=undo_seconds)
    outbound = pitches.approve(
        uow, vault, settings, pitch_id, version, actor=person.actor, caller=person.caller, undo_window=window
    )
    made = decided(uow, person, outbound.prospect_id, DecisionKind.APPROVE, pitch_id=pitch_id, outbound_id=outbound.id)
    # Only this person's: what a colleague was writing is theirs to drop.
    forget(uow, person, outbound.prospect_id)
    return made


def skip(uow: UnitOfWork, person: Person, prospect_id: int, reason: LostReason) -> Decision:
    """Give a prospect up, with a reason. Raises Conflict while an approved pitch to it waits."""
    prospect = prospects.get(uow, prospect_id)
    leases.require(uow, prospect, holder=person.caller, name=person.name)
    _not_approved(uow, prospect)
    event = prospects.give_up(uow, prospect_id, reason, actor=person.actor)
    return decided(uow, person, prospect_id, DecisionKind.SKIP, reason=reason.value, event=event.id)


def snooze(uow: UnitOfWork, person: Person, prospect_id: int, until: datetime) -> Decision:
    """Put a prospect aside until a moment; a reply brings it back earlier. Raises BadInput (field `until`) for the past,
    and Conflict while an approved pitch to it waits."""
    prospect = prospects.get(uow, prospect_id)
    leases.require(uow, prospect, holder=person.caller, name=person.name)
    _not_approved(uow, prospect)
    if until <= uow.now():
        raise BadInput(say("that moment has passed"), FieldProblem("until", say("Choose a later day")))
    if prospect.stage in (Stage.WON, Stage.LOST):
        raise Conflict(
            say(
                "{domain} is {value}: there is nothing to put aside", domain=prospect.domain, value=prospect.stage.value
            )
        )
    before = prospect.snoozed_until
    prospect.snoozed_until, prospect.updated_at = until, uow.now()
    prospects.note(uow, prospect_id, "snoozed", actor=person.actor, until=until.isoformat())
    was = before.isoformat() if before else None
    return decided(uow, person, prospect_id, DecisionKind.SNOOZE, until=until.isoformat(), before=was)


def _not_approved(uow: UnitOfWork, prospect: Prospect) -> None:
    # It would stop the mail, and taking it back would not bring the mail back.
    waiting = select(col(Outbound.id)).where(
        col(Outbound.prospect_id) == prospect.id,
        col(Outbound.kind) == OutboundKind.PITCH,
        col(Outbound.state).in_(NOT_LEFT),
    )
    if uow.session.execute(waiting.limit(1)).first() is not None:
        raise Conflict(
            say("{domain}: an approved mail waits in the outbox; take it back there first", domain=prospect.domain)
        )


def leave(uow: UnitOfWork, person: Person, prospect_id: int) -> Decision:
    """Not me: give a prospect back to the others, without a reason. This person is not shown it again."""
    prospects.get(uow, prospect_id)
    return decided(uow, person, prospect_id, DecisionKind.PASS)


def last(uow: UnitOfWork, person: Person) -> Decision | None:
    """The newest of the last twenty decisions that has not been taken back."""
    recent = (
        select(col(Decision.id))
        .where(col(Decision.user_id) == person.id)
        .order_by(col(Decision.id).desc())
        .limit(UNDO_DEPTH)
    )
    found: Decision | None = uow.session.execute(
        select(Decision)
        .where(col(Decision.id).in_(recent), col(Decision.undone_at).is_(None))
        .order_by(col(Decision.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def undo(uow: UnitOfWork, person: Person) -> Undone:
    """Take this person's last decision back and hold its domain again. Raises Conflict when there is nothing to take back.

    What cannot be taken back (a mail that has left) is said in `problem`, and the next undo goes on before it.
    """
    decision = last(uow, person)
    if decision is None:
        raise Conflict(
            say("there is nothing to take back; only the last {undo_depth} decisions can be", undo_depth=UNDO_DEPTH)
        )
    decision.undone_at = uow.now()
    try:
        with uow.session.begin_nested():
            _reverse(uow, person, decision)
    except GapbridgeError as error:
        decision.data = {**decision.data, "final": stored(error.detail)}
        return Undone(decision, error.detail)
    if not about_message(decision) and not about_move(decision):
        leases.claim(uow, prospects.get(uow, decision.prospect_id), holder=person.caller, name=person.name)
    return Undone(decision)


def about_message(decision: Decision) -> bool:
    """Whether it was decided in the inbox, about a message; nobody holds a domain for these."""
    return "inbound_id" in decision.data


def about_move(decision: Decision) -> bool:
    """Whether it was a move of the pipeline by hand; nobody holds a domain for these either."""
    return "inbound_id" not in decision.data and decision.kind in (
        DecisionKind.LOST,
        DecisionKind.WON,
        DecisionKind.REOPEN,
    )


def undo_pitch(uow: UnitOfWork, pitch_id: int, *, actor: str) -> Pitch:
    """Take one approved pitch back, whoever approved it; its decision counts as undone."""
    pitch = pitches.undo(uow, pitch_id, actor=actor)
    made = select(Decision).where(
        col(Decision.prospect_id) == pitch.prospect_id,
        col(Decision.kind) == DecisionKind.APPROVE,
        col(Decision.undone_at).is_(None),
    )
    for decision in uow.session.execute(made).scalars():
        decision.undone_at = uow.now()
    return pitch


def keep(
    uow: UnitOfWork, person: Person, prospect_id: int, *, pitch_id: int, version: int, subject: str, body_text: str
) -> None:
    """Keep what a person is writing, beside the draft: it outlives the lease, the browser and a refused approval."""
    if len(subject) > 1_000 or len(body_text) > 20_000:
        raise BadInput(say("the text is too long to be kept"), FieldProblem("body_text", say("Shorten it")))
    if pitches.get(uow, pitch_id).prospect_id != prospect_id:
        raise Conflict(say("this draft belongs to another prospect; reload the page"))
    row = uow.session.get(KeptText, (prospect_id, person.id)) or KeptText(
        prospect_id=prospect_id,
        user_id=person.id,
        pitch_id=pitch_id,
        version=version,
        subject="",
        body_text="",
        at=uow.now(),
    )
    row.pitch_id, row.version, row.subject, row.body_text, row.at = pitch_id, version, subject, body_text, uow.now()
    uow.session.add(row)


def forget(uow: UnitOfWork, person: Person, prospect_id: int) -> None:
    """Drop this person's kept text: it was saved, or is not wanted."""
    uow.session.execute(
        delete(KeptText).where(col(KeptText.prospect_id) == prospect_id, col(KeptText.user_id) == person.id)
    )


def put_back(uow: UnitOfWork, prospect_id: int, *, actor: str) -> None:
    """Bring a prospect that was skipped back to where it stood. Raises IllegalTransition when it may not come back."""
    reopen(uow, prospect_id, "put back", actor=actor)


def reopen(uow: UnitOfWork, prospect_id: int, reason: str, *, actor: str) -> tuple[StageEvent, StageEvent]:
    """Open a lost prospect again, so that somebody can write to it: as far as its pages were looked at before, else they are
    looked at now. Returns the line of the history for it, and that of the last move. Raises IllegalTransition.
    """
    opened = prospects.reopen(uow, prospect_id, reason, actor=actor)
    prospect = prospects.get(uow, prospect_id)
    uow.session.refresh(prospect)
    if prospect.mention in (None, MentionVerdict.COULD_NOT_CHECK, MentionVerdict.LINKED):
        mentions.request(uow, prospect_id)
        return opened, opened
    facts = Facts(verdict=prospect.mention.value)
    return opened, prospects.apply(uow, prospect_id, Event.MENTION_CHECKED, facts, actor=actor, reason="put back")


def take_out(uow: UnitOfWork, outbound_id: int, *, actor: str) -> None:
    """Take a waiting mail out of the outbox, with what hangs on it: a pitch is a draft again, what an answer had answered waits.

    Raises NotFound, and Conflict once a worker holds it or it has left.
    """
    row = outbox.get(uow, outbound_id)
    run = uow.session.get(SequenceRun, row.sequence_run_id) if row.sequence_run_id else None
    if row.kind is OutboundKind.PITCH and run is not None and row.state is OutboundState.QUEUED:
        undo_pitch(uow, run.pitch_id, actor=actor)
    elif row.kind is OutboundKind.REPLY:
        from app.desk import answers

        answers.take_back_answer(uow, outbound_id, actor=actor)
    else:
        outbox.cancel(uow, outbound_id, actor=actor)


def decided(uow: UnitOfWork, person: Person, prospect_id: int, kind: DecisionKind, **data: Any) -> Decision:
    """Write a decision down so that it can be taken back, and let its domain go."""
    made = Decision(user_id=person.id, prospect_id=prospect_id, kind=kind, data=data, at=uow.now())
    uow.session.add(made)
    leases.release(uow, prospects.get(uow, prospect_id).domain, holder=person.caller)
    uow.session.flush()
    return made


def _reverse(uow: UnitOfWork, person: Person, decision: Decision) -> None:
    if about_message(decision):
        from app.desk import answers

        answers.reverse(uow, person, decision)
    elif about_move(decision):
        from app.desk import moves

        moves.reverse(uow, person, decision)
    elif decision.kind is DecisionKind.APPROVE:
        outbound = uow.session.get(Outbound, decision.data["outbound_id"])
        pitch = pitches.get(uow, decision.data["pitch_id"])
        if outbound is not None and pitch.prospect_id == decision.prospect_id:
            if outbound.state is OutboundState.CANCELLED:
                # What stands in the outbox now is another approval, perhaps of somebody else.
                raise Conflict(say("this mail is out of the outbox already; it cannot be taken back once more"))
            pitches.undo(uow, pitch.id, actor=person.actor)
    elif decision.kind is DecisionKind.SKIP:
        event = decision.data.get("event")
        if event is None:
            # Of a former version, which did not keep what it had done.
            put_back(uow, decision.prospect_id, actor=person.actor)
        else:
            prospects.take_back_give_up(uow, decision.prospect_id, event, actor=person.actor)
    elif decision.kind is DecisionKind.SNOOZE:
        before = decision.data.get("before")
        prospect = prospects.get(uow, decision.prospect_id)
        left = prospect.snoozed_until.isoformat() if prospect.snoozed_until else None
        if left != decision.data["until"]:
            raise Conflict(
                say("{domain} was woken or put aside anew since; it cannot be taken back", domain=prospect.domain)
            )
        prospect.snoozed_until = datetime.fromisoformat(before) if before else None
        prospects.note(uow, decision.prospect_id, "snooze_undone", actor=person.actor)
