"""Every page, and the static files."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web.door import Pages
from app.web.pages import (
    account,
    audit,
    gap,
    imports,
    inbox,
    links,
    live,
    mailbox_steps,
    mailboxes,
    mention_lists,
    outbox,
    pipeline,
    promoted,
    prospects,
    public,
    queue,
    queue_bulk,
    queue_desk,
    reports,
    search,
    second_factor,
    sequences,
    settings,
    setup,
    sites,
    suppression,
    system,
    team,
    templates,
    today,
)
from app.web.rendering import STATIC

PAGES: tuple[Pages, ...] = (
    today.pages,
    queue_bulk.pages,  # Before the queue: /queue/bulk and /queue/skipped are no prospects.
    queue_desk.pages,
    queue.pages,
    outbox.pages,
    inbox.pages,
    prospects.pages,
    links.pages,
    gap.pages,
    imports.pages,
    mention_lists.pages,
    pipeline.pages,
    reports.pages,
    search.pages,
    live.pages,
    settings.pages,
    setup.pages,
    sites.pages,
    system.pages,
    promoted.pages,
    audit.pages,
    templates.pages,
    suppression.pages,
    team.pages,
    sequences.pages,
    mailbox_steps.pages,  # Before the mailboxes: /mailboxes/new is no mailbox.
    mailboxes.pages,
    account.pages,
    second_factor.pages,
    public.pages,
)


class Files(StaticFiles):
    """Files whose address names their content (`?v=`) may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        answer = await super().get_response(path, scope)
        if answer.status_code == 200 and scope["query_string"].startswith(b"v="):
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


def attach(app: FastAPI) -> None:
    """Add the pages and the static files to the application."""
    for pages in PAGES:
        app.include_router(pages.router)
    # Pages are not compressed (they hold a secret beside what others wrote); files that everybody may read are.
    app.mount("/static", GZipMiddleware(Files(directory=STATIC), minimum_size=500), name="static")
