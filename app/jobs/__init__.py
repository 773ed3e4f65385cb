"""The port through which work is announced: names of jobs and the bell that wakes a worker.

The database is the truth and the broker is a bell: a job is a name and the id of a row, it may be lost or repeated at
will, and the clock finds every due row without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Job(StrEnum):
    """Every job; the id that goes with it is of the row named after the arrow."""

    OUTBOX_DELIVER = "outbox.deliver"  # -> mailbox
    OUTBOX_RECONCILE = "outbox.reconcile"  # -> mailbox
    OUTBOX_FILE = "outbox.file"  # -> mailbox
    INBOX_POLL = "inbox.poll"  # -> mailbox
    INBOX_TOLD = "inbox.told"  # -> mailbox: the same look, because the server told of mail
    MENTIONS_CHECK = "mentions.check"  # -> prospect
    MENTIONS_LIST = "mentions.list"  # -> upload
    CONTACTS_FIND = "contacts.find"  # -> prospect
    DIGEST_SEND = "digest.send"  # -> user
    EVIDENCE_LOOK = "evidence.look"  # -> prospect
    SEQUENCES_ADVANCE = "sequences.advance"  # -> sequence run
    LINKS_CHECK = "links.check"  # -> link
    DOMAINS_CHECK = "domains.check"  # -> sending domain
    MAIL_DOMAINS_CHECK = "mail-domains.check"  # -> domain of recipients
    MAILBOX_LOOK = "mailbox.look"  # -> mailbox
    GAPS_PULL = "gaps.pull"  # -> provider schedule
    GAPS_SETTLE = "gaps.settle"  # -> provider pull
    GAPS_EXPIRE = "gaps.expire"  # -> snapshot
    PAGES_CHECK = "pages.check"  # -> page of ours
    GAPS_VERIFY = "gaps.verify"  # -> prospect
    GAPS_REFIT = "gaps.refit"  # -> site of ours
    GAPS_IMPORT = "gaps.import"  # -> upload
    GAPS_TAKEBACK = "gaps.takeback"  # -> upload
    GAPS_ASKED_PULL = "gaps.asked-pull"  # -> upload
    GAPS_DISCOVER = "gaps.discover"  # -> upload


@dataclass(frozen=True, slots=True)
class Queues:
    """What the broker tells: its kind, how many messages wait by queue, and why it does not tell (a sentence)."""

    kind: str
    depths: Mapping[str, int] = field(default_factory=dict)
    trouble: str | None = None


class Dispatcher(Protocol):
    """Wakes a worker for a row."""

    def ring(self, job: Job, row_id: int) -> None:
        """Announce that the row has work. Never raises for a broker that is away: the clock will find the row."""

    def look(self) -> Queues:
        """What waits in the broker; never raises."""


class SilentDispatcher:
    """Drops every bell: for command lines and tests where the clock, or the caller, finds the work."""

    def ring(self, job: Job, row_id: int) -> None:
        """See `Dispatcher.ring`."""

    def look(self) -> Queues:
        """See `Dispatcher.look`."""
        return Queues("none")


class RecordingDispatcher:
    """Keeps the bells in `rung`, for tests."""

    def __init__(self) -> None:
        self.rung: list[tuple[Job, int]] = []

    def ring(self, job: Job, row_id: int) -> None:
        """See `Dispatcher.ring`."""
        self.rung.append((job, row_id))

    def look(self) -> Queues:
        """See `Dispatcher.look`."""
        return Queues("recorded")
