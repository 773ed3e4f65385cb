"""Settings in, wired dependencies out: the only importer of adapters besides the composition roots."""

from __future__ import annotations

import threading

from app.clock import Clock, SystemClock
from app.db.vault import Vault
from app.db.work import Database
from app.fetch.client import GuardedFetcher
from app.fetch.ports import Fetcher, Renderer
from app.fetch.render import ChromiumRenderer
from app.fetch.shared import SharedRobots, SharedTurns
from app.installation.rules import Rules
from app.jobs import Dispatcher, SilentDispatcher
from app.mail.credentials import Credentials
from app.settings import Settings


class Container:
    """What a process needs. Adapters are made when first asked for, so a command opens only what it uses."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, dispatcher: Dispatcher | None = None) -> None:
        self.rules = Rules(settings)
        self.clock = clock or SystemClock()
        self.dispatcher = dispatcher or SilentDispatcher()
        # Set when the workers stop: a job that takes minutes ends at its next step, and its row stays due.
        self.stopping = threading.Event()
        self.vault = Vault(settings.secret_keys())
        self.db = Database(settings.resolved_database_url, self.clock, self.dispatcher)
        self.credentials = Credentials(self.db, settings, self.vault)
        # It opens nothing and starts no thread before the first page is asked for.
        self._guarded = GuardedFetcher.from_settings(
            settings, self.clock, turns=SharedTurns(self.db), shelf=SharedRobots(self.db)
        )
        self.fetcher: Fetcher = self._guarded
        self.renderer: Renderer | None = ChromiumRenderer.from_settings(settings, self.fetcher)

    @property
    def settings(self) -> Settings:
        """The settings as they hold now: those of the start, and over them the rules that staff keep."""
        return self.rules.settings

    def close(self) -> None:
        """Give back every connection."""
        self._guarded.close()
        self.db.dispose()
