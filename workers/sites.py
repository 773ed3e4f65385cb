"""The work of our own pages: looking whether they can still be promoted, and comparing prospects with them."""

from __future__ import annotations

from datetime import timedelta

from app.container import Container
from app.jobs import Job
from app.pitches import our_pages
from app.sites import pages
from app.sites.looking import Look
from workers.work import Work


def check(container: Container, page_id: int) -> Look:
    """Look at one page of ours."""
    return pages.check_page(container.db, container.fetcher, page_id)


WORK: tuple[Work, ...] = (
    Work(Job.PAGES_CHECK, run=check, due=pages.due, time_limit=timedelta(minutes=5)),
    Work(Job.GAPS_REFIT, run=our_pages.run, due=our_pages.due, time_limit=timedelta(hours=1)),
)
