"""The work of the domains: looking at the DNS of those that we send from, and of those that we write to."""

from __future__ import annotations

from datetime import timedelta

from app.deliverability import asked_looks, recipients, repository, service
from app.jobs import Job
from workers.work import Work

WORK: tuple[Work, ...] = (
    Work(Job.DOMAINS_CHECK, run=service.check, due=repository.due, time_limit=timedelta(minutes=5)),
    Work(
        Job.MAIL_DOMAINS_CHECK,
        run=recipients.check,
        due=recipients.due,
        time_limit=timedelta(minutes=2),
    ),
    # Somebody stands before the page.
    Work(Job.MAILBOX_LOOK, run=asked_looks.run, due=asked_looks.due, time_limit=asked_looks.LONGEST, priority=-1),
)
