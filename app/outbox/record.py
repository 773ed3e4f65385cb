"""Writes down what became of an attempt: the row's next state, its line in the log, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import EXPIRES_AFTER as DEFERRED_AT_MOST
from app.domain.delivery import (
    RECONCILE_AFTER,
    Answer,
    Cause,
    OutboundState,
    Stage,
    Verdict,
    cause_of,
    deferral,
    judge,
    mailbox_pause,
    refusal,
)
from app.domain.inbound import BounceClass
from app.domain.pipeline import Event, Facts, LostReason
from app.domain.pipeline import Stage as PipelineStage
from app.domain.reputation import Incident
from app.domain.said import cut, say
from app.errors import IllegalTransition
from app.inbox import repository as inbox_repository
from app.inbox import unanswered
from app.jobs import Job
from app.log import get_logger
from app.mail import reputation, resting
from app.models import Mailbox, Outbound, OutboundKind, SuppressionKind
from app.outbox import repository, statements
from app.prospects import service as prospects
from app.prospects import suppression
from app.settings import Settings

log = get_logger("outbox")

_ID = re.compile(r"(?<!\bfor )(?<!\bto )(?<!\bfrom )(?<!to:)(?<!from:)<[^<>\s@]{1,120}@[^<>\s@]{1,120}>", re.I)
_SES_ID = re.compile(r"\b[Oo]k ([0-9a-f]{16}-[0-9a-f-]{20,60})\b")
# The steps at which an answer says nothing about one message, and the deferral that is longer than a mailbox's first rest.
_BEFORE_ONE = (Stage.CONNECT, Stage.AUTH, Stage.MAIL)
_BEHIND = 3
# Long enough for a provider that files copies by itself, which most do in seconds.
UNSURE = say("this data was restored: the message was due meanwhile and may have left already; decide what it was")
COPY_LOOKED_FOR_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: at which step, with which answer. `committed`: past the point of no return.

    `unwritten` says that it was committed but not one byte of the message was handed to the network. `counted` is the day (UTC)
    and the first day of the period in which the site's and the recipient's counters took it.
    """

    row: Outbound
    stage: Stage
    answer: Answer | None
    detail: str
    committed: bool
    unwritten: bool = False
    counted: tuple[date, date] | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict by the table of app.domain.delivery."""
        return judge(self.stage, self.answer)


def log_attempt(
    uow: UnitOfWork,
    row: Outbound,
    fence: int,
    stage: str,
    outcome: str,
    answer: Answer | None = None,
    text: str | None = None,
) -> int:
    """Add a line to the append-only log of attempts; its id."""
    return statements.log_attempt(
        uow.session,
        outbound_id=row.id,
        attempt_no=row.attempt_no,
        fence=fence,
        stage=stage,
        outcome=outcome,
        code=answer.code if answer else None,
        text=answer.text if answer else text,
        at=uow.now(),
    )


def outcome(uow: UnitOfWork, vault: Vault, settings: Settings, fence: int, done: Outcome, jitter: float) -> None:
    """Record `done` under our fence. Never repeats anything: it only decides the row's next state."""
    row, now = done.row, uow.now()
    before = OutboundState.COMMITTED if done.committed else OutboundState.CLAIMED
    verdict = done.verdict
    reply = {
        "reply_code": done.answer.code if done.answer else None,
        "reply_text": done.answer.text if done.answer else done.detail[:1000],
    }
    name = "unwritten" if done.unwritten else verdict.value
    log_attempt(uow, row, fence, done.stage.value, name, done.answer, done.detail[:1000])
    log.info("outbox.attempt", outbound_id=row.id, stage=done.stage.value, outcome=name, code=reply["reply_code"])

    if done.unwritten:
        _again(
            uow,
            fence,
            done,
            not_before=now,
            hold_reason=say("not a byte was written: {why}", why=cut(done.detail, 400)),
        )
    elif verdict is Verdict.ACCEPTED:
        code, text = (done.answer.code, done.answer.text) if done.answer else (None, None)
        if statements.sent(uow.session, row.id, fence, now, code, text):
            after_sent(uow, row, done.answer)
        elif done.answer is not None:
            # We were slow and somebody took the mailbox; the complete answer is the best evidence there is.
            sent_by_evidence(uow, row, f"late answer: {done.answer.code} {done.answer.text}")
    elif verdict is Verdict.AMBIGUOUS:
        repository.settle(
            uow.session,
            row.id,
            fence,
            before,
            state=OutboundState.AMBIGUOUS,
            reconcile_at=now + RECONCILE_AFTER[0],
            hold_reason=say("the server's answer to the whole message was lost: it may have arrived"),
            **reply,
        )
        uow.ring(Job.OUTBOX_RECONCILE, row.mailbox_id)
    elif verdict is Verdict.REJECTED:
        if repository.settle(uow.session, row.id, fence, before, state=OutboundState.REJECTED, **reply):
            _give_back(uow, done)
            _rejected(uow, vault, settings, done)
    elif verdict is Verdict.DEFERRED:
        why = say("the server asked to try later: {code} {answer}", **_cut(reply))
        _later(uow, fence, done, deferral(row.deferrals + 1, jitter), hold_reason=why, **reply)
    elif verdict is Verdict.SENDER_REFUSED:
        why = say("the server refuses us, and not the recipient: {code} {answer}", **_cut(reply))
        _later(uow, fence, done, deferral(max(row.deferrals + 1, _BEHIND), jitter), hold_reason=why, **reply)
        reputation.refused(uow, settings, row, Incident.SENDER_REFUSED, _answer(done))
    else:
        # Refused at the recipient or later, it may yet be this one message: the others go first after the rest.
        late: dict[str, object] = {}
        if done.stage not in _BEFORE_ONE:
            why = say(
                "the server put the mailbox off at this message, and the others go first: {answer}",
                answer=cut(_answer(done), 400),
            )
            late = {"not_before": now + deferral(_BEHIND, jitter), "hold_reason": why}
        _again(uow, fence, done, **late, **reply)
        _rest(uow, done, for_good=verdict is Verdict.MAILBOX_PAUSED)


def _cut(reply: Mapping[str, object]) -> dict[str, object]:
    return {"code": reply["reply_code"], "answer": str(reply["reply_text"])[:400]}


def _answer(done: Outcome) -> str:
    return f"{done.answer.code} {done.answer.text}" if done.answer else done.detail


def _later(uow: UnitOfWork, fence: int, done: Outcome, wait: timedelta, **values: object) -> None:
    """This one message waits, for as long as a server may put off; the others of the mailbox leave."""
    row, now = done.row, uow.now()
    expires = min(row.expires_at, now + DEFERRED_AT_MOST) if row.deferrals == 0 else row.expires_at
    _again(uow, fence, done, not_before=now + wait, deferrals=row.deferrals + 1, expires_at=expires, **values)


def _again(uow: UnitOfWork, fence: int, done: Outcome, **values: object) -> None:
    # A new attempt has a new number only where the old one passed the point of no return (invariant I1).
    before = OutboundState.COMMITTED if done.committed else OutboundState.CLAIMED
    number = done.row.attempt_no + (1 if done.committed else 0)
    if repository.settle(
        uow.session, done.row.id, fence, before, **{"state": OutboundState.QUEUED, "attempt_no": number, **values}
    ):
        _give_back(uow, done)


def _give_back(uow: UnitOfWork, done: Outcome) -> None:
    if done.committed and done.row.cap_day is not None:
        statements.refund(uow.session, done.row.mailbox_id, done.row.cap_day)
    if done.committed and done.counted is not None:
        statements.refund_others(uow.session, done.row, *done.counted)


def _rest(uow: UnitOfWork, done: Outcome, *, for_good: bool) -> None:
    mailbox = uow.session.get(Mailbox, done.row.mailbox_id, populate_existing=True)
    if mailbox is None:
        return
    mailbox.failures += 1
    reason = say("{step}: {answer}", step=done.stage.value, answer=cut(_answer(done), 480))
    until = None if for_good else uow.now() + mailbox_pause(mailbox.failures)
    if resting.begin(mailbox, reason, until, uow.now()):
        log.warning("outbox.mailbox_rests", mailbox_id=mailbox.id, reason=reason, for_good=for_good)


def _rejected(uow: UnitOfWork, vault: Vault, settings: Settings, done: Outcome) -> None:
    row, answer = done.row, done.answer
    if answer is not None and refusal(answer) is BounceClass.POLICY:
        # The address is good and we are not welcome: nobody is lost by it. A second recipient that says so lets the mailbox rest.
        reputation.refused(uow, settings, row, Incident.POLICY, _answer(done))
    else:
        _bad_address(uow, vault, settings, done)
    unanswered.comes_back(uow, row, _answer(done))
    if row.sequence_run_id is not None:
        uow.ring(Job.SEQUENCES_ADVANCE, row.sequence_run_id)


def _bad_address(uow: UnitOfWork, vault: Vault, settings: Settings, done: Outcome) -> None:
    row, answer = done.row, done.answer
    if row.kind is not OutboundKind.REPLY:
        # Who has written to us is not lost because an answer was refused: a person looks at it.
        prospects.block(uow, row.prospect_id, Blocking.HARD_BOUNCE, detail=f"refused at {done.stage.value}")
    if cause_of(done.stage, answer) is Cause.ADDRESS and answer:
        suppression.suppress(
            uow,
            vault,
            row.to_address,
            kind=SuppressionKind.ADDRESS,
            reason="bounced",
            source=f"{answer.code} {answer.text}"[:200],
            actor="system",
        )
        reputation.record(uow, settings, row, Incident.HARD_BOUNCE)
    if row.kind is OutboundKind.REPLY:
        return
    if prospects.get(uow, row.prospect_id).stage not in (PipelineStage.WON, PipelineStage.LOST):
        prospects.give_up(uow, row.prospect_id, LostReason.BOUNCED, actor="system")


def left_behind(uow: UnitOfWork, mailbox_id: int, fence: int) -> None:
    """A new holder of the mailbox cleans up after one that ended: what was claimed waits again, what was committed is ambiguous."""
    for row_id, attempt in repository.recover(uow.session, mailbox_id, fence, uow.now() + RECONCILE_AFTER[0]):
        row = uow.session.get_one(Outbound, row_id)
        row.attempt_no = attempt
        log_attempt(uow, row, fence, Stage.DOT.value, "ambiguous", text="the process that was sending it ended")
        uow.ring(Job.OUTBOX_RECONCILE, mailbox_id)
        log.warning("outbox.ambiguous", outbound_id=row_id, reason="the sending process ended")


def sent_by_evidence(uow: UnitOfWork, row: Outbound, evidence: str) -> bool:
    """AMBIGUOUS -> SENT, the only edge that the machine may take out of it. False when the row is not ambiguous.

    `row` may be a copy outside of the session: its state is changed in the database and not on the object.
    """
    if not repository.resolve(
        uow.session,
        row.id,
        OutboundState.AMBIGUOUS,
        state=OutboundState.SENT,
        sent_at=row.committed_at or uow.now(),
        evidence=evidence[:500],
        reconcile_at=None,
        hold_reason=None,
    ):
        return False
    log_attempt(uow, row, row.fence, "evidence", "sent", text=evidence[:1000])
    after_sent(uow, row, None)
    return True


def unsure(uow: UnitOfWork, row: Outbound, evidence: str | None) -> bool | None:
    """A waiting row that may have left before this data was restored: SENT by `evidence`, else AMBIGUOUS. True where it is
    SENT now, None where somebody has changed it meanwhile.
    """
    if not repository.resolve(
        uow.session,
        row.id,
        row.state,
        state=OutboundState.AMBIGUOUS,
        hold_reason=UNSURE,
        reconcile_at=uow.now(),
        evidence=None,
    ):
        return None
    return bool(evidence) and sent_by_evidence(uow, row, evidence or "")


def after_sent(uow: UnitOfWork, row: Outbound, answer: Answer | None) -> None:
    """What follows from a delivery: the stage, the conversation, the sequence. Nothing here may move `row.state`."""
    if row.kind is not OutboundKind.REPLY:
        event = Event.PITCH_SENT if row.kind is OutboundKind.PITCH else Event.FOLLOW_UP_SENT
        data = {"outbound_id": row.id, "message_id": row.message_id, "step": row.step_no}
        try:
            prospects.apply(uow, row.prospect_id, event, Facts(accepted=True), actor="system", data=data)
        except IllegalTransition as stale:
            # Won or given up while the mail was on its way: the mail was sent all the same, and history says so.
            prospects.note(uow, row.prospect_id, event.value, actor="system", reason=stale.detail, **data)
    else:
        prospects.note(uow, row.prospect_id, "reply_sent", actor=row.approved_by, outbound_id=row.id)
    statements.touch(uow.session, row.conversation_id, row.mailbox_id, uow.now())
    repository.await_copy(uow.session, row.id, row.mailbox_id, uow.now() + COPY_LOOKED_FOR_AFTER)
    for alias in _other_ids(uow, row, answer.text if answer else ""):
        inbox_repository.add_alias(uow.session, alias, row.id)
    if row.sequence_run_id is not None:
        uow.ring(Job.SEQUENCES_ADVANCE, row.sequence_run_id)


def _other_ids(uow: UnitOfWork, row: Outbound, text: str) -> list[str]:
    # Amazon SES replaces the Message-ID and says its own as "Ok 0102...-000000"; others print <id@host>, and some of them
    # whom it is from and for in the same brackets.
    found: list[str] = _ID.findall(text)
    if found:
        people = {row.to_address.lower(), uow.session.get_one(Mailbox, row.mailbox_id).email.lower()}
        found = [one for one in found if one[1:-1].lower() not in people]
    ses = _SES_ID.search(text)
    return found + ([f"<{ses.group(1)}@email.amazonses.com>"] if ses else [])


def next_look(tries: int, committed_at: datetime) -> datetime | None:
    """When an ambiguous row is looked for again after `tries` looks; None when a person has to decide."""
    return committed_at + RECONCILE_AFTER[tries] if tries < len(RECONCILE_AFTER) else None
