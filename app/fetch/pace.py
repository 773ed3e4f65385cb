"""Turns: one host is asked by one fetch at a time, with a gap between two."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

MAX_WAIT_SECONDS = 30.0
_MAX_HOSTS = 10_000


class Pace:
    """Hands out the turns of each host in the order in which they were asked for. Belongs to one event loop."""

    def __init__(self) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, host: str, gap: float) -> bool:
        """Wait until `gap` seconds after the last turn of `host`; False when that is too far away to wait for."""
        if gap <= 0:
            return True
        now = asyncio.get_running_loop().time()
        at = max(now, self._next.get(host, 0.0))
        if at - now > MAX_WAIT_SECONDS:
            return False
        # The turn is booked before waiting, so that whoever asks meanwhile gets the one after it.
        self._next[host] = at + gap
        self._next.move_to_end(host)
        while len(self._next) > _MAX_HOSTS:
            self._next.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)
        return True
