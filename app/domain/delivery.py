"""What an SMTP answer means for one message, and which moves the outbox may make. Source: RFC 5321, RFC 3463; docs/explanation/architecture.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


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
    MAILBOX_DEFERRED = "mailbox-deferred"
    MAILBOX_PAUSED = "mailbox-paused"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete, well-formed SMTP reply: `code` 200 to 599 and its text."""

    code: int
    text: str

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463) at the start of the text, or None."""
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3})\b", self.text)
        return found.group(1) if found else None


_MAILBOX_WORDS = re.compile(
    r"\b(rate|throttl|too many|quota exceeded for sender|daily .{0,20}limit|sending limit)", re.I
)


def judge(stage: Stage, answer: Answer | None) -> Verdict:
    """The verdict on `answer` at `stage`; None stands for a connection that ended, timed out or spoke nonsense.

    Before the dot every failure is safe to repeat, so no answer is a deferral (of the mailbox, for it is the
    connection that failed). After the dot only a complete reply counts: without one the fate is unknowable.
    """
    if stage is Stage.DOT:
        if answer is None:
            return Verdict.AMBIGUOUS
        if 200 <= answer.code < 300:
            return Verdict.ACCEPTED
        if 400 <= answer.code < 500:
            return Verdict.MAILBOX_DEFERRED if _mailbox_level(answer) else Verdict.DEFERRED
        return Verdict.REJECTED if 500 <= answer.code < 600 else Verdict.AMBIGUOUS
    if answer is None:
        return Verdict.MAILBOX_DEFERRED
    if stage is Stage.CONNECT:
        return Verdict.MAILBOX_DEFERRED
    if stage is Stage.AUTH:
        return Verdict.MAILBOX_PAUSED if answer.code >= 500 else Verdict.MAILBOX_DEFERRED
    if stage is Stage.MAIL and 500 <= answer.code < 600:
        # The server refuses our own sender address: no message from this mailbox will fare better.
        return Verdict.MAILBOX_PAUSED
    if 500 <= answer.code < 600:
        return Verdict.REJECTED
    return Verdict.MAILBOX_DEFERRED if _mailbox_level(answer) else Verdict.DEFERRED


def _mailbox_level(answer: Answer) -> bool:
    enhanced = answer.enhanced or ""
    return answer.code in (421, 454) or enhanced.startswith("4.7.") or bool(_MAILBOX_WORDS.search(answer.text))


_STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))
EXPIRES_AFTER = timedelta(hours=48)


def deferral(attempt_no: int, jitter: float) -> timedelta:
    """How long a message waits after its `attempt_no`-th deferral (from 1); `jitter` in -1..1 moves it by up to 20 %."""
    step = _STEPS[min(max(attempt_no, 1), len(_STEPS)) - 1]
    return timedelta(seconds=step.total_seconds() * (1 + 0.2 * max(-1.0, min(1.0, jitter))))


def mailbox_pause(failures: int) -> timedelta:
    """How long a mailbox rests after its `failures`-th failure in a row (from 1): 15 minutes, doubling to 24 hours."""
    return min(timedelta(minutes=15 * 2 ** min(max(failures, 1) - 1, 10)), timedelta(hours=24))


RECONCILE_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
