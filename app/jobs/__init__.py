"""The port through which work is announced: names of jobs and the bell that wakes a worker.

The database is the truth and the broker is a bell: a job is a name and the id of a row, it may be lost or repeated at
will, and the clock finds every due row without it.
"""

from __future__ import annotations

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
    CONTACTS_FIND = "contacts.find"  # -> prospect
    DIGEST_SEND = "digest.send"  # -> user
    EVIDENCE_LOOK = "evidence.look"  # -> prospect
    SEQUENCES_ADVANCE = "sequences.advance"  # -> sequence run
    LINKS_CHECK = "links.check"  # -> link
    DOMAINS_CHECK = "domains.check"  # -> sending domain
    MAIL_DOMAINS_CHECK = "mail-domains.check"  # -> domain of recipients
    GAPS_PULL = "gaps.pull"  # -> provider schedule
    GAPS_EXPIRE = "gaps.expire"  # -> snapshot
    PAGES_CHECK = "pages.check"  # -> page of ours
    GAPS_IMPORT = "gaps.import"  # -> upload


class Dispatcher(Protocol):
    """Wakes a worker for a row."""

    def ring(self, job: Job, row_id: int) -> None:
        """Announce that the row has work. Never raises for a broker that is away: the clock will find the row."""


class SilentDispatcher:
    """Drops every bell: for command lines and tests where the clock, or the caller, finds the work."""

    def ring(self, job: Job, row_id: int) -> None:
        """See `Dispatcher.ring`."""


class RecordingDispatcher:
    """Keeps the bells in `rung`, for tests."""

    def __init__(self) -> None:
        self.rung: list[tuple[Job, int]] = []

    def ring(self, job: Job, row_id: int) -> None:
        """See `Dispatcher.ring`."""
        self.rung.append((job, row_id))
