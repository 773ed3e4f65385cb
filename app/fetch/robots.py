"""robots.txt (RFC 9309) of each origin, kept until it expires, in this process and for all, and the pace that a host asks for."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from protego import Protego

from app.clock import Clock
from app.fetch.pace import MAX_HOLD_SECONDS
from app.fetch.ports import Fetched, KeptRobots, NotFetched, Reason, RobotsShelf
from app.log import get_logger

log = get_logger("fetch")

# RFC 9309 2.4: no longer than 24 hours; less where the server says so, but not so little that each page asks again.
_KEEP = timedelta(hours=24)
_KEEP_LEAST = timedelta(minutes=10)
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_MAX_ORIGINS = 5_000
_MAX_SITEMAPS = 5
_MAX_TEXT = 512 * 1024  # RFC 9309 2.5 asks for at least 500 KiB
_AGENT_LINE = re.compile(r"user[- ]?agent(?:\s*:|\s)\s*(.*)", re.IGNORECASE)
_RULE_LINE = re.compile(r"(?:allow|disallow|dissallow|dissalow|disalow|diasllow|disallaw)\b", re.IGNORECASE)
# RFC 9309 2.2.1, and digits, which some names have.
_TOKEN = re.compile(r"\*(?!\S)|[A-Za-z0-9_-]+")
# Stands for every other robot: no part of any name.
_OTHERS = "."

Get = Callable[[str], Awaitable[Fetched | NotFetched | KeptRobots]]


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

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The first sitemaps that are named, as absolute addresses."""
        named = self.parsed.sitemaps if self.parsed is not None else ()
        return tuple(url for url in islice(named, _MAX_SITEMAPS) if url.startswith(("https://", "http://")))

    def delay(self, agent: str) -> float:
        """Seconds that the origin wants between two fetches, at most `MAX_HOLD_SECONDS`; 0 when it does not say."""
        if self.parsed is None:
            return 0.0
        return min(MAX_HOLD_SECONDS, float(self.parsed.crawl_delay(agent) or 0.0))


class RobotsCache:
    """Asks each origin once and remembers its rules for `agent` until they expire. Belongs to one event loop.

    With a `shelf`, what another process has asked is not asked again.
    """

    def __init__(self, get: Get, agent: str, clock: Clock, shelf: RobotsShelf | None = None) -> None:
        self._get = get
        self._agent = agent
        self._clock = clock
        self._shelf = shelf
        self._known: OrderedDict[str, asyncio.Future[tuple[Rules, datetime]]] = OrderedDict()

    async def rules(self, origin: str) -> Rules:
        """The rules of `origin` (scheme://host[:port])."""
        found = self._known.get(origin)
        if found is None or self._is_over(found):
            found = self._known[origin] = asyncio.ensure_future(self._ask(origin))
            while len(self._known) > _MAX_ORIGINS:
                self._known.popitem(last=False)
        self._known.move_to_end(origin)
        # Shielded: one caller that runs out of time must not take the answer away from the others.
        return (await asyncio.shield(found))[0]

    def _is_over(self, found: asyncio.Future[tuple[Rules, datetime]]) -> bool:
        # What could not be read for a reason that nobody foresaw is asked for again.
        if not found.done():
            return False
        return found.cancelled() or found.exception() is not None or found.result()[1] <= self._clock.now()

    async def known(self, origin: str) -> KeptRobots | None:
        """What another process has put on the shelf."""
        if self._shelf is None:
            return None
        try:
            return await asyncio.to_thread(self._shelf.get, origin, self._clock.now())
        except Exception as error:  # noqa: BLE001 - without the shelf, each process asks for itself
            log.warning("fetch.robots_unknown", origin=origin, error=str(error)[:200])
            return None

    async def _ask(self, origin: str) -> tuple[Rules, datetime]:
        kept = await self.known(origin)
        if kept is None:
            answer = await self._get(f"{origin}/robots.txt")
            kept = answer if isinstance(answer, KeptRobots) else _kept(origin, answer, self._clock.now())
            if kept is not answer and self._shelf is not None:
                try:
                    await asyncio.to_thread(self._shelf.put, origin, kept, self._clock.now())
                except Exception as error:  # noqa: BLE001 - the next process asks again then
                    log.warning("fetch.robots_not_kept", origin=origin, error=str(error)[:200])
        parsed = Protego.parse(for_agent(kept.text, self._agent)) if kept.text is not None else None
        return Rules(parsed, kept.problem), kept.expires_at


def for_agent(text: str, agent: str) -> str:
    """A robots.txt as RFC 9309 (2.2) reads it for `agent`, so that the parser's wider reading makes no difference.

    An agent's line counts as its product token ("Gapbridge/1.0"), and as ours only when that is the whole of ours. What stands between
    two such lines and is no rule ends no group (2.2.4); a Crawl-delay there is one of the agents before it only.
    """
    own = _token(agent)
    lines: list[str] = []
    # The agents of the group that begins: a set, so that a long row of them stays short.
    opening: dict[str, None] = {}
    between = False
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        named = _AGENT_LINE.match(line)
        if named:
            name = _token(named[1])
            opening[f"User-agent: {name if name in {'*', own} else _OTHERS}"] = None
            lines += opening if between else [*opening][-1:]
            between = False
            continue
        lines.append(line)
        if _RULE_LINE.match(line):
            opening, between = {}, False
        elif line:
            between = bool(opening)
    return "\n".join(lines)


def _token(name: str) -> str:
    found = _TOKEN.match(name)
    return found[0].lower() if found else _OTHERS


def _kept(origin: str, answer: Fetched | NotFetched, now: datetime) -> KeptRobots:
    if isinstance(answer, NotFetched):
        # What keeps us from robots.txt keeps us from the page too: its own reason says more than "robots".
        return KeptRobots(None, (answer.reason, answer.sentence), now + _KEEP_LEAST)
    if answer.status in {408, 425, 429} or answer.status >= 500:
        sentence = f"{origin}/robots.txt answered {answer.status}, so the site counts as closed for now (RFC 9309)."
        return KeptRobots(None, (Reason.ROBOTS_UNAVAILABLE, sentence), now + _KEEP_LEAST)
    age = _MAX_AGE.search(", ".join(answer.header("cache-control")))
    until = now + min(max(timedelta(seconds=int(age[1])) if age else _KEEP, _KEEP_LEAST), _KEEP)
    if answer.status != 200:
        return KeptRobots(None, None, until)  # "unavailable" in RFC 9309 2.3.1.3: there are no rules
    return KeptRobots(answer.text[:_MAX_TEXT], None, until)
