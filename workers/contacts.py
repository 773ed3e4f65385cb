"""The work of the search for contacts, and the draft that may go on with one."""

from __future__ import annotations

from datetime import timedelta

from app.contacts import repository, service
from app.container import Container
from app.jobs import Job
from app.pitches.replacement import draft_to_found
from workers.work import Work


def find(container: Container, prospect_id: int) -> None:
    """Search for one prospect; where it can be pitched, the queue finds a draft that is addressed to somebody."""
    if service.find(container, prospect_id):
        draft_to_found(container, prospect_id)


# The limit is below the claim (15 minutes), so that a search that went astray is over before another may begin.
WORK: tuple[Work, ...] = (Work(Job.CONTACTS_FIND, run=find, due=repository.due, time_limit=timedelta(minutes=10)),)
