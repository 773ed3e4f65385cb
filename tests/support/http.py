"""The real application over a test's database, and callers with keys or sessions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from app.clock import Clock
from app.container import Container
from app.main import create_app
from app.models import Role
from app.settings import Settings
from app.team import api_keys, service, users
from app.team.principal import SCOPES

# Of the first application: FastAPI works out at the first request what each route of a room takes, and the rooms' routes
# hold nothing of one application. The suite makes some thousands of them.
_ROOMS: list[BaseRoute] = []


def _share_rooms(app: FastAPI) -> None:
    made = app.router.routes
    if not _ROOMS:
        _ROOMS.extend(made)
    for number, (ours, first) in enumerate(zip(made, _ROOMS, strict=True)):
        if hasattr(ours, "original_router"):
            made[number] = first


class House:
    """One application with its container; `close` it."""

    def __init__(self, settings: Settings, **wiring: Any) -> None:
        self.container = Container(settings, **wiring)
        self.app: FastAPI = create_app(self.container)
        _share_rooms(self.app)
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None

    @property
    def clock(self) -> Clock:
        return self.container.clock

    @property
    def db(self) -> Any:
        return self.container.db

    def key(self, scopes: Iterable[str] = SCOPES, name: str = "crm") -> str:
        """The secret of a new API key."""
        with self.db.work() as uow:
            return api_keys.create(uow, name=name, scopes=scopes, actor="test")[1]

    def api(self, scopes: Iterable[str] = SCOPES) -> TestClient:
        """A program with a key."""
        return self._client(headers={"Authorization": f"Bearer {self.key(scopes)}"})

    def stranger(self) -> TestClient:
        """Somebody without key and session."""
        return self._client(follow_redirects=False)

    def browser(self, role: Role = Role.OPERATOR) -> TestClient:
        """A signed-in person; the session is opened without the sign-in page."""
        with self.db.work() as uow:
            email = f"{role.value}@acme.test"
            user = users.by_email(uow, email) or users.create(
                uow, email=email, name=role.value.title(), role=role, password="correct horse battery"
            )
            secret = service.open_session(uow, user.id)
        client = self.stranger()
        client.cookies.set("gapbridge", secret)
        return client

    def close(self) -> None:
        self._open.close()
        self.container.close()

    def _client(self, **options: Any) -> TestClient:
        client = TestClient(self.app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False, **options)
        # One loop for the house: a client makes a thread and a loop for each request otherwise.
        if self._portal is None:
            self._portal = self._open.enter_context(start_blocking_portal())
        client.portal = self._portal
        return client
