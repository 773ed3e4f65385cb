"""How often one key may call: so many requests a minute, counted in this process, so that one program cannot take all of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.domain.said import say
from app.errors import TooMany

_WINDOW = 60.0


class Rate:
    """Counts the calls of each key in windows of a minute; there are no more entries than keys. Safe to use from threads."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        """`most` calls a minute; 0 is no limit."""
        self._most, self._now = most, now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, caller: str) -> None:
        """Count one call. Raises TooMany, with the seconds until the next window, for one too many."""
        if not self._most:
            return
        now = self._now()
        with self._lock:
            since, calls = self._windows.get(caller, (now, 0))
            if now - since >= _WINDOW:
                since, calls = now, 0
            self._windows[caller] = (since, calls + 1)
        if calls >= self._most:
            wait = max(1, round(since + _WINDOW - now))
            raise TooMany(
                say(
                    "this key has called {most} times within a minute; wait {wait} seconds", most=self._most, wait=wait
                ),
                retry_after=wait,
            )
