"""What a received message is: the facts that the parser takes from it, the kinds, and the order in which the rules are asked.

The order is the promise: machine mail is asked first (bounce, complaint, auto-reply, ticket acknowledgement), then the wish
to be left alone, and whatever is left is a person's reply. A doubt is always a reply, because a person who was answered by a
machine's follow-up is lost, and a sequence that stopped too early is not. Each verdict names the rule that gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import partial


class Kind(StrEnum):
    """What a message is, as spelled in the API and by `mail inspect`."""

    REPLY = "reply"
    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    OPT_OUT = "opt-out"
    OTHER = "other"


# Rules of what our own people send: a copy from one of our mailboxes, and mail from a domain of ours. Only matching knows.
OWN_COPY = "own-copy"
OWN_SIDE = "own-side"


class Intent(StrEnum):
    """What the writer of a reply seems to want; None where no rule is sure."""

    INTERESTED = "interested"
    QUESTION = "question"
    WANTS_PAYMENT = "wants-payment"
    NOT_NOW = "not-now"
    NO = "no"
    OPT_OUT = "opt-out"


class BounceClass(StrEnum):
    """What a failed delivery says about the address: bad (hard), perhaps later (soft), or nothing at all (policy)."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient that a report names. `status` is an enhanced code (RFC 3463) or None, `diagnostic` the server's words."""

    recipient: str | None
    bounce_class: BounceClass
    status: str | None = None
    diagnostic: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """All recipients that one report names, in the order of the report."""

    failures: tuple[Failure, ...]

    @property
    def worst(self) -> Failure | None:
        """The failure that says most: a hard one before policy before soft."""
        order = {BounceClass.HARD: 0, BounceClass.POLICY: 1, BounceClass.SOFT: 2}
        return min(self.failures, key=lambda failure: order[failure.bounce_class], default=None)

    @property
    def permanent(self) -> bool:
        """Whether at least one address is bad for good. Policy refusals are not: they speak about us, not the address."""
        return any(failure.bounce_class is BounceClass.HARD for failure in self.failures)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses, each once."""
        return tuple(dict.fromkeys(f.recipient for f in self.failures if f.recipient))


@dataclass(frozen=True, slots=True)
class InboundMail:
    """The facts of one message. Header names are lower case; values are decoded, unfolded and cut to the limits.

    `text` is everything readable in the first text part (or in the HTML part), `new_text` what the writer added to it.
    `report` are the blocks of the first `message/delivery-status` part, the per-message block first. `original` holds the
    headers of the message that a report returns. `limits` names the limits that the raw bytes broke. `quoted` are the
    Message-IDs (in brackets) and tokens in our form that stand in its text parts. `calendar` is the method of an invitation in
    upper case (RFC 5546), `reaction` the emoji that a mail program has sent in somebody's name.
    """

    headers: Mapping[str, tuple[str, ...]]
    content_type: str = "text/plain"
    report_type: str | None = None
    part_types: tuple[str, ...] = ()
    text: str = ""
    new_text: str = ""
    report: tuple[Mapping[str, str], ...] = ()
    feedback: Mapping[str, str] | None = None
    original: Mapping[str, tuple[str, ...]] | None = None
    date: datetime | None = None
    limits: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    calendar: str | None = None
    reaction: str | None = None

    def header(self, name: str) -> str:
        """The first value of the header `name` (lower case), or an empty string."""
        values = self.headers.get(name)
        return values[0] if values else ""

    def has(self, name: str) -> bool:
        """Whether the header `name` (lower case) is present, even empty."""
        return name in self.headers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message is and which rule said so. `reported` are the addresses that a complaint or an opt-out names."""

    kind: Kind
    rule: str
    bounce: Bounce | None = None
    returns_on: date | None = None
    intent: Intent | None = None
    reported: tuple[str, ...] = field(default=())
    ticket: bool = False


def classify(mail: InboundMail, *, own_subject: bool = False) -> Verdict:
    """Ask the rules in their order; the first that is sure decides. Never raises, and never depends on the present time.

    `own_subject`: the subject is known to be one of ours, so that neither it nor a list's headers say who answers under it.
    """
    from app.domain.inbound_auto import automatic
    from app.domain.inbound_bounce import bounce
    from app.domain.inbound_complaint import complaint
    from app.domain.inbound_gesture import gesture
    from app.domain.inbound_intent import intent
    from app.domain.inbound_opt_out import opt_out, unsubscribe_mail

    # Mail programs send the wish by themselves and say so (Auto-Submitted): it must not pass for an automatic answer.
    rules = (bounce, complaint, unsubscribe_mail, gesture, partial(automatic, own_subject=own_subject), opt_out)
    for rule in rules:
        verdict = rule(mail)
        if verdict is not None:
            return verdict
    wish, wish_rule = intent(mail.new_text)
    return Verdict(Kind.REPLY, f"reply:{wish_rule}" if wish_rule else "reply", intent=wish)
