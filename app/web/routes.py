"""Every page, and the static files."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.web.door import Pages
from app.web.pages import account, inbox, mailboxes, outbox, prospects, public, queue, settings, today
from app.web.rendering import STATIC

PAGES: tuple[Pages, ...] = (
    today.pages,
    queue.pages,
    outbox.pages,
    inbox.pages,
    prospects.pages,
    settings.pages,
    mailboxes.pages,
    account.pages,
    public.pages,
)


def attach(app: FastAPI) -> None:
    """Add the pages and the static files to the application."""
    for pages in PAGES:
        app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
