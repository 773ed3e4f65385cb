"""Fixtures for the whole suite: every test that asks for a database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clock import FixedClock
from app.db.work import Database
from app.jobs import RecordingDispatcher
from app.settings import Settings
from tests.support.databases import Templates

# No test may read the developer's own installation.
for name in [name for name in os.environ if name.startswith("GAPBRIDGE_") and not name.startswith("GAPBRIDGE_TEST_")]:
    del os.environ[name]
# Tests of other things run at any hour; those of the hours set their own window.
os.environ["GAPBRIDGE_SEND_WINDOW"] = "always"

# A Monday, 09:00 UTC, in summer time for most of Europe.
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    made = Templates(tmp_path_factory.mktemp("templates"))
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database."""
    with templates.copy(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def dispatcher() -> RecordingDispatcher:
    return RecordingDispatcher()


@pytest.fixture
def db(database_url: str, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[Database]:
    """The database behind units of work, with a clock that stands still and bells that are only recorded."""
    database = Database(database_url, clock, dispatcher)
    yield database
    database.dispose()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a test installation that may talk to servers on this machine."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=database_url,
        fetch_allow_private=True,
        mail_allow_plaintext=True,
    )
