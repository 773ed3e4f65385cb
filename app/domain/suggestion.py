"""How well a received message fits one that we sent, where nothing proves that it answers it. Points and reasons; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.ahead import SKEW
from app.domain.mail_tokens import bare_subject
from app.domain.said import say

# Below this a pair is chance: a young mail and one common word of the subject make 15.
LEAST = 25
_LONG_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class Received:
    """The message that nobody could place. `domain` is registrable; `text` is read in its first 8,000 characters.

    `reported`: it is a report, and `sender` an address that it names.
    """

    sender: str | None
    name: str | None
    domain: str | None
    subject: str
    text: str
    at: datetime
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """One of ours: whom it went to, its subject, the prospect's domain, and the page or brands that it speaks of."""

    to_address: str
    to_name: str | None
    domain: str
    subject: str
    at: datetime
    named: tuple[str, ...] = ()


def fit(received: Received, sent: Sent) -> tuple[int, tuple[str, ...]]:
    """Points from 0 to 100 with a sentence for each reason. Doubtful pairs get less than `LEAST`, and mail from before ours nothing,
    but for what two clocks may differ by.
    """
    found: list[tuple[int, str]] = []
    local = (received.sender or "").partition("@")[0].casefold()
    if received.sender and received.sender.casefold() == sent.to_address.casefold():
        said = (
            say("it reports on {address}, whom we wrote to", address=sent.to_address)
            if received.reported
            else say("it comes from {address}, whom we wrote to", address=sent.to_address)
        )
        found.append((60, said))
    elif received.domain and received.domain == sent.domain:
        said = (
            say("it reports on {domain}, too", domain=sent.domain)
            if received.reported
            else say("it comes from {domain}, too", domain=sent.domain)
        )
        found.append((45, said))
    elif len(local) >= _LONG_ENOUGH and local == sent.to_address.partition("@")[0].casefold():
        found.append((25, say("'{local}' is the name in the address that we wrote to", local=local)))
    if received.name and sent.to_name and received.name.casefold().strip() == sent.to_name.casefold().strip():
        found.append((30, say("it is signed by {name}", name=sent.to_name)))
    mine, theirs = bare_subject(sent.subject), bare_subject(received.subject)
    if mine and mine == theirs:
        found.append((40, say("it has the subject of our mail")))
    elif _shared(mine, theirs) >= 0.5:
        found.append((20, say("its subject is similar to ours")))
    text = f"{received.subject}\n{received.text[:8000]}".casefold()
    named = next(
        (entry for entry in (sent.domain, *sent.named) if len(entry) >= _LONG_ENOUGH and entry.casefold() in text), None
    )
    if named is not None and received.domain != sent.domain:
        found.append((25, say("it speaks of {named}", named=named)))
    if not found:
        return 0, ()
    age = received.at - sent.at
    if age < -SKEW:
        return 0, ()
    if age <= timedelta(days=14):
        days = max(age.days, 0)
        found.append(
            (
                10,
                say("it came {days} days after our mail", days=days)
                if days != 1
                else say("it came a day after our mail"),
            )
        )
    return min(100, sum(points for points, _ in found)), tuple(reason for _, reason in found)


def _shared(mine: str, theirs: str) -> float:
    """The share of the words of the shorter subject that the other has as well."""
    left, right = ({word for word in subject.split() if len(word) >= _LONG_ENOUGH} for subject in (mine, theirs))
    return len(left & right) / min(len(left), len(right)) if left and right else 0.0
