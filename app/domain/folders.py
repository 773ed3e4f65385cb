"""Which folders of a mailbox are read for answers, and why.

An answer need not lie in the inbox: a filter, or another mail program, files it into the archive, into a folder of the
project, or shows it in a view of all mail only. Folders of what was sent or is being written are never read for answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# Beside the inbox and the spam folder; each costs a line of the server at each look.
MOST_EXTRA = 20
NEVER = frozenset(("sent", "drafts"))


class Watch(StrEnum):
    """What a person has said about a folder; null leaves it to the rules."""

    ALWAYS = "always"
    NEVER = "never"


class Why(StrEnum):
    """Why a folder is read."""

    INBOX = "inbox"
    JUNK = "junk"
    CHOSEN = "chosen"
    LEARNED = "learned"
    ALL = "all"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as the rules see it."""

    name: str
    role: str
    watch: Watch | None = None
    learned: bool = False


def why_watched(place: Place) -> Why | None:
    """Why this folder is read, or None. The inbox always is; sent mail and drafts never are, whatever anybody says."""
    if place.role == "inbox":
        return Why.INBOX
    if place.role in NEVER or place.watch is Watch.NEVER:
        return None
    if place.role == "junk":
        return Why.JUNK
    if place.watch is Watch.ALWAYS:
        return Why.CHOSEN
    if place.learned:
        return Why.LEARNED
    return {"all": Why.ALL, "archive": Why.ARCHIVE}.get(place.role)


def reading_order(places: Iterable[Place]) -> list[tuple[str, Why]]:
    """The names of the folders to read with the reason, the surest first, at most `MOST_EXTRA` beside inbox and spam.

    Archives come last, the highest name first: where there is one for each year, the newest counts.
    """
    ranks = list(Why)
    wanted = [(place.name, why) for place in places if (why := why_watched(place)) is not None]
    wanted.sort(key=lambda entry: entry[0], reverse=True)
    wanted.sort(key=lambda entry: ranks.index(entry[1]))
    sure = [entry for entry in wanted if entry[1] in (Why.INBOX, Why.JUNK)]
    return sure + [entry for entry in wanted if entry not in sure][:MOST_EXTRA]
