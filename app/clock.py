"""Where time comes from. Nothing else in the project asks the system for the time of day."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """The present moment, in UTC, with microseconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)


class SteppedClock:
    """A clock that runs like the machine's and can be moved forward: for the demo world and for tests of days and weeks."""

    def __init__(self, start: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._origin = start or datetime.now(UTC)
        self._started = time.monotonic()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The start, plus the real time that has passed, plus every step."""
        with self._lock:
            return self._origin + timedelta(seconds=time.monotonic() - self._started) + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` (never backward) and return the new time."""
        if by < timedelta():
            raise ValueError("a clock only moves forward")
        with self._lock:
            self._ahead += by
        return self.now()


class FixedClock:
    """A clock that stands still until it is set; for tests of one moment."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment that was set."""
        return self.at

    def advance(self, by: timedelta) -> datetime:
        """Move by `by` and return the new time."""
        self.at += by
        return self.at
