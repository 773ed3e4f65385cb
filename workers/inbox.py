"""The work of the inbox: reading the mailboxes."""

from __future__ import annotations

from app.inbox import polling, watches
from app.jobs import Job
from workers.work import Work

# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
WORK: tuple[Work, ...] = (
    Work(Job.INBOX_POLL, run=polling.poll, due=watches.due_mailboxes),
    Work(Job.INBOX_TOLD, run=polling.poll, due=watches.told_mailboxes),
)
