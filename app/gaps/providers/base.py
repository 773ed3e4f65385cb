"""What every provider shares: a client that keeps to its limits, rows of one shape, and a price before the first request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx2

from app.domain.said import say
from app.errors import BadInput, Unavailable
from app.fetch.ports import Turns
from app.log import get_logger

log = get_logger("gaps")

_TRIES = 5
_LONGEST_WAIT = 120.0
#: So long a request may wait for its turn behind those of other pulls.
_LONGEST_TURN = 1_800.0
#: Limits are counted by the minute: who was refused for asking too often and is not told when to come back waits for the next one.
_WINDOW = 60.0
#: A gateway that gave up does not know what the server behind it did.
_UNKNOWN_END = (502, 504)
_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One referring domain. Unknown is None. `authority` is on the provider's own scale, brought to 0..100 by a plain division."""

    domain: str
    authority: float | None = None
    traffic: int | None = None
    links: int | None = None
    dofollow_links: int | None = None
    spam: bool | None = None
    first_seen: str | None = None
    last_seen: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one answer, and what the answer cost in the provider's unit; `unnamed`: rows of it that name no domain."""

    rows: list[Row]
    cost: float
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider allows. `a_minute`: requests; `retention`: how long its data may be kept (None: its terms set no end).

    `ends_at` are the row counts at which it cuts a list without a word; empty where it can be asked for the next page.
    """

    unit: str
    a_minute: int
    rows_a_request: int
    ends_at: tuple[int, ...] = ()
    retention: timedelta | None = None


class Provider(Protocol):
    """One paid tool."""

    name: str
    title: str
    terms: Terms
    #: The settings that hold its credentials, by the names of `Settings`.
    needs: tuple[str, ...]
    base_url: str

    def estimate(self, rows: int) -> float:
        """What `rows` referring domains of one target cost at most, in `terms.unit`."""

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """At most `rows` referring domains of `target`, the strongest first. Raises BadInput or Unavailable in words."""


class Client:
    """HTTP to one provider: spaced by its limit, tried again where it asks for that, and no credential in any error text.

    `turns` are shared by all processes that ask it: without them two pulls at once would ask twice as often as they may.
    `answered` counts the requests that were served, and `doubtful` those that may have been served, and so paid, although no answer came; before it asks again after
    one of them it calls `on_doubt`, which may raise.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        credentials: Mapping[str, str],
        *,
        a_minute: int,
        turns: Turns | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider, self.credentials = provider, credentials
        self._sleep, self._monotonic = sleep, monotonic
        self._gap = 60.0 / a_minute
        self._next = 0.0
        self._turns, self._host = turns, httpx2.URL(base_url).host
        self.answered = self.doubtful = 0
        self.on_doubt: Callable[[], None] = lambda: None
        # No proxy and no credentials out of the environment: only what the operator configured for Gapbridge.
        self._http = httpx2.Client(base_url=base_url, timeout=_TIMEOUT, trust_env=False, follow_redirects=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, **params: Any) -> httpx2.Response:
        """GET; raises Unavailable after five tries, BadInput for a refusal of the request or of the credentials."""
        return self._send("GET", path, headers=dict(headers or {}), params=params)

    def post(
        self, path: str, body: Any, *, headers: Mapping[str, str] | None = None, auth: Any = None
    ) -> httpx2.Response:
        """POST JSON; as `get`."""
        return self._send("POST", path, headers=dict(headers or {}), json=body, **({"auth": auth} if auth else {}))

    def _send(self, method: str, path: str, **rest: Any) -> httpx2.Response:
        said = "it did not answer"
        for attempt in range(_TRIES):
            self._pace()
            wait = 2.0 * 2**attempt
            before = self.doubtful
            try:
                response = self._http.request(method, path, **rest)
            except httpx2.TransportError as error:
                # The text of such an error may hold the address with the key in it; its kind says enough.
                said = f"it could not be reached ({type(error).__name__})"
                if not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                    self.doubtful += 1
            else:
                if response.status_code < 400:
                    self.answered += 1
                    return response
                said = f"it answered {response.status_code}"
                if response.status_code in (401, 403):
                    raise BadInput(
                        say(
                            "{provider} refuses the credentials ({status_code}); look at its key in the settings.",
                            provider=self.provider,
                            status_code=response.status_code,
                        )
                    )
                if response.status_code == 402:
                    raise BadInput(say("{provider}: the account has no units left (402).", provider=self.provider))
                if response.status_code != 429 and response.status_code < 500:
                    raise BadInput(
                        say(
                            "{provider} refuses the request ({status_code}): {words}",
                            provider=self.provider,
                            status_code=response.status_code,
                            words=words(response.text),
                        )
                    )
                wait = self._wait_after(response, wait)
            if attempt + 1 < _TRIES:
                if self.doubtful > before:
                    self.on_doubt()
                log.info("provider.waits", provider=self.provider, reason=said, seconds=wait)
                self._sleep(wait)
        raise Unavailable(
            say("{provider}: {said}, {tries} times; try again later.", provider=self.provider, said=said, tries=_TRIES)
        )

    def _wait_after(self, response: httpx2.Response, wait: float) -> float:
        """The seconds to wait after an answer that may be another one next time. Raises Unavailable where they are too many."""
        if response.status_code in _UNKNOWN_END:
            self.doubtful += 1
        asked = _asked(response)
        if asked is None and response.status_code == 429:
            asked = max(wait, _WINDOW)
        wait = asked or wait
        if wait > _LONGEST_WAIT:
            # Asking earlier than it allows would only make the wait longer.
            raise Unavailable(
                say(
                    "{provider}: it answered {code} and wants to be left alone for {minutes} minutes; come back after that.",
                    provider=self.provider,
                    code=response.status_code,
                    minutes=math.ceil(wait / 60),
                )
            )
        if asked and self._turns is not None:
            self._turns.hold(self._host, wait)
        return wait

    def _pace(self) -> None:
        if self._turns is not None:
            turn = self._turns.book(self._host, self._gap, _LONGEST_TURN)
            if turn is None:
                raise Unavailable(
                    say("{provider}: too many pulls wait for their turn; try again later.", provider=self.provider)
                )
            self._sleep(max(0.0, turn[1] - time.monotonic()))
            return
        now = self._monotonic()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._gap


def words(text: str) -> str:
    """The beginning of somebody's error text in one line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:2_000]).split())[:200]


def number(value: Any) -> int | None:
    """An integer out of a JSON or CSV cell; None for what is none."""
    try:
        return None if value in (None, "") else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def rating(value: Any, out_of: float = 100.0) -> float | None:
    """A rating as 0..100; None for what is none or is marked unknown by a negative number."""
    try:
        figure = None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None
    return None if figure is None or figure < 0 else round(figure * 100 / out_of, 1)


def day(value: Any) -> str | None:
    """`YYYY-MM-DD` out of a date or time as the providers write them; None for what is none."""
    text = str(value or "")[:10]
    return text if len(text) == 10 and text[4] == text[7] == "-" else None


def _asked(response: httpx2.Response) -> float | None:
    """The seconds that the server asks to wait (RFC 9110 10.2.3: a number, or a date by the server's own clock)."""
    text = response.headers.get("retry-after", "")
    try:
        # "inf" is a number too, and no time to come back.
        return max(0.0, float(text)) if math.isfinite(float(text)) else None
    except ValueError:
        pass
    try:
        now = response.headers.get("date")
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(text) - since).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
