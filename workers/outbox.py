"""The work of the outbox: sending, and looking up the fate of what may have been sent."""

from __future__ import annotations

from datetime import timedelta

from app.container import Container
from app.inbox import service as inbox
from app.inbox.deps import deps_of
from app.jobs import Job
from app.outbox import repository
from app.outbox.delivery import Report, drain
from app.outbox.reconcile import reconcile
from app.outbox.sent_copies import file_copies
from workers.work import Work


def deliver(container: Container, mailbox_id: int) -> Report:
    """Send what is due from one mailbox, with the inbox as its gate."""
    return drain(container.db, container.settings, container.vault, inbox.gate_of(deps_of(container)), mailbox_id)


def look_up(container: Container, mailbox_id: int) -> None:
    """Look for evidence of the ambiguous mails of one mailbox."""
    deps = deps_of(container)
    reconcile(container.db, lambda row, mailbox: inbox.sent_copy(deps, row, mailbox), mailbox_id)


def file(container: Container, mailbox_id: int) -> int:
    """See that the copies of what one mailbox has sent lie in its folder of sent mail."""
    deps = deps_of(container)
    return file_copies(container.db, lambda mailbox: deps.connect(mailbox, container.settings.imap_timeout), mailbox_id)


# The time limit is above a whole turn plus the ten minutes that a server may take to answer the final dot.
WORK: tuple[Work, ...] = (
    Work(Job.OUTBOX_DELIVER, run=deliver, due=repository.due_mailboxes, time_limit=timedelta(minutes=30)),
    Work(Job.OUTBOX_RECONCILE, run=look_up, due=repository.due_reconciliations),
    Work(Job.OUTBOX_FILE, run=file, due=repository.due_copies),
)
