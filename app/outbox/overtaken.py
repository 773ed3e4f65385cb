"""Follow-ups that the lost data may have sent: their rows were made after the backup, so nothing in the outbox tells of them.

What a restored run knows is when its last mail left, or could have left. Where the next one could have been due before the
restore was seen, it would be written anew, under another Message-ID: a person lets it go on instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, select
from sqlmodel import Session, col

from app.calendars import work_days, zone_of
from app.db.work import UnitOfWork
from app.domain.blocking import ENDS
from app.domain.delivery import NOT_LEFT, OutboundState
from app.domain.pipeline import Stage
from app.domain.sequence_rules import parse_steps
from app.installation import identity
from app.mail.render.templates import template_names
from app.models import (
    Conversation,
    ConversationState,
    Mailbox,
    Outbound,
    Prospect,
    RunState,
    Sequence,
    SequenceRun,
)
from app.outbox import following
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.prospects import working_hours

RESTORED = "restored"
_UNDECIDED = (OutboundState.COMMITTED, OutboundState.AMBIGUOUS)
# What a clock that is put forward or back takes from some days.
_SLACK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A run whose next follow-up could have left at `due_at` or later, while the lost data was at work."""

    run_id: int
    prospect_id: int
    domain: str
    due_at: datetime


def find(session: Session, left: Collection[int] = ()) -> list[Overtaken]:
    """The active runs that the lost data may have taken on, by the time of it; none where no data was restored.

    `left` are the waiting messages that are known to have left; the others left when they were due, if they did.
    """
    row = identity.stored(session)
    if row is None or row.held_at is None:
        return []
    data_of, held_at = row.data_of or row.created_at, row.held_at
    found = session.execute(
        select(SequenceRun, Outbound, Sequence, Prospect, Conversation)
        .join(
            Outbound,
            and_(
                col(Outbound.sequence_run_id) == col(SequenceRun.id),
                col(Outbound.step_no) == col(SequenceRun.next_step) - 1,
            ),
        )
        .join(Sequence, col(Sequence.id) == col(SequenceRun.sequence_id))
        .join(Prospect, col(Prospect.id) == col(SequenceRun.prospect_id))
        .join(Conversation, col(Conversation.id) == col(SequenceRun.conversation_id))
        .where(
            col(SequenceRun.state) == RunState.ACTIVE,
            col(Outbound.state).in_((OutboundState.SENT, *NOT_LEFT, *_UNDECIDED)),
            col(Conversation.state) != ConversationState.CLOSED,
            col(Prospect.stage).not_in((Stage.WON, Stage.LOST)),
        )
    ).all()
    names, overtaken = template_names(), []
    for run, last, sequence, prospect, conversation in found:
        steps = parse_steps(sequence.steps, names)
        # Giving up sends nothing.
        if run.next_step >= len(steps) or steps[run.next_step].gives_up:
            continue
        step, sent_at = steps[run.next_step], _could_leave(last, data_of, last.id in left)
        # Days of business are no fewer than days: most runs are done with here.
        if sent_at + timedelta(days=step.wait) - _SLACK > held_at or _ended(session, prospect.id, conversation):
            continue
        mailbox = session.get_one(Mailbox, conversation.mailbox_id)
        place = working_hours.known(session, prospect, mailbox).place()
        zone, days = zone_of(place.zone), work_days(place.country)
        due_at = following.due_at(session, run, step, sent_at, zone=zone, days=days, known_by=data_of)
        if due_at <= held_at:
            overtaken.append(Overtaken(run.id, prospect.id, prospect.domain, due_at))
    return sorted(overtaken, key=lambda one: (one.due_at, one.run_id))


def pause(uow: UnitOfWork, overtaken: Collection[Overtaken], *, actor: str) -> int:
    """Let them rest until a person lets each go on; returns how many."""
    count = 0
    for one in sorted(overtaken, key=lambda one: one.prospect_id):
        prospect_repository.lock(uow.session, one.prospect_id)
        run = uow.session.get_one(SequenceRun, one.run_id, populate_existing=True)
        if run.state is not RunState.ACTIVE:
            continue
        run.state, run.end_reason, run.due_at, run.version = RunState.PAUSED, RESTORED, None, run.version + 1
        prospects.note(
            uow,
            run.prospect_id,
            "sequence_paused",
            actor=actor,
            reason=RESTORED,
            run_id=run.id,
            step=run.next_step,
        )
        count += 1
    return count


def _could_leave(last: Outbound, data_of: datetime, left: bool) -> datetime:
    """When the last mail left, or the earliest moment at which it could have."""
    if last.state is OutboundState.SENT:
        return last.sent_at or last.created_at
    if last.state in _UNDECIDED:
        return last.committed_at or last.created_at
    return data_of if left else max(data_of, last.not_before)


def _ended(session: Session, prospect_id: int, conversation: Conversation) -> bool:
    # What came meanwhile ends the run by itself.
    blocks = prospect_repository.blocking_after(session, prospect_id, conversation.event_floor)
    return any(block.kind in ENDS for block in blocks)
