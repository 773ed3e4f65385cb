"""The application for tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.clock import FixedClock
from app.jobs import RecordingDispatcher
from app.settings import Settings
from app.team import users
from tests.support.http import House


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same algorithm with parameters that do not cost seconds (tests/slices/test_team.py looks at the real ones)."""
    users._nobody.cache_clear()
    monkeypatch.setattr(users, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))
    yield
    users._nobody.cache_clear()


@pytest.fixture
def house(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[House]:
    made = House(settings, clock=clock, dispatcher=dispatcher)
    yield made
    made.close()
