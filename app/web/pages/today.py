"""The first page: what waits, and where to begin."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from app.reports import inbox, mailboxes, sequences, setup, system, today, unsure
from app.web.door import SIGNED_IN, Pages, Visit
from app.web.pages.setup import TITLES

pages = Pages()

_LISTED = 5


def _open_tasks(visit: Visit) -> list[setup.Task]:
    """What keeps this installation from having prospects, as far as this person may do it."""
    if not visit.who.may("sites:write"):
        return []
    found = setup.still_open(setup.tasks(visit.uow, visit.container.settings))
    return [task for task in found if visit.who.may(task.needs)]


def work(visit: Visit) -> dict[str, Any]:
    """What lies before this person; a part is None where their role does not see it."""
    may, uow = visit.who.may, visit.uow
    replies = inbox.waiting(uow, limit=_LISTED) if may("messages:read") else None
    ready = today.ready_by_tier(uow) if may("pitches:read") else None
    left = _open_tasks(visit)
    begun = ready is None or any(ready.values())
    boxes = [line for line in mailboxes.overview(uow) if line.state != "off"] if may("mailboxes:read") else None
    return {
        "now": uow.now(),
        "replies": replies,
        "woken": today.woken(uow, limit=_LISTED) if may("pitches:read") else None,
        "still": sequences.paused(uow, rested=False, limit=_LISTED) if may("pitches:read") else None,
        "ready": ready,
        "sent": (sum(line.used for line in boxes), sum(line.cap for line in boxes)) if boxes else None,
        "links": today.links(uow) if may("links:read") else None,
        # Late ones are the business of who answers for the work of others.
        "late": today.late(uow, limit=_LISTED) if may("queue:lead") else None,
        "unsure": unsure.to_decide(uow, limit=_LISTED) if may("outbox:read") else None,
        "open_tasks": [] if begun else left,
        # What is missing keeps the first mail from leaving, however much is ready.
        "left_open": left if begun else [],
        "task_titles": TITLES,
    }


@pages.get("/", needs=SIGNED_IN)
def today_page(visit: Visit) -> Response:
    """What is due, what is ready, and the button to the queue."""
    # One banner only, the most important: several would hide each other.
    alarm = system.alarm(visit.uow, operator=visit.who.may("system:write")) if visit.who.may("outbox:read") else None
    return visit.page("today.html", alarm=alarm, **work(visit))
