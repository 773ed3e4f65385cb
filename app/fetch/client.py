"""The guarded client (docs/explanation/links.md): other people's pages, fetched politely and without trust.

One event loop in one thread of its own does the network; `fetch` is an ordinary call from any thread. Redirects are
followed here, not in the library, so that every hop passes the same checks as the first URL. The loop starts with the
first fetch, and again after a fork.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp
from yarl import URL

from app.clock import Clock, SystemClock
from app.domain.said import say
from app.fetch.body import BadEncoding, Unpacker, decode, unpacked_file
from app.fetch.guard import Guard, Refusal
from app.fetch.pace import MAX_HOLD_SECONDS, MAX_WAIT_SECONDS, Pace, retry_after, slack
from app.fetch.ports import Fetched, Hop, KeptRobots, NotFetched, Read, Reason, RobotsShelf, Turns, Validators
from app.fetch.robots import RobotsCache, Rules
from app.fetch.urls import Url, parse_url, resolve
from app.log import get_logger
from app.settings import Settings

log = get_logger("fetch")

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTML = frozenset({"text/html", "application/xhtml+xml", ""})
# A fetch that was held up so often after its turn had come leaves the host alone for now.
_TURNS = 5
_GRACE_SECONDS = 5.0
_HUGE = 500_000
_TOO_MUCH = frozenset({429, 503})
# The Content-Security-Policy of some sites is longer than the 8 KiB that are usual.
_LONGEST_HEADER = 65_536
# For a 429 that does not say for how long.
_USUAL_HOLD_SECONDS = 60.0


class _Stop(Exception):
    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class _Wish:
    read: Read
    until: Callable[[str], bool] | None = None
    since: Validators | None = None


class GuardedFetcher:
    """The `Fetcher` that uses the network. `timeout` is in seconds for a whole fetch, `max_bytes` counts after unpacking.

    `host_gap` is the least time in seconds between two fetches from one host; a robots.txt may ask for more. `private_gap` is the
    same for hosts on private addresses (None: no other). A host that answers 429 or 503 is left alone for as long as its
    Retry-After says, at most `pace.MAX_HOLD_SECONDS`. `concurrency` counts
    the fetches of this process that are under way. With `turns` and `shelf`, other processes keep the same pace and read the
    same robots.txt.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        user_agent: str,
        timeout: float = 20.0,
        max_bytes: int = 3_000_000,
        obey_robots: bool = True,
        host_gap: float = 1.0,
        private_gap: float | None = None,
        concurrency: int = 64,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
        turns: Turns | None = None,
        shelf: RobotsShelf | None = None,
    ) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._agent = user_agent.partition("/")[0].strip() or "Gapbridge"
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._obey_robots = obey_robots
        self._host_gap = host_gap
        self._private_gap = private_gap
        self._clock = clock or SystemClock()
        self._ssl = ssl_context
        self._concurrency = concurrency
        self._turns = turns
        self._shelf = shelf
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        clock: Clock | None = None,
        *,
        turns: Turns | None = None,
        shelf: RobotsShelf | None = None,
    ) -> GuardedFetcher:
        """The fetcher of an installation."""
        guard = Guard(
            static=settings.fetch_static_hosts,
            static_private=settings.fetch_allow_private,
            allow_private=settings.fetch_allow_private,
        )
        return cls(
            guard,
            user_agent=settings.user_agent,
            timeout=settings.fetch_timeout.total_seconds(),
            max_bytes=settings.fetch_max_bytes,
            obey_robots=settings.fetch_obey_robots,
            # Pages on private addresses are the sandbox's own: there is nobody to be polite to.
            private_gap=0.0 if settings.fetch_allow_private else None,
            concurrency=settings.fetch_concurrency,
            clock=clock,
            turns=turns,
            shelf=shelf,
        )

    def fetch(
        self,
        url: str,
        *,
        read: Read = "html",
        until: Callable[[str], bool] | None = None,
        since: Validators | None = None,
    ) -> Fetched | NotFetched:
        """See `app.fetch.ports.Fetcher.fetch`."""
        engine = self._running()
        future = asyncio.run_coroutine_threadsafe(self._fetch(engine, url, _Wish(read, until, since)), engine.loop)
        return future.result()

    def close(self) -> None:
        """Close the connections and end the thread. The next fetch starts anew."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None and engine.pid == os.getpid():
            engine.stop()

    def __enter__(self) -> GuardedFetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _running(self) -> _Engine:
        with self._lock:
            # A forked child inherits the object but not the thread.
            if self._engine is None or self._engine.pid != os.getpid():
                self._engine = _Engine(self)
            return self._engine

    async def _fetch(self, engine: _Engine, url: str, wish: _Wish) -> Fetched | NotFetched:
        hops: list[Hop] = []
        try:
            return await self._follow(engine, url, wish, hops)
        except (_Stop, Refusal) as stop:
            return NotFetched(url, stop.reason, stop.sentence, self._clock.now(), tuple(hops))
        except Exception as error:  # one answer that nobody foresaw must not end the work on all other pages
            log.exception("fetch.failed", url=url)
            sentence = f"{hops[-1].url if hops else url} could not be read ({type(error).__name__})."
            return NotFetched(url, Reason.BAD_RESPONSE, sentence, self._clock.now(), tuple(hops))

    async def _follow(self, engine: _Engine, url: str, wish: _Wish, hops: list[Hop]) -> Fetched:
        at = url
        left = self._timeout
        loop = asyncio.get_running_loop()
        while True:
            target = _parsed(at)
            self._guard.check_url(target)
            started = loop.time()
            rules = await self._permission(engine, target, left) if self._obey_robots else Rules()
            # Waiting for the host's turn is our politeness, not the server's slowness: it does not count as time used.
            left -= min(loop.time() - started, left / 2)
            answer, used = await self._in_turn(
                engine, target, wish, max(rules.delay(self._agent), await self._gap(target)), left
            )
            left -= used
            location = answer.header("location")
            if answer.status not in _REDIRECTS or not location:
                return replace(answer, url=url, hops=tuple(hops), sitemaps=rules.sitemaps)
            hops.append(Hop(at, answer.status))
            if len(hops) > MAX_REDIRECTS:
                raise _Stop(Reason.TOO_MANY_REDIRECTS, f"{url} redirects more than {MAX_REDIRECTS} times.")
            following = resolve(at, location[0])
            if following is None:
                raise _Stop(
                    Reason.BAD_URL, f"{at} redirects to an address that is not a web page: {location[0][:120]!r}."
                )
            if wish.until is not None and wish.until(following):
                return replace(answer, url=url, final_url=following, hops=tuple(hops), text="", size=0)
            at = following

    async def _in_turn(
        self, engine: _Engine, target: Url, wish: _Wish, gap: float, left: float
    ) -> tuple[Fetched, float]:
        """One request when its host's turn has come, and the seconds that it took."""
        loop = asyncio.get_running_loop()
        for _ in range(_TURNS):
            turn = await engine.pace.turn(target.host.name, gap)
            if turn is None:
                break
            async with engine.slots:
                started = loop.time()
                if gap > 0 and started - turn > slack(gap):
                    continue  # we were held up: the next turn of the host may be somebody else's, and is near
                answer = await self._once(engine, target, wish, left)
                used = loop.time() - started
            await self._leave_alone(engine, target, answer, polite=gap > 0)
            return answer, used
        if engine.pace.is_held(target.host.name):
            raise _Stop(Reason.CRAWL_DELAY, f"{target.origin} has told us to come back later.")
        raise _Stop(Reason.CRAWL_DELAY, f"{target.origin} asks for {gap:.0f} s between two fetches; later then.")

    async def _gap(self, target: Url) -> float:
        """The least time in seconds between two fetches from this host."""
        if self._private_gap is None or not await self._guard.is_private_host(target):
            return self._host_gap
        return self._private_gap

    async def _leave_alone(self, engine: _Engine, target: Url, answer: Fetched, *, polite: bool) -> None:
        """Book the next turn of a host that has too much to do for when it says, or for a minute hence."""
        if answer.status not in _TOO_MUCH:
            return
        seconds = retry_after(answer.header("retry-after"), self._clock.now())
        if seconds is None and answer.status == 429 and polite:
            seconds = _USUAL_HOLD_SECONDS
        if seconds:
            await engine.pace.hold(target.host.name, min(seconds, MAX_HOLD_SECONDS))

    async def _permission(self, engine: _Engine, target: Url, left: float) -> Rules:
        try:
            # The robots.txt waits for its turn as a page does, and has its own time-out.
            async with asyncio.timeout(left + (MAX_WAIT_SECONDS if self._host_gap > 0 else 0)):
                rules = await engine.robots.rules(target.origin)
        except TimeoutError:
            raise _Stop(Reason.TIMEOUT, f"{target.origin}/robots.txt did not answer in time.") from None
        refusal = rules.refusal(str(target), self._agent)
        if refusal is not None:
            raise _Stop(*refusal)
        return rules

    async def robots_text(self, engine: _Engine, url: str) -> Fetched | NotFetched | KeptRobots:
        """One robots.txt with its redirects, for `RobotsCache`: the same checks, but no robots of its own.

        What another process has put on the shelf while this one waited for its turn is given as it is.
        """
        hops: list[Hop] = []
        at = url
        waited = False
        try:
            async with asyncio.timeout(self._timeout + (MAX_WAIT_SECONDS if self._host_gap > 0 else 0)):
                while True:
                    target = _parsed(at)
                    self._guard.check_url(target)
                    gap = await self._gap(target)
                    if gap > 0 and not waited:
                        waited = True
                        await engine.pace.turn(target.host.name, gap)
                        if (kept := await engine.robots.known(target.origin)) is not None:
                            return kept
                    answer = await self._once_in_slot(engine, target, _Wish("any"), self._timeout)
                    await self._leave_alone(engine, target, answer, polite=gap > 0)
                    location = answer.header("location")
                    if answer.status not in _REDIRECTS or not location:
                        return answer
                    hops.append(Hop(at, answer.status))
                    following = resolve(at, location[0])
                    if following is None or len(hops) > MAX_REDIRECTS:
                        return replace(answer, status=404)  # RFC 9309 2.3.1.2: then there are no rules
                    at = following
        except (_Stop, Refusal) as stop:
            return NotFetched(url, stop.reason, stop.sentence, self._clock.now())
        except TimeoutError:
            return NotFetched(url, Reason.TIMEOUT, say("{url} did not answer in time.", url=url), self._clock.now())

    async def _once_in_slot(self, engine: _Engine, target: Url, wish: _Wish, left: float) -> Fetched:
        async with engine.slots:
            return await self._once(engine, target, wish, left)

    async def _once(self, engine: _Engine, target: Url, wish: _Wish, left: float) -> Fetched:
        """One request and its answer. Raises `_Stop` or `Refusal`."""
        try:
            async with asyncio.timeout(max(left, 0.0)):
                return await self._request(engine, target, wish)
        except TimeoutError:
            raise _Stop(Reason.TIMEOUT, f"{target} did not answer completely within {self._timeout:g} s.") from None
        except BadEncoding as error:
            raise _Stop(Reason.BAD_ENCODING, f"{target}: {error}.") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Refusal):
                raise error.os_error from None
            raise _connection_stop(target, error) from error
        except aiohttp.ClientSSLError as error:
            raise _Stop(Reason.TLS, f"{target.origin} has no valid TLS certificate ({error}).") from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise _Stop(Reason.CONNECTION, f"The connection to {target.origin} broke ({_brief(error)}).") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise _Stop(Reason.BAD_RESPONSE, f"{target.origin} did not answer in HTTP ({_brief(error)}).") from error

    async def _request(self, engine: _Engine, target: Url, wish: _Wish) -> Fetched:
        read = wish.read
        headers = {
            "User-Agent": self._user_agent,
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
            # Only what `Unpacker` unpacks within a limit.
            "Accept-Encoding": "gzip, deflate",
        }
        if wish.since is not None and wish.since.url == str(target):
            # RFC 9110 13.1: both may be sent; a server that knows the first leaves the second alone.
            named = {"If-None-Match": wish.since.etag, "If-Modified-Since": wish.since.last_modified}
            headers |= {name: value for name, value in named.items() if value}
        address = URL(str(target), encoded=True)
        async with engine.session.get(address, headers=headers, allow_redirects=False) as response:
            fields = tuple((name.lower(), value) for name, value in response.headers.items())
            kind = response.headers.get("Content-Type", "")
            answer = Fetched(str(target), str(target), response.status, fields, "", self._clock.now())
            following = response.status in _REDIRECTS and "Location" in response.headers
            if read == "none" or following or response.status == 304:
                response.close()
                return answer
            if read == "html" and response.status < 400 and kind.partition(";")[0].strip().lower() not in _HTML:
                response.close()
                raise _Stop(Reason.NOT_HTML, f"{target} is '{kind[:60]}', not a web page.")
            unpacker = Unpacker(response.headers.get("Content-Encoding", ""), self._max_bytes)
            async for chunk in response.content.iter_any():
                if not unpacker.feed(chunk):
                    response.close()
                    break
            body, cut = unpacker.finish(), unpacker.truncated
            if read == "any":
                # A packed file is no packed answer: a sitemap may be called so and come as it lies on the disk.
                body, more = unpacked_file(body, self._max_bytes)
                cut = cut or more
        # A thread costs more than to decode a usual page; a huge one would hold up everybody else's.
        text, charset = decode(body, kind) if len(body) < _HUGE else await asyncio.to_thread(decode, body, kind)
        return replace(answer, text=text, charset=charset, size=len(body), truncated=cut)


class _Engine:
    """The thread, its loop, and what lives on it."""

    def __init__(self, owner: GuardedFetcher) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="gapbridge-fetch", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(owner), self.loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _open(self, owner: GuardedFetcher) -> None:
        connector = aiohttp.TCPConnector(
            resolver=owner._guard,
            socket_factory=owner._guard.open_socket,
            use_dns_cache=False,  # a kept answer would be one that the guard has not seen for this connection
            limit=owner._concurrency,
            limit_per_host=4,
            keepalive_timeout=10,
            ssl=owner._ssl or True,
        )
        self.session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            max_field_size=_LONGEST_HEADER,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=owner._timeout, sock_read=owner._timeout),
        )
        self.slots = asyncio.Semaphore(owner._concurrency)
        self.pace = Pace(owner._turns)
        self.robots = RobotsCache(lambda url: owner.robots_text(self, url), owner._agent, owner._clock, owner._shelf)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self.loop).result(timeout=_GRACE_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=_GRACE_SECONDS)
        self.loop.close()

    async def _shut(self) -> None:
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.session.close()


def _parsed(text: str) -> Url:
    try:
        return parse_url(text)
    except ValueError as error:
        raise _Stop(Reason.BAD_URL, f"{error}.") from error


def _connection_stop(target: Url, error: aiohttp.ClientConnectorError) -> _Stop:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        # Only this one says that there is no such name; any other is a fault of a name server, or on the way to it.
        if isinstance(error.os_error, socket.gaierror) and error.os_error.errno == socket.EAI_NONAME:
            return _Stop(Reason.DNS, f"There is no address for '{target.host.name}'.")
        return _Stop(
            Reason.CONNECTION, f"The address of '{target.host.name}' could not be looked up ({_brief(error.os_error)})."
        )
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return _Stop(Reason.TLS, f"{target.origin} has no valid TLS certificate ({_brief(error)}).")
    return _Stop(Reason.CONNECTION, f"No connection to {target.origin} ({_brief(error.os_error)}).")


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
