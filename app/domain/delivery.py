"""What an SMTP answer means for one message, and which moves the outbox may make. Source: RFC 5321, RFC 3463; docs/explanation/architecture.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.domain.bounce_class import class_of
from app.domain.inbound import BounceClass


class OutboundState(StrEnum):
    """Where a frozen message stands."""

    QUEUED = "QUEUED"
    CLAIMED = "CLAIMED"
    COMMITTED = "COMMITTED"
    SENT = "SENT"
    REJECTED = "REJECTED"
    AMBIGUOUS = "AMBIGUOUS"
    NOT_SENT = "NOT_SENT"
    CANCELLED = "CANCELLED"


# A message that is deferred goes back to QUEUED with a later `not_before`. Nothing leaves AMBIGUOUS by the machine
# but towards SENT, on evidence; NOT_SENT and the new attempt after it are a person's. QUEUED and CLAIMED become AMBIGUOUS only
# when restored data is released: what was due in the meantime may have left.
MOVES: Mapping[OutboundState, frozenset[OutboundState]] = {
    OutboundState.QUEUED: frozenset({OutboundState.CLAIMED, OutboundState.CANCELLED, OutboundState.AMBIGUOUS}),
    OutboundState.CLAIMED: frozenset(
        {
            OutboundState.COMMITTED,
            OutboundState.QUEUED,
            OutboundState.REJECTED,
            OutboundState.CANCELLED,
            OutboundState.AMBIGUOUS,
        }
    ),
    OutboundState.COMMITTED: frozenset(
        {OutboundState.SENT, OutboundState.QUEUED, OutboundState.REJECTED, OutboundState.AMBIGUOUS}
    ),
    OutboundState.AMBIGUOUS: frozenset({OutboundState.SENT, OutboundState.NOT_SENT}),
    OutboundState.NOT_SENT: frozenset({OutboundState.QUEUED, OutboundState.CANCELLED}),
    OutboundState.SENT: frozenset(),
    OutboundState.REJECTED: frozenset(),
    OutboundState.CANCELLED: frozenset(),
}

#: Waits, or is in a worker's hand before its commit: it has certainly not left.
NOT_LEFT = (OutboundState.QUEUED, OutboundState.CLAIMED)
#: What the other side has, or may have.
HAS_LEFT = (OutboundState.SENT, OutboundState.COMMITTED, OutboundState.AMBIGUOUS)
IN_FLIGHT = (OutboundState.CLAIMED, OutboundState.COMMITTED, OutboundState.AMBIGUOUS)


class Stage(StrEnum):
    """The step of the SMTP transaction at which something happened."""

    CONNECT = "connect"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Verdict(StrEnum):
    """What follows from an answer (or from its absence)."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    # It speaks of us at the door of one recipient: this message waits, and the mailbox only when another's door says so, too.
    SENDER_REFUSED = "sender-refused"
    MAILBOX_DEFERRED = "mailbox-deferred"
    MAILBOX_PAUSED = "mailbox-paused"
    AMBIGUOUS = "ambiguous"


_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete, well-formed SMTP reply: `code` 200 to 599 and its text."""

    code: int
    text: str

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463) at the start of the text, or None."""
        found = _ENHANCED.match(self.text)
        return found.group(1) if found else None


# How much a sender may send. What a recipient may receive, or their mailbox may hold, is about them.
_LIMIT = re.compile(
    r"\b(?:rate.?limit|throttl|too many|submissionquota|max(?:imum)? emails|quota exceeded for sender"
    r"|(?:daily|hourly|sending|submission|sender|outgoing|outbound) .{0,30}(?:limit|quota)|exceeded .{0,40}per (?:hour|day|minute))",
    re.I,
)
_RATE = re.compile(r"\b(?:rate|throttl|too many|quota exceeded for sender|daily .{0,20}limit|sending limit)", re.I)
_RECEIVING = re.compile(r"\breceiv", re.I)
# Asks everybody to come back, and means no one.
_GREYLIST = re.compile(r"\bgr[ea]ylist", re.I)
# A sign-in that is missing, or an address that the account may not send as: nothing changes before a person acts.
_SIGN_IN = re.compile(
    r"authentication (?:is )?(?:required|needed)|not authenticated|authenticate first|not logged in|log ?in first|send as\b|not owned by"
    r"|address is not verified|not (?:allowed|authori[sz]ed|permitted) to send",
    re.I,
)
_SENDER = re.compile(
    # Words with one beginning stand together: it is tried at each of forty places. Of several senders the last one is the nearest.
    r"\bsender\b(?:(?!\bsender\b).){0,40}(?:verif|reject|d(?:enied|omain)|b(?:locked|anned)|suspend)|(?:reject|bad|banned|outbound|blocked).{0,20}\bsender"
    r"|outbound spam|\byour (?:account|domain|tenant)\b.{0,60}(?:suspend|disabled|blocked|locked|compromis|exceeded)|\brelay",
    re.I,
)
# RFC 3463 and its registry, Google's limit, and Exchange's numbers for senders and tenants.
_US = re.compile(r"5\.(?:1\.(?:7|8|90)|4\.5|7\.(?:57|60|5\d\d|7\d\d))")
# Codes that name the recipient's address or mailbox outweigh any words.
_THEM = re.compile(r"5\.(?:1\.(?:1|2|3|6|10)|2\.[12])")


def judge(stage: Stage, answer: Answer | None) -> Verdict:
    """The verdict on `answer` at `stage`; None stands for a connection that ended, timed out or spoke nonsense.

    Before the dot every failure is safe to repeat, so no answer is a deferral (of the mailbox, for it is the
    connection that failed). After the dot only a complete answer counts: without one the fate is unknowable. A complete refusal
    there is as safe to repeat as one before: the server has said that it did not take the message.
    """
    if stage is Stage.DOT:
        if answer is None:
            return Verdict.AMBIGUOUS
        if 200 <= answer.code < 300:
            return Verdict.ACCEPTED
        if not 400 <= answer.code < 600:
            return Verdict.AMBIGUOUS
    if answer is None or stage is Stage.CONNECT:
        return Verdict.MAILBOX_DEFERRED
    refused = 500 <= answer.code < 600
    if stage is Stage.AUTH:
        return Verdict.MAILBOX_PAUSED if refused else Verdict.MAILBOX_DEFERRED
    if stage is Stage.MAIL and refused:
        # The server refuses our own sender address: no message from this mailbox will fare better. A limit ends by itself.
        return Verdict.MAILBOX_DEFERRED if _limits_us(answer) else Verdict.MAILBOX_PAUSED
    if refused:
        return _refused(answer)
    return _put_off(stage, answer)


def refusal(answer: Answer) -> BounceClass:
    """What a refusal (5xx) says: a bad address (hard), a moment's trouble (soft), or that we are not welcome (policy)."""
    return class_of(answer.enhanced, answer.code, answer.text)


def _refused(answer: Answer) -> Verdict:
    enhanced = answer.enhanced or ""
    if not _THEM.fullmatch(enhanced):
        if answer.code == 530 or _SIGN_IN.search(answer.text):
            return Verdict.MAILBOX_PAUSED
        if _US.fullmatch(enhanced) or _limits_us(answer):
            # It is about us and not about this recipient: the others in the queue would fare no better.
            return Verdict.MAILBOX_DEFERRED
        if _SENDER.search(answer.text):
            return Verdict.SENDER_REFUSED
    return Verdict.DEFERRED if refusal(answer) is BounceClass.SOFT else Verdict.REJECTED


def _limits_us(answer: Answer) -> bool:
    return bool(_LIMIT.search(answer.text)) and not _RECEIVING.search(answer.text)


def _put_off(stage: Stage, answer: Answer) -> Verdict:
    if answer.code in (421, 454) or (_RATE.search(answer.text) and not _RECEIVING.search(answer.text)):
        return Verdict.MAILBOX_DEFERRED
    if not (answer.enhanced or "").startswith("4.7.") or _GREYLIST.search(answer.text):
        return Verdict.DEFERRED
    # 4.7.x is about security and policy: before a recipient was named it can only be about us.
    return Verdict.MAILBOX_DEFERRED if stage is Stage.MAIL else Verdict.SENDER_REFUSED


class Cause(StrEnum):
    """What a refusal for good speaks of, and with it what a person can do about it."""

    ADDRESS = "address"
    POLICY = "policy"
    OTHER = "other"


def cause_of(stage: Stage | None, answer: Answer | None) -> Cause:
    """By the class of the same words in a report; of bad addresses, 5.1.x (and a bare 550, 551 or 553) to RCPT names the address."""
    if answer is None:
        return Cause.OTHER
    refused = refusal(answer)
    if refused is BounceClass.POLICY:
        # 5.6.x: what they cannot read is this message, and not who we are.
        return Cause.OTHER if (answer.enhanced or "").startswith("5.6.") else Cause.POLICY
    named = (answer.enhanced or "").startswith("5.1.") or (answer.enhanced is None and answer.code in (550, 551, 553))
    return Cause.ADDRESS if refused is BounceClass.HARD and stage is Stage.RCPT and named else Cause.OTHER


_STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))
EXPIRES_AFTER = timedelta(hours=48)
# What waits longer than this (caps, pauses) is cancelled with its reason: a stale pitch is worse than none.
KEEP_FOR = timedelta(days=14)
# That time stands still while a mailbox rests, for this long of each rest at most.
REST_FORGIVEN = timedelta(days=60)


def deferral(attempt_no: int, jitter: float) -> timedelta:
    """How long a message waits after its `attempt_no`-th deferral (from 1); `jitter` in -1..1 moves it by up to 20 %."""
    step = _STEPS[min(max(attempt_no, 1), len(_STEPS)) - 1]
    return timedelta(seconds=step.total_seconds() * (1 + 0.2 * max(-1.0, min(1.0, jitter))))


def mailbox_pause(failures: int) -> timedelta:
    """How long a mailbox rests after its `failures`-th failure in a row (from 1): 15 minutes, doubling to 24 hours."""
    return min(timedelta(minutes=15 * 2 ** min(max(failures, 1) - 1, 10)), timedelta(hours=24))


RECONCILE_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
