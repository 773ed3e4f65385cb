"""Sequences: installed and versioned for a site; staff stop and resume the runs on them. `advance` takes a run one step on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.calendars import work_days, zone_of
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.said import say
from app.domain.sequence_rules import STARTER, STARTER_NAME, due_after, parse_steps
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.mail.render.templates import template_names, use_of
from app.models import RunState, SequenceRun, Site
from app.models import Sequence as SequenceRow
from app.outbox import service as outbox
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.sequences import repository
from app.sequences.advance import advance

MOST_FOLLOW_UPS = 3

__all__ = [
    "advance",
    "ensure_starter",
    "get_run",
    "leaves_now",
    "movable",
    "move",
    "preview",
    "rest",
    "resume",
    "save_version",
    "stop",
    "sweep",
]


def follow_up_templates() -> list[str]:
    """The templates that a step after the first may use."""
    return [name for name in template_names() if use_of(name) == "follow-up"]


def ensure_starter(uow: UnitOfWork, site: Site | int) -> SequenceRow:
    """The site's sequence; the starter is installed when it has none: pitch, after 4 business days, last after 7."""
    site_id = site if isinstance(site, int) else site.id
    existing = repository.newest(uow.session, site_id)
    if existing is not None:
        return existing
    return save_version(uow, site_id, STARTER, actor="system")


def save_version(
    uow: UnitOfWork,
    site_id: int,
    steps: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    name: str = STARTER_NAME,
    after: int | None = None,
) -> SequenceRow:
    """Keep `steps` as the next version, for pitches approved from now on; who is on the way stays on its own version.

    `after` is the number of the version that was edited. Raises BadInput that names the step, and Conflict when somebody
    else saved meanwhile.
    """
    try:
        parsed = parse_steps(steps, follow_up_templates())
    except ValueError as error:
        raise BadInput(say("The sequence cannot be saved."), FieldProblem("steps", str(error))) from None
    if sum(not step.gives_up for step in parsed[1:]) > MOST_FOLLOW_UPS:
        problem = FieldProblem(
            "steps",
            say("a sequence has at most {most_follow_ups} follow-ups; remove one", most_follow_ups=MOST_FOLLOW_UPS),
        )
        raise BadInput(say("The sequence cannot be saved."), problem)
    number = repository.last_version(uow.session, site_id, name) + 1
    if after is not None and after != number - 1:
        raise Conflict(say("version {number} was saved meanwhile; look at it first", number=number - 1))
    row = SequenceRow(
        site_id=site_id,
        name=name,
        version=number,
        steps=[{"template": step.template, "wait_business_days": step.wait} for step in parsed],
        created_by=actor,
        created_at=uow.now(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        raise Conflict(
            say("somebody else saved version {number} at the same moment; look at it first", number=number)
        ) from None
    told = {"version": number, "steps": row.steps}
    audit.record(uow, "sequence.saved", "sequence", row.id, name=name, after=told, actor=actor)
    return row


def movable(uow: UnitOfWork, sequence: SequenceRow) -> int:
    """How many people stand on older versions of `sequence` and have not reached its second step."""
    return len(repository.before_second_step(uow.session, sequence))


def move(uow: UnitOfWork, sequence: SequenceRow, expected: int, *, actor: str) -> int:
    """Put the people that have not reached the second step onto this version; returns how many.

    `expected` is the number that was shown; raises Conflict when it is another one by now, and for a version that is not
    the newest. When the next step is due is worked out again.
    """
    newest = repository.newest(uow.session, sequence.site_id, sequence.name)
    if newest is None or newest.id != sequence.id:
        raise Conflict(say("a newer version was saved meanwhile; look at it first"))
    for _, prospect_id in repository.before_second_step(uow.session, sequence):
        # A worker that takes a run on holds this lock: whom it has reached by then is not moved.
        prospect_repository.lock(uow.session, prospect_id)
    found = repository.before_second_step(uow.session, sequence)
    if len(found) != expected:
        raise Conflict(
            say(
                "{count} people have not reached the second step now, {expected} were shown; look again",
                count=len(found),
                expected=expected,
            )
        )
    for run_id, prospect_id in found:
        run = uow.session.get_one(SequenceRun, run_id, populate_existing=True)
        before, run.sequence_id = run.sequence_id, sequence.id
        run.due_at, run.version = None, run.version + 1
        prospects.note(uow, prospect_id, "sequence_moved", actor=actor, run_id=run_id, before=before, after=sequence.id)
    audit.record(
        uow, "sequence.moved", "sequence", sequence.id, name=sequence.name, after={"people": len(found)}, actor=actor
    )
    return len(found)


def preview(
    steps: Sequence[Mapping[str, Any]], start: datetime, *, zone: str, country: str | None
) -> list[tuple[str | None, datetime]]:
    """Each step's template (None: giving up) and when it would be due if each mail left the moment it was due."""
    at, plan = start, []
    for number, step in enumerate(parse_steps(steps, follow_up_templates())):
        at = due_after(at, step, zone_of(zone), work_days(country)) if number else at
        plan.append((step.template, at))
    return plan


def sweep(uow: UnitOfWork, limit: int = 500) -> list[int]:
    """The ids of runs that have something to do now."""
    return repository.due(uow.session, uow.now(), limit)


def get_run(uow: UnitOfWork, run_id: int) -> SequenceRun:
    """The run; raises NotFound."""
    run = uow.session.get(SequenceRun, run_id)
    if run is None:
        raise NotFound(say("there is no sequence run {run_id}", run_id=run_id))
    return run


def _paused(uow: UnitOfWork, run_id: int) -> SequenceRun:
    """The run, locked, where a person may decide about it."""
    run = get_run(uow, run_id)
    prospect_repository.lock(uow.session, run.prospect_id)
    uow.session.refresh(run)
    if run.state is not RunState.PAUSED:
        raise Conflict(say("this sequence is not paused; only about a paused one can be decided"))
    if run.end_reason == Blocking.POSSIBLE_REPLY:
        raise Conflict(say("a message may be their reply: decide about it in the inbox"))
    return run


def rest(uow: UnitOfWork, run_id: int, *, actor: str) -> SequenceRun:
    """A person lets a run that the machine has paused rest, its conversation open. Raises NotFound, and Conflict as `resume` does."""
    return _to_rest(uow, _paused(uow, run_id), actor)


def stop(uow: UnitOfWork, prospect_id: int, *, actor: str) -> SequenceRun:
    """A person wants no more follow-ups to a prospect for now: they rest until somebody lets them go on, the conversation stays open.

    One that waits in the outbox already rests with them. Raises NotFound, and Conflict where none are to come.
    """
    domain = prospects.get(uow, prospect_id).domain
    prospect_repository.lock(uow.session, prospect_id)
    run = repository.active(uow.session, prospect_id)
    if run is None:
        raise Conflict(say("no follow-ups to {domain} are to come", domain=domain))
    return _to_rest(uow, run, actor)


def leaves_now(uow: UnitOfWork, run: SequenceRun) -> bool:
    """Whether a follow-up is on its way right now: nothing stops it any more."""
    last = repository.message_of(uow.session, run.id, run.next_step - 1)
    return last is not None and run.next_step > 1 and last.state is OutboundState.COMMITTED


def _to_rest(uow: UnitOfWork, run: SequenceRun, actor: str) -> SequenceRun:
    run.state, run.end_reason, run.due_at, run.version = (
        RunState.PAUSED,
        Blocking.STAFF_STOP.value,
        None,
        run.version + 1,
    )
    prospects.note(
        uow, run.prospect_id, "sequence_paused", actor=actor, reason=Blocking.STAFF_STOP.value, run_id=run.id
    )
    return run


def resume(uow: UnitOfWork, run_id: int, *, actor: str) -> SequenceRun:
    """A person lets a paused run go on; it is due as if it had not been paused, and what rested of it in the outbox may leave.

    Raises NotFound, and Conflict for a run that is not paused, and where a message may be a reply: that is decided in the inbox.
    """
    run = _paused(uow, run_id)
    run.state, run.end_reason, run.due_at, run.version = RunState.ACTIVE, None, None, run.version + 1
    outbox.goes_on(uow, run.id)
    prospects.note(uow, run.prospect_id, "sequence_resumed", actor=actor, run_id=run.id)
    return run
