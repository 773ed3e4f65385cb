"""Turns: one host is asked by one fetch at a time, with a gap between two, by all processes together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from app.fetch.ports import Turns
from app.log import get_logger

log = get_logger("fetch")

MAX_WAIT_SECONDS = 30.0
_MAX_HOSTS = 10_000


def slack(gap: float) -> float:
    """Seconds by which a fetch may begin later than its turn without coming too close to the next one: each turn has them extra."""
    return 0.05 + 0.05 * gap


class Pace:
    """Hands out the turns of each host in the order in which they were asked for. Belongs to one event loop.

    With `turns`, they are shared with other processes; while those cannot be had, this process keeps its own.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()
        self._turns = turns

    async def turn(self, host: str, gap: float) -> float | None:
        """Wait until `gap` seconds after the last turn of `host`; None when that is too far away to wait for.

        Gives the moment of the turn by the loop's clock. Whoever begins more than `slack(gap)` after it asks for another.
        """
        now = asyncio.get_running_loop().time()
        if gap <= 0:
            return now
        booked = await self._booked(host, gap + slack(gap), now)
        if booked is None:
            return None
        # Not before the turn can have come, and late from when it may have come.
        await asyncio.sleep(booked[1] - asyncio.get_running_loop().time())
        return booked[0]

    async def _booked(self, host: str, step: float, now: float) -> tuple[float, float] | None:
        if self._turns is not None:
            try:
                return await asyncio.to_thread(self._turns.book, host, step, MAX_WAIT_SECONDS)
            except Exception as error:  # noqa: BLE001 - a database that is away must not end in a rude crawler
                log.warning("fetch.turns_unknown", host=host, error=str(error)[:200])
        at = self._own(host, step, now)
        return None if at is None else (at, at)

    def _own(self, host: str, step: float, now: float) -> float | None:
        at = max(now, self._next.get(host, 0.0))
        if at - now > MAX_WAIT_SECONDS:
            return None
        # The turn is booked before waiting, so that whoever asks meanwhile gets the one after it.
        self._next[host] = at + step
        self._next.move_to_end(host)
        while len(self._next) > _MAX_HOSTS:
            self._next.popitem(last=False)
        return at
