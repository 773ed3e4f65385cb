"""robots.txt (RFC 9309) of each host, kept for a day, and the pace that a host asks for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego

from app.fetch.ports import Fetched, NotFetched, Reason

_KEEP_SECONDS = 24 * 3600.0
_KEEP_FAILURE_SECONDS = 600.0
_MAX_ORIGINS = 5_000
_MAX_TEXT = 512 * 1024  # RFC 9309 2.5 asks for at least 500 KiB

Get = Callable[[str], Awaitable[Fetched | NotFetched]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin says to our robot. `problem` is set when it could not be asked."""

    parsed: Protego | None = None
    problem: tuple[Reason, str] | None = None

    def refusal(self, url: str, agent: str) -> tuple[Reason, str] | None:
        """Why `url` may not be fetched by `agent`, or None."""
        if self.problem is not None:
            return self.problem
        if self.parsed is not None and not self.parsed.can_fetch(url, agent):
            return Reason.ROBOTS, f"The site's robots.txt does not allow {url} for {agent}."
        return None

    def delay(self, agent: str) -> float:
        """Seconds that the origin wants between two fetches; 0 when it does not say."""
        if self.parsed is None:
            return 0.0
        return float(self.parsed.crawl_delay(agent) or 0.0)


class RobotsCache:
    """Asks each origin once and remembers its rules. Belongs to one event loop."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._known: OrderedDict[str, tuple[float, asyncio.Future[Rules]]] = OrderedDict()

    async def rules(self, origin: str) -> Rules:
        """The rules of `origin` (scheme://host[:port])."""
        now = asyncio.get_running_loop().time()
        found = self._known.get(origin)
        if found is not None and (not found[1].done() or found[0] > now):
            self._known.move_to_end(origin)
            # Shielded: one caller that runs out of time must not take the answer away from the others.
            return await asyncio.shield(found[1])
        asking = asyncio.ensure_future(self._ask(origin))
        self._known[origin] = (now + _KEEP_SECONDS, asking)
        while len(self._known) > _MAX_ORIGINS:
            self._known.popitem(last=False)
        rules = await asyncio.shield(asking)
        if rules.problem is not None:
            self._known[origin] = (now + _KEEP_FAILURE_SECONDS, asking)
        return rules

    async def _ask(self, origin: str) -> Rules:
        answer = await self._get(f"{origin}/robots.txt")
        if isinstance(answer, NotFetched):
            # What keeps us from robots.txt keeps us from the page too: its own reason says more than "robots".
            return Rules(problem=(answer.reason, answer.sentence))
        if answer.status in {408, 425, 429} or answer.status >= 500:
            sentence = f"{origin}/robots.txt answered {answer.status}, so the site counts as closed for now (RFC 9309)."
            return Rules(problem=(Reason.ROBOTS_UNAVAILABLE, sentence))
        if answer.status != 200:
            return Rules()  # "unavailable" in RFC 9309 2.3.1.3: there are no rules
        return Rules(parsed=Protego.parse(answer.text[:_MAX_TEXT]))
