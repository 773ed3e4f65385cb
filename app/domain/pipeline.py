"""The pipeline: which event moves a prospect from which stage to which. Everything about stages is in this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.said import Sentence, say


class Stage(StrEnum):
    """Where a prospect stands; the values are the names in the API, the pages and the docs."""

    PROSPECT = "prospect"
    CHECKED_MENTION = "checked-mention"
    PITCHED = "pitched"
    FOLLOWED_UP = "followed-up"
    WON = "won"
    LOST = "lost"


class Event(StrEnum):
    """What happened to a prospect."""

    MENTION_CHECKED = "mention_checked"
    PITCH_SENT = "pitch_sent"
    FOLLOW_UP_SENT = "follow_up_sent"
    LINK_SEEN = "link_seen"
    GIVE_UP = "give_up"
    REOPEN = "reopen"
    LINK_LOST = "link_lost"


class LostReason(StrEnum):
    """Why a prospect was given up."""

    DECLINED = "declined"
    WANTS_PAYMENT = "wants-payment"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    NO_REPLY = "no-reply"
    UNWINNABLE = "unwinnable"
    NO_CONTACT = "no-contact"
    DUPLICATE = "duplicate"
    NOT_RELEVANT = "not-relevant"
    WRONG_LANGUAGE = "wrong-language"
    WEAK_SITE = "weak-site"
    OTHER = "other"


# Every stage stands here with every event that may happen in it; what is absent is refused.
# `link_seen` out of `prospect` covers the sites that turn out to link to us already.
TRANSITIONS: Mapping[Stage, Mapping[Event, Stage]] = {
    Stage.PROSPECT: {
        Event.MENTION_CHECKED: Stage.CHECKED_MENTION,
        Event.LINK_SEEN: Stage.WON,
        Event.GIVE_UP: Stage.LOST,
    },
    Stage.CHECKED_MENTION: {
        Event.PITCH_SENT: Stage.PITCHED,
        Event.LINK_SEEN: Stage.WON,
        Event.GIVE_UP: Stage.LOST,
    },
    Stage.PITCHED: {
        Event.FOLLOW_UP_SENT: Stage.FOLLOWED_UP,
        Event.LINK_SEEN: Stage.WON,
        Event.GIVE_UP: Stage.LOST,
    },
    Stage.FOLLOWED_UP: {
        Event.FOLLOW_UP_SENT: Stage.FOLLOWED_UP,
        Event.LINK_SEEN: Stage.WON,
        Event.GIVE_UP: Stage.LOST,
    },
    Stage.WON: {Event.LINK_LOST: Stage.CHECKED_MENTION},
    Stage.LOST: {Event.REOPEN: Stage.PROSPECT, Event.LINK_SEEN: Stage.WON},
}

# What a person or the application was about to do, in a sentence that says why it cannot.
_WORDS: Mapping[Event, Sentence] = {
    Event.MENTION_CHECKED: say("a mention check"),
    Event.PITCH_SENT: say("a first pitch"),
    Event.FOLLOW_UP_SENT: say("a follow-up"),
    Event.LINK_SEEN: say("a win"),
    Event.GIVE_UP: say("giving up"),
    Event.REOPEN: say("opening again"),
    Event.LINK_LOST: say("a lost link"),
}


class Impossible(ValueError):
    """The table has no such move, or the facts do not satisfy its guard; `sentence` says which."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards need to know.

    `verdict` is the mention check's verdict; `confirmed` that a person took it on; `accepted` that the mail server
    took the mail; `link_parsed` that the checker saw the link; `reason` a text, for `give_up` a `LostReason`;
    `good_failed_checks` how many good fetches lacked the link over at least the least time; `last_lost_reason` the
    reason of the latest `give_up`.
    """

    verdict: str | None = None
    confirmed: bool = False
    accepted: bool = False
    link_parsed: bool = False
    reason: str | None = None
    good_failed_checks: int = 0
    last_lost_reason: str | None = None


def _guard_problem(event: Event, facts: Facts) -> Sentence | None:  # noqa: PLR0912 -- one branch an event, in table order
    match event:
        case Event.MENTION_CHECKED:
            if facts.verdict is None:
                return say("the mention check has no verdict yet")
            if facts.verdict == "could-not-check" and not facts.confirmed:
                return say("the page could not be checked: a person has to confirm that the pitch may go on without it")
        case Event.PITCH_SENT | Event.FOLLOW_UP_SENT:
            if not facts.accepted:
                return say("the mail server has not accepted the mail")
        case Event.LINK_SEEN:
            if not facts.link_parsed and not facts.reason:
                return say(
                    "no link was seen; to record a win all the same, give a reason (it is not counted as verified)"
                )
        case Event.GIVE_UP:
            if facts.reason not in set(LostReason):
                return say("give one of the reasons: {names}", names=", ".join(LostReason))
        case Event.REOPEN:
            if not facts.reason:
                return say("give a reason for opening it again")
            if facts.last_lost_reason == LostReason.UNSUBSCRIBED:
                return say("they asked not to be written to; that is final")
        case Event.LINK_LOST:
            if facts.good_failed_checks < 2:
                return say("a link counts as lost only after two good fetches without it, at least 24 hours apart")
    return None


def next_stage(stage: Stage, event: Event, facts: Facts) -> Stage:
    """The stage after `event` in `stage`; raises Impossible with a sentence when the table or a guard refuses."""
    try:
        target = TRANSITIONS[stage][event]
    except KeyError:
        words = say(
            "it stands at “{stage}” now, where {what} is not possible", stage=say(stage.value), what=_WORDS[event]
        )
        raise Impossible(words) from None
    problem = _guard_problem(event, facts)
    if problem is not None:
        raise Impossible(problem)
    return target


def diagram() -> str:
    """The table as a Mermaid state diagram; docs/explanation/architecture.md holds it and a test compares."""
    lines = ["stateDiagram-v2", "    [*] --> prospect"]
    lines += [
        f"    {stage.replace('-', '_')} --> {target.replace('-', '_')}: {event}"
        for stage, moves in TRANSITIONS.items()
        for event, target in moves.items()
    ]
    return "\n".join(lines) + "\n"
