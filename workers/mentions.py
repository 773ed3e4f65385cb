"""The work of the mention check with the draft that follows from it, and of the lists that name pages for it."""

from __future__ import annotations

from datetime import timedelta

from app.container import Container
from app.jobs import Job
from app.mentions import lists, repository, service
from app.pitches.replacement import draft_when_ready
from workers.work import Work


def check(container: Container, prospect_id: int) -> None:
    """Check one prospect; where it can be pitched then, the queue finds a draft."""
    if service.check(container, prospect_id) is not None:
        draft_when_ready(container, prospect_id)


# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
# The limit is below the claim (15 minutes), so that a check that went astray is over before another may begin.
WORK: tuple[Work, ...] = (
    Work(Job.MENTIONS_CHECK, run=check, due=repository.due, time_limit=timedelta(minutes=10)),
    Work(Job.MENTIONS_LIST, run=lists.run, due=lists.due, time_limit=timedelta(minutes=55)),
)
