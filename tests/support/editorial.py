"""An editor's site on a real local server with what a check needs around it: the database, the client, the settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.clock import Clock
from app.db.work import Database
from app.fetch.client import GuardedFetcher
from app.settings import Settings
from tests.support.webserver import WebServer

PAGE = "http://editor.test/blog/checklist"
LINK = '<a href="https://acme.test/guides/onboarding">the onboarding guide</a>'


@dataclass(frozen=True)
class Desk:
    """What the services take as their dependencies, and the site that they look at."""

    db: Database
    settings: Settings
    fetcher: GuardedFetcher
    site: WebServer
    renderer: None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def serve(self, html: str, path: str = "/blog/checklist", *, status: int = 200, **headers: str) -> None:
        """Let the editor's page be `html` from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.site.routes[path] = lambda handler: handler.give(html, status=status, headers=named)

    def seen(self) -> list[str]:
        """The paths that were asked for, without robots.txt."""
        return [path for path in self.site.paths() if path != "/robots.txt"]


@contextmanager
def desk(db: Database, settings: Settings, clock: Clock) -> Iterator[Desk]:
    """A desk whose names `editor.test`, `old.test`, `go.test` and `acme.test` all lead to the one local server."""
    with WebServer({}) as site:
        hosts = dict.fromkeys(("editor.test", "old.test", "go.test", "acme.test"), site.pinned)
        own = settings.model_copy(update={"fetch_static_hosts": hosts})
        with GuardedFetcher.from_settings(own, clock) as fetcher:
            yield Desk(db, own, fetcher, site)
