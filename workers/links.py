"""The work of the links: looking whether they still stand."""

from __future__ import annotations

from datetime import timedelta

from app.jobs import Job
from app.links import repository, service
from workers.work import Work

# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
# The limit is below the claim (15 minutes), so that a check that went astray is over before another may begin.
WORK: tuple[Work, ...] = (
    Work(Job.LINKS_CHECK, run=service.check_link, due=repository.due, time_limit=timedelta(minutes=10)),
)
