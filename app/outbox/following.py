"""When the next step of a run is due. Asked by whoever takes a run on, and by the release of restored data about what is lost."""

from __future__ import annotations

from datetime import datetime, tzinfo

from sqlalchemy import select
from sqlmodel import Session, col

from app.domain.calendar import WorkDays, business_moment
from app.domain.inbound_auto import READ_RECEIPT
from app.domain.sequence_rules import Absence, Step, due_after
from app.models import Inbound, SequenceRun, StageEvent

PUT_OFF = "follow_up_put_off"
UNREAD = "unread"


def due_at(
    session: Session,
    run: SequenceRun,
    step: Step,
    sent_at: datetime,
    *,
    zone: tzinfo,
    days: WorkDays,
    known_by: datetime | None = None,
) -> datetime:
    """When `step`, the next of `run`, is due after a mail of `sent_at`; with `known_by`, by what was known at that moment."""
    answers = _automatic_answers(session, run.conversation_id, sent_at, known_by)
    absences = [Absence(answer.received_at or answer.stored_at, answer.returns_on) for answer in answers]
    at = due_after(sent_at, step, zone, days, absences)
    for put_off in put_offs(session, run, sent_at):
        if known_by is None or put_off <= known_by:
            at = max(at, business_moment(put_off, 1, zone, days))
    return at


def put_offs(session: Session, run: SequenceRun, since: datetime, cause: str | None = None) -> list[datetime]:
    """When the next step of `run` was put off (for `cause`: only for that), oldest first."""
    lines = session.execute(
        select(StageEvent)
        .where(
            col(StageEvent.prospect_id) == run.prospect_id,
            col(StageEvent.event) == PUT_OFF,
            col(StageEvent.at) >= since,
        )
        .order_by(col(StageEvent.id))
    ).scalars()
    return [
        line.at
        for line in lines
        if line.data.get("run_id") == run.id
        and line.data.get("step") == run.next_step
        and (cause is None or line.data.get("cause", UNREAD) == cause)
    ]


def _automatic_answers(
    session: Session, conversation_id: int, since: datetime, until: datetime | None
) -> list[Inbound]:
    """Absences and help desks' acknowledgements in a conversation that were stored from `since` on, oldest first."""
    statement = select(Inbound).where(
        col(Inbound.conversation_id) == conversation_id,
        col(Inbound.kind) == "auto-reply",
        # That somebody has opened it is no absence.
        col(Inbound.rule).is_distinct_from(READ_RECEIPT),
        col(Inbound.stored_at) >= since,
    )
    if until is not None:
        statement = statement.where(col(Inbound.stored_at) <= until)
    return list(session.execute(statement.order_by(col(Inbound.id))).scalars())
