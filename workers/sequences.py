"""The work of the sequences: the next step."""

from __future__ import annotations

from datetime import timedelta

from app.jobs import Job
from app.sequences import repository, service
from workers.work import Work

# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
WORK: tuple[Work, ...] = (
    Work(Job.SEQUENCES_ADVANCE, run=service.advance, due=repository.due, time_limit=timedelta(minutes=10)),
)
