"""The work of the sending domains: looking at their DNS."""

from __future__ import annotations

from datetime import timedelta

from app.deliverability import repository, service
from app.jobs import Job
from workers.work import Work

WORK: tuple[Work, ...] = (
    Work(Job.DOMAINS_CHECK, run=service.check, due=repository.due, time_limit=timedelta(minutes=5), cut_short=True),
)
