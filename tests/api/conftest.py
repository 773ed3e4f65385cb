"""The application for tests of the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.clock import FixedClock
from app.jobs import RecordingDispatcher
from app.settings import Settings
from tests.support.http import House


@pytest.fixture
def house(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[House]:
    made = House(settings, clock=clock, dispatcher=dispatcher)
    yield made
    made.close()


@pytest.fixture
def api(house: House) -> TestClient:
    """A program whose key has every scope."""
    return house.api()
