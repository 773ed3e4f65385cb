"""Turns: one host is asked by one fetch at a time, with a gap between two, by all processes together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from app.fetch.ports import Turns
from app.log import get_logger

log = get_logger("fetch")

MAX_WAIT_SECONDS = 30.0
#: A host that asks for more than this is asked again all the same.
MAX_HOLD_SECONDS = 6 * 3600.0
_MAX_HOSTS = 10_000


def retry_after(values: Sequence[str], now: datetime) -> float | None:
    """The seconds of a Retry-After header (RFC 9110 10.2.3: a number, or a date), not negative; None without one that can be read."""
    text = values[0].strip() if values else ""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (ValueError, TypeError, OverflowError):  # a number in it may be larger than any year
        return None


def slack(gap: float) -> float:
    """Seconds by which a fetch may begin later than its turn without coming too close to the next one: each turn has them extra."""
    return 0.05 + 0.05 * gap


class Pace:
    """Hands out the turns of each host in the order in which they were asked for. Belongs to one event loop.

    With `turns`, they are shared with other processes; while those cannot be had, this process keeps its own.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()
        self._held: OrderedDict[str, float] = OrderedDict()
        self._turns = turns

    async def turn(self, host: str, gap: float) -> float | None:
        """Wait until `gap` seconds after the last turn of `host`; None when that is too far away to wait for.

        Gives the moment of the turn by the loop's clock. Whoever begins more than `slack(gap)` after it asks for another.
        """
        now = asyncio.get_running_loop().time()
        if gap <= 0:
            return None if self.is_held(host) else now
        if self.is_held(host) and self._held[host] - now > MAX_WAIT_SECONDS:
            return None
        booked = await self._booked(host, gap + slack(gap), now)
        if booked is None:
            return None
        # Not before the turn can have come, and late from when it may have come.
        await asyncio.sleep(booked[1] - asyncio.get_running_loop().time())
        return booked[0]

    async def hold(self, host: str, seconds: float) -> None:
        """Leave `host` alone for so long: nobody has a turn before."""
        until = asyncio.get_running_loop().time() + seconds
        self._held[host] = max(until, self._held.get(host, 0.0))
        self._held.move_to_end(host)
        while len(self._held) > _MAX_HOSTS:
            self._held.popitem(last=False)
        if self._turns is not None:
            try:
                await asyncio.to_thread(self._turns.hold, host, seconds)
            except Exception as error:  # noqa: BLE001 - the others find out by themselves
                log.warning("fetch.turns_unknown", host=host, error=str(error)[:200])

    def is_held(self, host: str) -> bool:
        """Whether the host has told this process to come back later, and later is not yet."""
        return self._held.get(host, 0.0) > asyncio.get_running_loop().time()

    async def _booked(self, host: str, step: float, now: float) -> tuple[float, float] | None:
        if self._turns is not None:
            try:
                return await asyncio.to_thread(self._turns.book, host, step, MAX_WAIT_SECONDS)
            except Exception as error:  # noqa: BLE001 - a database that is away must not end in a rude crawler
                log.warning("fetch.turns_unknown", host=host, error=str(error)[:200])
        at = self._own(host, step, now)
        return None if at is None else (at, at)

    def _own(self, host: str, step: float, now: float) -> float | None:
        at = max(now, self._next.get(host, 0.0), self._held.get(host, 0.0))
        if at - now > MAX_WAIT_SECONDS:
            return None
        # The turn is booked before waiting, so that whoever asks meanwhile gets the one after it.
        self._next[host] = at + step
        self._next.move_to_end(host)
        while len(self._next) > _MAX_HOSTS:
            self._next.popitem(last=False)
        return at
