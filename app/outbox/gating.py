"""The reply gate as the sender sees it: which mails have to pass it, and what waits while the mailbox cannot be read.

A mailbox that cannot be read is not asked again by each mail that is due: all of them wait for the next look that the reader has
planned, which comes later with every failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.domain.ahead import over, passed
from app.domain.cadence import furthest_look
from app.domain.said import cut, say
from app.models import Mailbox, OutboundKind

_MAY_TRUST_SYNC = timedelta(minutes=5)
_WAIT = timedelta(minutes=5)
# The reader of the mailbox looks first; what waits here need not ask at the same moment.
_AFTER_LOOK = timedelta(seconds=15)


class GateResult(Protocol):
    """What the inbox says right before a follow-up: is everything that lies in the mailbox known and acted on?"""

    @property
    def current(self) -> bool:
        """Whether the stored cursor had reached the server's."""

    @property
    def reason(self) -> str:
        """Why not."""

    @property
    def seen_event_id(self) -> int:
        """The newest blocking event when the look ended."""


ReplyGate = Callable[[int], GateResult]


@dataclass(frozen=True, slots=True)
class Shut:
    """Nothing that has to pass the gate is tried before `until`; `why` is the sentence for each mail that waits for it."""

    why: str
    until: datetime


def trusts_sync(mailbox: Mailbox, now: datetime) -> bool:
    """Whether the last good look is young enough for a pitch, which then needs no gate. Anything else always does."""
    return not passed(mailbox.polled_at, _MAY_TRUST_SYNC, now)


def gated(mailbox: Mailbox, now: datetime) -> tuple[OutboundKind, ...]:
    """The kinds of mail that have to pass the gate now."""
    free = {OutboundKind.PITCH} if trusts_sync(mailbox, now) else set()
    return tuple(kind for kind in OutboundKind if kind not in free)


def known_shut(mailbox: Mailbox, now: datetime) -> Shut | None:
    """What the last look into the mailbox says: it failed, and the next is planned for later. None: the gate may be asked."""
    if mailbox.poll_failures == 0 or mailbox.poll_due_at is None:
        return None
    until = mailbox.poll_due_at + _AFTER_LOOK
    if over(until, now, furthest_look(now, mailbox.poll_failures) + _AFTER_LOOK):
        return None
    return Shut(_why(mailbox.poll_error or say("its last look failed")), until)


def shut_by(answer: GateResult, mailbox: Mailbox, now: datetime) -> Shut:
    """The gate was asked and said no. A look that failed is noted in the mailbox's row, and so is when the next is due."""
    known = known_shut(mailbox, now)
    return Shut(_why(answer.reason), known.until if known is not None else now + _WAIT)


def _why(reason: str) -> str:
    # Fail closed: an answer may lie in the mailbox that we cannot read.
    return say("its mailbox could not be read, and their answer may lie there: {why}", why=cut(reason, 400))
