"""What other rooms see of the page fetcher: one verb, and two kinds of answer, a page or a named reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol


class Reason(StrEnum):
    """Why a page was not fetched. The names are stable: they are counted and shown."""

    BAD_URL = "bad-url"
    BLOCKED_ADDRESS = "blocked-address"
    BLOCKED_PORT = "blocked-port"
    ROBOTS = "robots"
    ROBOTS_UNAVAILABLE = "robots-unavailable"
    CRAWL_DELAY = "crawl-delay"
    DNS = "dns"
    TLS = "tls"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    NOT_HTML = "not-html"
    BAD_ENCODING = "bad-encoding"
    BAD_RESPONSE = "bad-response"
    NOT_RENDERED = "not-rendered"


Read = Literal["html", "any", "none"]
"""What to read of the answer: its text if it is a web page, its text whatever it is, or only its status and headers."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect: the URL that answered with it, and the status that it gave."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status.

    `url` is what was asked for, `final_url` what answered, `hops` the redirects in between. `headers` are in order with
    lower-case names. `text` is decoded; `truncated` says that the byte limit cut it. `fetched_at` is UTC. `sitemaps` are those
    that the robots.txt of the host that answered names.
    """

    url: str
    final_url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    fetched_at: datetime
    hops: tuple[Hop, ...] = ()
    truncated: bool = False
    size: int = 0
    charset: str = ""
    sitemaps: tuple[str, ...] = ()

    def header(self, name: str) -> list[str]:
        """All values of one header, in order."""
        return [value for key, value in self.headers if key == name.lower()]


@dataclass(frozen=True, slots=True)
class NotFetched:
    """No answer: the reason, a sentence for people, and how far the redirects had led. `at` is UTC."""

    url: str
    reason: Reason
    sentence: str
    at: datetime
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server at `url` (where the redirects had ended) called the state of its page when it was last read."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


class Fetcher(Protocol):
    """Gets other people's pages. Never raises for what a server or a URL does."""

    def fetch(
        self,
        url: str,
        *,
        read: Read = "html",
        until: Callable[[str], bool] | None = None,
        since: Validators | None = None,
    ) -> Fetched | NotFetched:
        """Fetch one page and follow its redirects. `since`: the server may answer 304 (unchanged), without a text.

        `until` is asked about the target of each redirect; when it says yes, the target is not fetched and the answer
        is the redirect itself with that target as `final_url`.
        """


class Renderer(Protocol):
    """Runs the scripts of a page that was fetched."""

    def render(self, page: Fetched) -> Fetched | NotFetched:
        """The same answer with the text that stands in the page when its scripts have run. Never raises for what the page does."""


class Turns(Protocol):
    """Whose turn it is to ask a host, for all processes that share it."""

    def book(self, host: str, gap: float, longest: float) -> tuple[float, float] | None:
        """Book the next free moment of `host`, and `gap` seconds after it: between which two moments it lies.

        Both by `time.monotonic()`; they differ by what is not known of the clocks. None when it is more than `longest` seconds
        away; then nothing is booked. Called from any thread.
        """

    def hold(self, host: str, seconds: float) -> None:
        """Give no turn of `host` before so many seconds have passed. Called from any thread."""


@dataclass(frozen=True, slots=True)
class KeptRobots:
    """A robots.txt that was asked for: its text, or None where there are no rules or the `problem` says why they are not known."""

    text: str | None
    problem: tuple[Reason, str] | None
    expires_at: datetime


class RobotsShelf(Protocol):
    """The robots.txt of every origin that any process has asked. Called from any thread."""

    def get(self, origin: str, now: datetime) -> KeptRobots | None:
        """What is known of `origin` and has not expired."""

    def put(self, origin: str, kept: KeptRobots, now: datetime) -> None:
        """Keep it for everybody."""
