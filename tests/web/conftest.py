"""The application for tests of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
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
from tests.support.desk import furnish
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


Copies = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def copies(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """`with copies(folder, start, more=...) as house`: a served, furnished installation on SQLite.

    It is furnished once for each moment and size; what a test gets is a copy of those files, with the ids in `house.ids`.
    """
    made: dict[tuple[datetime, int], tuple[Path, dict[str, int]]] = {}

    def settings_in(folder: Path, **more: Any) -> Settings:
        return Settings(
            _env_file=None,
            data_dir=folder / "data",
            database_url=f"sqlite:///{folder / 'gapbridge.sqlite'}",
            fetch_allow_private=True,
            mail_allow_plaintext=True,
            **more,
        )

    @contextmanager
    def copy(folder: Path, start: datetime = START, *, more: int = 30, **values: Any) -> Iterator[Served]:
        if (start, more) not in made:
            pattern = tmp_path_factory.mktemp("furnished")
            with templates.copy("sqlite", pattern):
                first = House(settings_in(pattern), clock=FixedClock(start))
                made[start, more] = (pattern, furnish(first, more=more))
                first.close()
        pattern, ids = made[start, more]
        shutil.copytree(pattern, folder, dirs_exist_ok=True)
        with serve(settings_in(folder, **values), start) as house:
            house.ids = dict(ids)
            yield house

    return copy


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
