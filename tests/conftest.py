"""Fixtures for the whole suite: every test that asks for a database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clock import FixedClock
from app.db.work import Database
from app.jobs import RecordingDispatcher
from app.log import configure
from app.settings import Settings
from tests.support import compiled
from tests.support.databases import Templates

# No test may read the developer's own installation.
for name in [
    name
    for name in os.environ
    if name.startswith("GAPBRIDGE_") and not name.startswith(("GAPBRIDGE_TEST_", "GAPBRIDGE_SOAK_"))
]:
    del os.environ[name]
# Tests of other things run at any hour; those of the hours set their own window.
os.environ["GAPBRIDGE_SEND_WINDOW"] = "always"
# A test may call as often as it likes.
os.environ["GAPBRIDGE_API_RATE"] = "0"

# A file system in memory, where there is one with room: each commit of the tests waits for the disk otherwise.
_IN_MEMORY = Path("/dev/shm")


def pytest_configure(config: pytest.Config) -> None:
    """Put the folders of the tests into memory, unless somebody wants to look at them (`--basetemp`) or it is small."""
    if config.option.basetemp or hasattr(config, "workerinput") or not os.access(_IN_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(_IN_MEMORY).free > 4 * 2**30:
        folder = Path(tempfile.mkdtemp(prefix="gapbridge-tests-", dir=_IN_MEMORY))
        config.option.basetemp = folder / "run"
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What a module leaves for good is not looked through again: in a long run that is a gigabyte, and seconds in each collection."""
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()


def pytest_unconfigure() -> None:
    """Libraries that count what they have made call it leaked otherwise, as the process ends."""
    gc.unfreeze()


compiled.share()

# As in every process of an installation: lines of the log go to standard error, so no test finds them among its answers.
configure(json=True)

# A Monday, 09:00 UTC, in summer time for most of Europe.
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    made = Templates(tmp_path_factory.mktemp("templates"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A test that sets up logging of its own leaves none of it, nor a closed stream, to the next one."""
    root = logging.getLogger()
    level = root.level
    ours = [handler for handler in root.handlers if type(handler) is logging.StreamHandler]
    yield
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)
    for handler in ours:
        root.addHandler(handler)


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
