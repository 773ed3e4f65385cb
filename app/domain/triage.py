"""What a person makes of a received message, and until when it wants an answer: counted in working hours of the mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.domain.inbound import OWN_COPY, Intent, Kind
from app.domain.inbound_auto import CHALLENGE, LEFT, TICKET
from app.domain.pacing import Hours, next_slot


class ReplyClass(StrEnum):
    """The classes in the order of their digits, 1 to 8."""

    INTERESTED = "interested"
    QUESTION = "question"
    WANTS_PAYMENT = "wants-payment"
    NOT_NOW = "not-now"
    NO = "no"
    AUTO = "auto"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"


# What a machine sent wants no answer of anybody, but for a help desk's acknowledgement, which a person should have seen, somebody who has
# left, and a filter that asks who we are; the rest starts a clock when it comes.
_NO_CLOCK = frozenset({Kind.AUTO_REPLY, Kind.BOUNCE})
_FOR_PEOPLE = frozenset({TICKET, LEFT, CHALLENGE})
_FIRST = frozenset({ReplyClass.INTERESTED, ReplyClass.QUESTION})
_LATER = frozenset({ReplyClass.WANTS_PAYMENT, ReplyClass.NOT_NOW, ReplyClass.AUTO})
_KINDS = {
    Kind.AUTO_REPLY: ReplyClass.AUTO,
    Kind.BOUNCE: ReplyClass.BOUNCE,
    Kind.OPT_OUT: ReplyClass.UNSUBSCRIBE,
    Kind.COMPLAINT: ReplyClass.UNSUBSCRIBE,
}


@dataclass(frozen=True, slots=True)
class Promise:
    """Working time within which each kind of message is answered or classified."""

    first: timedelta = timedelta(hours=4)
    later: timedelta = timedelta(hours=8)
    unclassified: timedelta = timedelta(hours=2)


def suggested(kind: str | None, intent: str | None) -> ReplyClass | None:
    """The class that the rules of `app.domain.inbound` propose; None where none is sure."""
    if kind in _KINDS:
        return _KINDS[Kind(kind)]
    if kind != Kind.REPLY or intent is None:
        return None
    return ReplyClass.UNSUBSCRIBE if intent == Intent.OPT_OUT else ReplyClass(intent)


def wants_people(kind: str | None, rule: str | None) -> bool:
    """Whether a message starts a clock: not a copy of our own mail, nor what a machine wrote unless a person has to do something about it."""
    if rule in _FOR_PEOPLE:
        return True
    return kind is not None and Kind(kind) not in _NO_CLOCK and rule != OWN_COPY


def due_at(came: datetime, about: ReplyClass | None, hours: Hours | None, promise: Promise) -> datetime:
    """Until when a message that came at `came` (aware) wants its answer, or its class where nobody knows it yet (UTC)."""
    span = promise.first if about in _FIRST else promise.later if about in _LATER else promise.unclassified
    return add_working_time(came, span, hours)


def add_working_time(start: datetime, span: timedelta, hours: Hours | None) -> datetime:
    """`start` plus `span` of time within `hours`; None counts every hour. Nights, weekends and holidays stand still."""
    moment = start.astimezone(UTC)
    if hours is None:
        return moment + span
    while True:
        slot = next_slot(moment, hours)
        if slot.start + span <= slot.end:
            return slot.start + span
        span -= slot.end - slot.start
        moment = slot.end
