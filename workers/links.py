"""The work of the links: looking whether they still stand, and the draft that asks for a lost one."""

from __future__ import annotations

from datetime import timedelta

from app.container import Container
from app.jobs import Job
from app.links import repository, service
from app.models import LinkState
from app.pitches.replacement import draft_when_ready
from workers.work import Work


def check(container: Container, link_id: int) -> None:
    """Check one link; a loss leaves a draft of a link-reclamation in the queue."""
    if service.check_link(container, link_id) is LinkState.LOST:
        with container.db.read() as look:
            prospect_id = service.get(look, link_id).prospect_id
        draft_when_ready(container, prospect_id)


# Each entry is four lines: Work(Job.NOUN_VERB, run=service.verb, due=repository.due_verb); see workers/work.py.
# The limit is below the claim (15 minutes), so that a check that went astray is over before another may begin.
WORK: tuple[Work, ...] = (Work(Job.LINKS_CHECK, run=check, due=repository.due, time_limit=timedelta(minutes=10)),)
