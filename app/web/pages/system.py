"""The system: what `gapbridge doctor` knows, the processes, what is due and what failed, and the release of a hold."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from sqlalchemy import delete
from sqlmodel import col
from starlette.responses import Response

import app as package
from app import health
from app.audit import service as audit
from app.domain.said import say
from app.errors import Conflict, NotFound, Unavailable
from app.installation import hold
from app.jobs import Job, Queues
from app.models import JobFault
from app.outbox import overtaken, release
from app.reports import system
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

NOTICES = {
    "retried": mark("The job was rung again."),
    "released": mark(
        "Sending goes on. What was due meanwhile is put before you in the outbox, and among the follow-ups that stand still."
    ),
}
DUE = {
    "mail": mark("Mail to send"),
    "mailboxes": mark("Mailboxes to read"),
    "follow-ups": mark("Follow-ups to prepare"),
    "mentions": mark("Mention checks"),
    "links": mark("Link checks"),
    "pages": mark("Looks at our pages"),
    "imports": mark("Imports"),
    "fit": mark("Prospects to compare with your pages"),
}


def _broker(found: Queues) -> str:
    if found.trouble is not None:
        raise Unavailable(found.trouble)
    return found.kind


def _show(visit: Visit, **__: object) -> Response:
    container, uow = visit.container, visit.uow
    queues = container.dispatcher.look()
    held = hold.standing(container.db, container.settings).skip
    words = NOTICES.get(visit.request.query_params.get("did", ""))
    return visit.page(
        "system.html",
        version=package.__version__,
        database="SQLite" if container.db.is_sqlite else "PostgreSQL",
        checks=list(health.lines(container, lambda: _broker(queues))),
        queues=queues,
        workers=system.workers(uow),
        most_skew=system.MOST_SKEW,
        due=system.due(uow),
        due_words=DUE,
        pulls=system.pulls(uow),
        faults=system.faults(uow),
        backup=system.last_backup(uow),
        space=system.space(container, uow),
        standing=held,
        waiting=release.preview(uow) if held is not None else [],
        overtaken=overtaken.find(uow.session) if held is not None else [],
        notice=_(words) if words else None,
    )


@pages.get("/system", needs="system:write")
def system_page(visit: Visit) -> Response:
    """Everything on one page; all is well when nothing is red."""
    return _show(visit)


@pages.post("/system/jobs/{job}/{row_id}/retry", needs="system:write", again=_show)
def retry(visit: Visit, job: Annotated[str, Path(max_length=32)], row_id: Id) -> Response:
    """Ring a failed job again; it comes back to the list if it fails again."""
    found = visit.uow.session.get(JobFault, (job, row_id))
    if found is None or job not in set(Job):
        raise NotFound(say("this job is not among the failed ones any more"))
    audit.record(visit.uow, "job.retried", "job", row_id, name=job, before={"error": found.error, "times": found.times})
    visit.uow.session.execute(delete(JobFault).where(col(JobFault.job) == job, col(JobFault.row_id) == row_id))
    visit.uow.ring(Job(job), row_id)
    return visit.go("/system?did=retried")


@pages.post("/system/release", needs="system:write", again=_show, own_transactions=True)
def let_go(visit: Visit) -> Response:
    """Let restored data send again, after its mailboxes were read."""
    if hold.standing(visit.container.db, visit.container.settings).skip is None:
        raise Conflict(say("there is no hold: this installation may send"))
    release.release(visit.container, actor=visit.actor, despite_unread=visit.text("despite_unread") == "on")
    return visit.go("/system?did=released")
