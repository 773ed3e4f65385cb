"""When a mailbox must stop by itself: too many bad addresses, complaints, or refusals by policy. Pure arithmetic.

The rates are those at which receivers begin to act: Google asks senders to stay below 0.1 % of complaints, and 2 % of hard
bounces is where providers warn. Rates are compared as fractions, so that two of a hundred are 2 % on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

# A refusal may be about the one message, or the taste of the one server. When this many different recipients refuse within the time,
# be it the mail or us, it is about the mailbox, which then rests.
REFUSING_RECIPIENTS = 2
REFUSED_WITHIN = timedelta(days=1)
POLICY_REST = timedelta(hours=1)


class Incident(StrEnum):
    """What counts against a mailbox; each message of ours counts once for each kind."""

    HARD_BOUNCE = "hard-bounce"
    COMPLAINT = "complaint"
    POLICY = "policy"
    # A server refused us, and not the message, which is tried again.
    SENDER_REFUSED = "sender-refused"


@dataclass(frozen=True, slots=True)
class Limits:
    """At and above `bounce_rate` and `complaint_rate` (shares of 1) of at least `floor` sends, and from `policy_count`
    refusals on, a mailbox stops. All are counted over `window`.
    """

    bounce_rate: float
    complaint_rate: float
    policy_count: int
    floor: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a mailbox stops: the kind that crossed its limit, and a sentence with the figures."""

    kind: Incident
    sentence: str


_WORDS = {Incident.HARD_BOUNCE: "addresses that do not exist", Incident.COMPLAINT: "complaints about spam"}
_NEXT = {
    Incident.HARD_BOUNCE: "Check where the addresses come from",
    Incident.COMPLAINT: "Check who is written to, and what",
}


def judge(counts: Mapping[Incident, int], sends: int, limits: Limits) -> Stop | None:
    """Whether `counts` incidents on `sends` messages are too many; the worst kind first."""
    days = max(1, round(limits.window.total_seconds() / 86400))
    for kind, rate in ((Incident.COMPLAINT, limits.complaint_rate), (Incident.HARD_BOUNCE, limits.bounce_rate)):
        count = counts.get(kind, 0)
        # str() gives the shortest decimal that the setting was written as: 0.02 and not what a float makes of it.
        if count and sends >= limits.floor and Fraction(count, sends) >= Fraction(str(rate)):
            said = (
                f"{count} of {sends} messages of the last {days} days met {_WORDS[kind]} ({count / sends:.2%}; the limit is "
                f"{rate:.2%}). {_NEXT[kind]}, then resume the mailbox: it counts from there"
            )
            return Stop(kind, said)
    refused = counts.get(Incident.POLICY, 0)
    if refused >= limits.policy_count:
        said = (
            f"servers refused {refused} messages of the last {days} days by policy (5.7.x; the limit is {limits.policy_count}). "
            "Check `gapbridge domain check` and the blocklists that they name, then resume the mailbox: it counts from there"
        )
        return Stop(Incident.POLICY, said)
    return None
