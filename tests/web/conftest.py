"""The application for tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.clock import FixedClock
from app.jobs import RecordingDispatcher
from app.settings import Settings
from app.team import users
from tests.conftest import START
from tests.support.databases import Templates, missing
from tests.support.http import House
from tests.support.screen import CHROMIUM, Served, serve


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for each worker of the suite."""
    if not CHROMIUM.exists():
        missing("Chromium", FileNotFoundError(str(CHROMIUM)))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served_module(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One installation on SQLite for the tests of a module that look and do not care what was done before."""
    folder = tmp_path_factory.mktemp("served")
    with templates.copy("sqlite", folder) as url:
        settings = Settings(
            _env_file=None,
            data_dir=folder / "data",
            database_url=url,
            fetch_allow_private=True,
            mail_allow_plaintext=True,
        )
        with serve(settings, START) as house:
            yield house


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
