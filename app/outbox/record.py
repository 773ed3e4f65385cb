"""Writes down what became of an attempt: the row's next state, its line in the log, and what follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import EXPIRES_AFTER as DEFERRED_AT_MOST
from app.domain.delivery import RECONCILE_AFTER, Answer, OutboundState, Stage, Verdict, deferral, judge, mailbox_pause
from app.domain.pipeline import Event, Facts, LostReason
from app.domain.pipeline import Stage as PipelineStage
from app.domain.reputation import POLICY_REST, Incident
from app.errors import IllegalTransition
from app.jobs import Job
from app.log import get_logger
from app.mail import reputation
from app.models import Mailbox, Outbound, OutboundKind, SuppressionKind
from app.outbox import repository, statements
from app.prospects import service as prospects
from app.prospects import suppression
from app.settings import Settings

log = get_logger("outbox")

# Long enough for a provider that files copies by itself, which most do in seconds.
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
        _again(uow, fence, done, not_before=now, hold_reason="the connection ended before a byte was written")
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
            hold_reason="the server's answer to the whole message was lost: it may have arrived",
            **reply,
        )
        uow.ring(Job.OUTBOX_RECONCILE, row.mailbox_id)
    elif verdict is Verdict.REJECTED:
        if repository.settle(uow.session, row.id, fence, before, state=OutboundState.REJECTED, **reply):
            _give_back(uow, done)
            _rejected(uow, vault, settings, done)
    elif verdict is Verdict.DEFERRED:
        expires = min(row.expires_at, now + DEFERRED_AT_MOST) if row.deferrals == 0 else row.expires_at
        _again(
            uow,
            fence,
            done,
            not_before=now + deferral(row.deferrals + 1, jitter),
            deferrals=row.deferrals + 1,
            expires_at=expires,
            hold_reason=f"the server asked to try later: {reply['reply_code']} {reply['reply_text']}"[:500],
            **reply,
        )
    else:
        _again(uow, fence, done, **reply)
        _rest(uow, done, for_good=verdict is Verdict.MAILBOX_PAUSED)


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
    if mailbox.paused_reason and mailbox.paused_until is None:
        # It stopped for good meanwhile: a rest that ends by itself must not take the place of that.
        return
    said = f"{done.answer.code} {done.answer.text}" if done.answer else done.detail
    mailbox.paused_reason = f"{done.stage.value}: {said}"[:500]
    mailbox.paused_until = None if for_good else uow.now() + mailbox_pause(mailbox.failures)
    log.warning("outbox.mailbox_rests", mailbox_id=mailbox.id, reason=mailbox.paused_reason, for_good=for_good)


def _rest_for_policy(uow: UnitOfWork, done: Outcome) -> None:
    mailbox = uow.session.get_one(Mailbox, done.row.mailbox_id, populate_existing=True)
    if mailbox.paused_reason is None and done.answer is not None:
        said = f"a server refuses our mail by policy: {done.answer.code} {done.answer.text}"
        mailbox.paused_reason, mailbox.paused_until = said[:500], uow.now() + POLICY_REST


def _rejected(uow: UnitOfWork, vault: Vault, settings: Settings, done: Outcome) -> None:
    row, answer = done.row, done.answer
    prospects.block(uow, row.prospect_id, Blocking.HARD_BOUNCE, detail=f"refused at {done.stage.value}")
    enhanced = (answer.enhanced if answer else None) or ""
    if enhanced.startswith("5.7."):
        # The address is good and we are not welcome: more of the same would make it worse.
        _rest_for_policy(uow, done)
        reputation.record(uow, settings, row, Incident.POLICY)
    # 5.1.x (and a bare 550/551/553 to RCPT) speaks of the address; 5.7.x of policy, which is no reason to suppress it.
    if (
        done.stage is Stage.RCPT
        and answer
        and (enhanced.startswith("5.1.") or (not enhanced and answer.code in (550, 551, 553)))
    ):
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
    if prospects.get(uow, row.prospect_id).stage not in (PipelineStage.WON, PipelineStage.LOST):
        prospects.give_up(uow, row.prospect_id, LostReason.BOUNCED, actor="system")
    if row.sequence_run_id is not None:
        uow.ring(Job.SEQUENCES_ADVANCE, row.sequence_run_id)


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


def after_sent(uow: UnitOfWork, row: Outbound, answer: Answer | None) -> None:
    """What follows from a delivery: the stage, the conversation, the sequence. Nothing here may move `row.state`."""
    if row.kind is not OutboundKind.REPLY:
        event = Event.PITCH_SENT if row.kind is OutboundKind.PITCH else Event.FOLLOW_UP_SENT
        data = {"outbound_id": row.id, "message_id": row.message_id, "step": row.step_no}
        try:
            prospects.apply(uow, row.prospect_id, event, Facts(accepted=True), actor="system", data=data)
        except IllegalTransition as refusal:
            # Won or given up while the mail was on its way: the mail was sent all the same, and history says so.
            prospects.note(uow, row.prospect_id, event.value, actor="system", reason=refusal.detail, **data)
    else:
        prospects.note(uow, row.prospect_id, "reply_sent", actor=row.approved_by, outbound_id=row.id)
    statements.touch(uow.session, row.conversation_id, row.mailbox_id, uow.now())
    repository.await_copy(uow.session, row.id, row.mailbox_id, uow.now() + COPY_LOOKED_FOR_AFTER)
    for alias in _other_ids(answer.text if answer else ""):
        repository.add_alias(uow.session, alias, row.id)
    if row.sequence_run_id is not None:
        uow.ring(Job.SEQUENCES_ADVANCE, row.sequence_run_id)


def _other_ids(text: str) -> list[str]:
    # Amazon SES replaces the Message-ID and says its own as "Ok 0102...-000000"; others print <id@host>.
    found = re.findall(r"<[^<>\s@]{1,120}@[^<>\s@]{1,120}>", text)
    ses = re.search(r"\b[Oo]k ([0-9a-f]{16}-[0-9a-f-]{20,60})\b", text)
    return found + ([f"<{ses.group(1)}@email.amazonses.com>"] if ses else [])


def next_look(tries: int, committed_at: datetime) -> datetime | None:
    """When an ambiguous row is looked for again after `tries` looks; None when a person has to decide."""
    return committed_at + RECONCILE_AFTER[tries] if tries < len(RECONCILE_AFTER) else None
