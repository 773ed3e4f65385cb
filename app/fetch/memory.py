"""A fetcher without a network, for tests: a dict from URL to what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from app.clock import Clock, SystemClock
from app.domain.said import say
from app.fetch.ports import Fetched, Hop, NotFetched, Read, Reason, Validators
from app.fetch.urls import resolve

_MAX_REDIRECTS = 5


class MemoryFetcher:
    """Answers from `pages`: a string is an HTML page with status 200; a `Fetched` or a `NotFetched` is given as it is.

    A `Fetched` with a 3xx status and a `location` header is followed. What is not in the dict answers `connection`.
    `asked` lists the URLs in the order in which they were asked for.
    """

    def __init__(self, pages: Mapping[str, str | Fetched | NotFetched], clock: Clock | None = None) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []
        self._clock = clock or SystemClock()

    def fetch(
        self,
        url: str,
        *,
        read: Read = "html",
        until: Callable[[str], bool] | None = None,
        since: Validators | None = None,
    ) -> Fetched | NotFetched:
        """See `app.fetch.ports.Fetcher.fetch`."""
        now = self._clock.now()
        self.asked.append(url)
        hops: tuple[Hop, ...] = ()
        at = url
        while True:
            answer = self.pages.get(at)
            if answer is None:
                return NotFetched(url, Reason.CONNECTION, say("{at} does not answer.", at=at), now, hops)
            if isinstance(answer, NotFetched):
                return NotFetched(url, answer.reason, answer.sentence, now, hops)
            if isinstance(answer, str):
                answer = page(at, answer)
            if since is not None and since.url == at and since.etag and since.etag in answer.header("etag"):
                return Fetched(url, at, 304, answer.headers, "", now, hops)
            location = answer.header("location")
            if not 300 <= answer.status < 400 or not location:
                text = "" if read == "none" else answer.text
                return replace(answer, url=url, text=text, fetched_at=now, hops=hops, size=len(text), charset="utf-8")
            if len(hops) == _MAX_REDIRECTS:
                return NotFetched(
                    url,
                    Reason.TOO_MANY_REDIRECTS,
                    say("{url} redirects more than {max_redirects} times.", url=url, max_redirects=_MAX_REDIRECTS),
                    now,
                )
            hops = (*hops, Hop(at, answer.status))
            target = resolve(at, location[0])
            if target is None:
                return NotFetched(
                    url, Reason.BAD_URL, say("{at} redirects to what is not a web page.", at=at), now, hops
                )
            if until is not None and until(target):
                return Fetched(url, target, answer.status, answer.headers, "", now, hops)
            at = target


def page(
    url: str,
    html: str = "",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    truncated: bool = False,
) -> Fetched:
    """An answer for `MemoryFetcher`; `headers` come in addition to the content type."""
    given = {"content-type": "text/html; charset=utf-8", **{k.lower(): v for k, v in (headers or {}).items()}}
    now = SystemClock().now()
    return Fetched(url, url, status, tuple(given.items()), html, now, truncated=truncated, size=len(html))


def redirect(url: str, to: str, status: int = 301) -> Fetched:
    """A redirect for `MemoryFetcher`."""
    return page(url, status=status, headers={"location": to})
