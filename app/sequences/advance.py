"""Takes one run of a sequence one step on.

Two transactions with the look at their page between them, because no transaction is held over the network: the first says
what is due, the second decides again from the rows as they are then. Both lock the prospect's row, so a reply, an opt-out
and another worker are seen or wait; the unique step in the outbox makes a repeated call do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Protocol

from app.calendars import work_days, zone_of
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.blocking import ENDS, Blocking
from app.domain.calendar import WorkDays, business_moment
from app.domain.delivery import OutboundState
from app.domain.link_verdict import Finding
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import LostReason, Stage
from app.domain.said import say
from app.domain.sequence_rules import Step, not_on_a_closed_day, parse_steps
from app.errors import Conflict, NotFound, Refused
from app.fetch.ports import Fetcher, Renderer
from app.installation import hold
from app.links import service as links
from app.mail.render import versions
from app.mail.render.drafts import judge, later_values
from app.mail.render.templates import render, template_names
from app.models import (
    Conversation,
    ConversationState,
    Mailbox,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    Prospect,
    RunState,
    Sequence,
    SequenceRun,
    Site,
)
from app.outbox import following
from app.outbox import service as outbox
from app.prospects import address_check, working_hours
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.sequences import repository
from app.settings import Settings

# How often a follow-up is put off by a business day because the page could not be read, before it goes all the same.
MAX_PUT_OFF = 2
# The same where their domain has no mail server just now: a slip in somebody's DNS is mended, a dead domain is not.
MAX_WITHOUT_SERVER = 10
_NO_SERVER = "no-mail-server"
# The checker's reason for a page whose server says that it is no more (404, 410).
_GONE = "page-gone"


class Deps(Protocol):
    """The wired dependencies that `advance` uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def vault(self) -> Vault:
        """The keys of tokens and of suppression."""

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client for their page."""

    @property
    def renderer(self) -> Renderer | None:
        """What draws a page that shows nothing without scripts; None: nothing does."""

    @property
    def settings(self) -> Settings:
        """The settings."""


class Advanced(StrEnum):
    """What became of a call."""

    ENDED = "ended"
    PAUSED = "paused"
    WAITING = "waiting"
    QUEUED = "queued"


@dataclass(frozen=True, slots=True)
class _Due:
    # A step that is due now, with the rows that it is made from.
    run: SequenceRun
    step: Step
    prospect: Prospect
    pitch: Pitch
    conversation: Conversation
    first: Outbound
    zone: tzinfo
    days: WorkDays


def advance(deps: Deps, run_id: int) -> Advanced:
    """Do what is due for a run: stop it, wait, send the next follow-up, or give up. Safe to repeat at any time.

    Before a follow-up (and before giving up) their page is looked at again; a link that is there ends the run with a win.
    """
    with deps.db.work() as uow:
        due = _what_is_due(uow, run_id)
        if isinstance(due, Advanced):
            return due
        prospect_id, page = due.prospect.id, due.pitch.their_page
    # A link that is there is recorded by this, with its own transaction, and the prospect is won.
    finding = links.look_for_link(deps, prospect_id, page).finding
    with deps.db.work() as uow:
        due = _what_is_due(uow, run_id)
        if isinstance(due, Advanced):
            return due
        return _act(uow, deps, due, finding)


def _what_is_due(uow: UnitOfWork, run_id: int) -> _Due | Advanced:
    session = uow.session
    run = session.get(SequenceRun, run_id)
    if run is None:
        raise NotFound(say("there is no sequence run {run_id}", run_id=run_id))
    prospect_repository.lock(session, run.prospect_id)
    session.refresh(run)
    if run.state is RunState.ENDED:
        return Advanced.ENDED
    prospect = session.get_one(Prospect, run.prospect_id, populate_existing=True)
    conversation = session.get_one(Conversation, run.conversation_id, populate_existing=True)
    stopped = _stopped(uow, run, prospect, conversation)
    if stopped is not None:
        return stopped
    if hold.refusal(session) is not None:
        # Of restored data nobody knows yet whether this step was done: a follow-up that is written now would be a second one.
        return Advanced.WAITING
    previous = repository.message_of(session, run.id, run.next_step - 1)
    if previous is None or previous.state in (OutboundState.REJECTED, OutboundState.CANCELLED):
        return _unsent(uow, run, conversation, previous)
    if previous.state is not OutboundState.SENT or previous.sent_at is None:
        return Advanced.WAITING
    sequence = session.get_one(Sequence, run.sequence_id)
    steps = parse_steps(sequence.steps, template_names())
    if run.next_step >= len(steps):
        return _end(uow, run, "finished")
    mailbox = session.get_one(Mailbox, conversation.mailbox_id)
    where = working_hours.known(session, prospect, mailbox).place()
    zone, days = zone_of(where.zone), work_days(where.country)
    step = steps[run.next_step]
    at = following.due_at(session, run, step, previous.sent_at, zone=zone, days=days)
    if not step.gives_up:
        at = not_on_a_closed_day(at, uow.now(), zone, days)
    if run.due_at != at:
        run.due_at, run.version = at, run.version + 1
    if at > uow.now():
        return Advanced.WAITING
    first = repository.message_of(session, run.id, 0) or previous
    pitch = session.get_one(Pitch, run.pitch_id)
    return _Due(run, step, prospect, pitch, conversation, first, zone, days)


def _stopped(uow: UnitOfWork, run: SequenceRun, prospect: Prospect, conversation: Conversation) -> Advanced | None:
    blocks = prospect_repository.blocking_after(uow.session, prospect.id, conversation.event_floor)
    for block in blocks:
        if block.kind in ENDS:
            return _end(uow, run, block.kind.value)
    if prospect.stage in (Stage.WON, Stage.LOST):
        return _end(uow, run, Blocking.LINK_SEEN.value if prospect.stage is Stage.WON else Blocking.GIVEN_UP.value)
    if conversation.state is ConversationState.CLOSED:
        return _end(uow, run, "closed")
    if run.state is RunState.PAUSED and run.end_reason != Blocking.POSSIBLE_REPLY.value:
        # Whoever has to let it go on has to do so whatever came meanwhile, and whatever that turned out to be.
        return Advanced.PAUSED
    if blocks:
        return _pause(uow, run, blocks[0].kind.value)
    if run.state is RunState.PAUSED:
        # A person said that it was no reply.
        run.state, run.end_reason, run.version = RunState.ACTIVE, None, run.version + 1
    return None


def _unsent(uow: UnitOfWork, run: SequenceRun, conversation: Conversation, previous: Outbound | None) -> Advanced:
    # Refused by their server, cancelled or expired: nothing follows a mail that did not arrive.
    if not repository.has_left(uow.session, conversation.id):
        conversation.state, conversation.closed_at = ConversationState.CLOSED, uow.now()
        pitch = uow.session.get_one(Pitch, run.pitch_id)
        if pitch.state is PitchState.APPROVED:
            pitch.state, pitch.updated_at = PitchState.WITHDRAWN, uow.now()
    return _end(uow, run, "not_sent", detail=previous.hold_reason or previous.reply_text if previous else None)


def _put_off(uow: UnitOfWork, due: _Due, cause: str, reason: str) -> Advanced:
    _note(uow, due.run, following.PUT_OFF, reason=reason, step=due.run.next_step, cause=cause)
    due.run.due_at = business_moment(uow.now(), 1, due.zone, due.days)
    return Advanced.WAITING


def _act(uow: UnitOfWork, deps: Deps, due: _Due, finding: Finding) -> Advanced:
    run = due.run
    if finding.verdict is MentionVerdict.LINKED:
        return _end(uow, run, Blocking.LINK_SEEN.value)
    if finding.reason == _GONE and not due.step.gives_up:
        return _pause(uow, run, "page_gone", detail=finding.sentence)
    unknown = finding.verdict is MentionVerdict.COULD_NOT_CHECK and not finding.good_fetch
    if unknown and len(following.put_offs(uow.session, run, run.started_at, following.UNREAD)) < MAX_PUT_OFF:
        return _put_off(uow, due, following.UNREAD, finding.sentence)
    if due.step.gives_up:
        prospects.give_up(uow, due.prospect.id, LostReason.NO_REPLY, actor="system")
        return _end(uow, run, LostReason.NO_REPLY.value)
    return _follow_up(uow, deps, due)


def _follow_up(uow: UnitOfWork, deps: Deps, due: _Due) -> Advanced:
    run, name = due.run, str(due.step.template)
    values = _values(due)
    source, label = versions.newest(uow, name)
    message = render(source, values)
    site = uow.session.get_one(Site, due.prospect.site_id)
    words, broken = judge(message, values, our_domains=site.domains, first=False)
    if broken:
        detail = " ".join(f"{rule.name}: {rule.sentence}" for rule in broken)
        return _pause(uow, run, "contract", detail=detail)
    try:
        with uow.session.begin_nested():
            row = outbox.enqueue(
                uow,
                deps.vault,
                deps.settings,
                conversation=due.conversation,
                kind=OutboundKind.FOLLOW_UP,
                subject=message.subject,
                body_text=message.body_text,
                body_html=message.body_html,
                approved_by="system",
                not_before=uow.now(),
                step_no=run.next_step,
                sequence_run_id=run.id,
            )
    except Refused as refusal:
        no_server = any(skip.reason == _NO_SERVER for skip in refusal.skips)
        if no_server and len(following.put_offs(uow.session, run, run.started_at, _NO_SERVER)) < MAX_WITHOUT_SERVER:
            # The wish to look again was undone with the message.
            address_check.want(uow, due.first.to_address)
            return _put_off(uow, due, _NO_SERVER, refusal.detail)
        return _end(uow, run, refusal.skips[0].reason if refusal.skips else "refused", detail=refusal.detail)
    except Conflict:
        return Advanced.WAITING
    _note(uow, run, "follow_up_queued", step=run.next_step, outbound_id=row.id, template=label, words=words)
    run.next_step, run.due_at, run.version = run.next_step + 1, None, run.version + 1
    return Advanced.QUEUED


def _values(due: _Due) -> dict[str, str | None]:
    sent_at = due.first.sent_at or due.first.not_before
    return later_values(due.pitch.variables["values"], due.first.subject, sent_at.astimezone(due.zone).date())


def _end(uow: UnitOfWork, run: SequenceRun, reason: str, *, detail: str | None = None) -> Advanced:
    run.state, run.end_reason, run.due_at = RunState.ENDED, reason[:64], None
    run.ended_at, run.version = uow.now(), run.version + 1
    _note(uow, run, "sequence_ended", reason=reason, detail=detail)
    return Advanced.ENDED


def _pause(uow: UnitOfWork, run: SequenceRun, reason: str, *, detail: str | None = None) -> Advanced:
    if run.state is RunState.PAUSED and run.end_reason == reason:
        return Advanced.PAUSED
    run.state, run.end_reason, run.due_at, run.version = RunState.PAUSED, reason, None, run.version + 1
    _note(uow, run, "sequence_paused", reason=reason, detail=detail)
    return Advanced.PAUSED


def _note(uow: UnitOfWork, run: SequenceRun, event: str, *, reason: str | None = None, **data: object) -> None:
    prospects.note(uow, run.prospect_id, event, actor="system", reason=reason, run_id=run.id, **data)
