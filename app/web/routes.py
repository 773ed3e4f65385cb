"""Every page, and the static files."""

from __future__ import annotations

import re

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
    gap_views,
    imports,
    inbox,
    inbox_placing,
    links,
    live,
    mailbox_servers,
    mailbox_steps,
    mailboxes,
    mention_lists,
    notices,
    outbox,
    passkeys,
    pipeline,
    promoted,
    prospects,
    public,
    pulls,
    queue,
    queue_bulk,
    queue_desk,
    queue_skipped,
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
    web_graph,
)
from app.web.rendering import STATIC, release

PAGES: tuple[Pages, ...] = (
    today.pages,
    queue_bulk.pages,  # Before the queue: /queue/bulk and /queue/skipped are no prospects.
    queue_desk.pages,
    queue_skipped.pages,
    queue.pages,
    outbox.pages,
    inbox.pages,
    inbox_placing.pages,
    prospects.pages,
    links.pages,
    gap.pages,
    gap_views.pages,
    imports.pages,
    pulls.pages,
    web_graph.pages,
    mention_lists.pages,
    pipeline.pages,
    reports.pages,
    notices.pages,
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
    mailbox_servers.pages,
    mailbox_steps.pages,  # Before the mailboxes: /mailboxes/new is no mailbox.
    mailboxes.pages,
    account.pages,
    passkeys.pages,
    second_factor.pages,
    public.pages,
)


_RELEASE = re.compile(r"[0-9a-f]{12}")


class Files(StaticFiles):
    """Files whose address names their content by its first folder may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file; under the name of another release, that of a page from before an upgrade, the one of today."""
        first, _, rest = path.partition("/")
        answer = await super().get_response(rest if _RELEASE.fullmatch(first) else path, scope)
        if answer.status_code == 200 and first == release():
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


def attach(app: FastAPI) -> None:
    """Add the pages and the static files to the application."""
    for pages in PAGES:
        app.include_router(pages.router)
    # Pages are not compressed (they hold a secret beside what others wrote); files that everybody may read are.
    app.mount("/static", GZipMiddleware(Files(directory=STATIC), minimum_size=500), name="static")
