"""Every path on which pages of others are looked for goes through the guard: 47 hosts, five ways to each, and a canary that stays silent.

What a site names in its feed, sitemap, links or redirects is chosen by its owner; none of these readers may be led to this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.contacts.reading import read_pages
from app.domain.angle_coverage import Topic
from app.evidence.reading import Reader, read_site, with_sitemap_date
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.ports import Fetched, Fetcher, NotFetched, Reason
from app.gaps import verify
from app.mentions import further
from app.sites import looking
from tests.slices.test_fetch_guard import HOSTS, REFUSED, address_of
from tests.support.webserver import Canary, Handler, WebServer, canary, redirect

BUDGET = 6
TOPIC = Topic(frozenset({"guid"}), frozenset({"rival"}), "guides", "en")
Answer = Fetched | NotFetched


def _evidence(fetcher: Fetcher, site: str) -> object:
    reader = Reader(fetcher, BUDGET)
    linked = with_sitemap_date(reader, reader.page(f"http://{site}/guide", "linked"))
    return linked, read_site(Reader(fetcher, BUDGET), site, f"http://{site}/guide", TOPIC)


#: Each reader of pages of others, as it is called with the domain of a site.
PATHS: dict[str, Callable[[Fetcher, str], object]] = {
    "verification": lambda fetcher, site: verify.look(fetcher, site, ["rival.example"], BUDGET),
    "reasons": _evidence,
    "mentions": lambda fetcher, site: further.named_pages(fetcher, site, f"http://{site}/guide", ["Acme"], [], BUDGET),
    "contacts": lambda fetcher, site: read_pages(fetcher, site, f"http://{site}/guide", BUDGET),
    "our pages": lambda fetcher, site: looking.look(fetcher, f"http://{site}/guide"),
}


class Noting:
    """A fetcher that keeps every answer."""

    def __init__(self, inner: GuardedFetcher) -> None:
        self.inner = inner
        self.answers: list[Answer] = []
        self.asked: list[str] = []

    def fetch(self, url: str, **how: Any) -> Answer:
        self.asked.append(url)
        answer = self.inner.fetch(url, **how)
        self.answers.append(answer)
        return answer


@pytest.fixture(scope="module")
def bird() -> Iterator[Canary]:
    with canary() as made:
        yield made


@pytest.fixture
def good(bird: Canary) -> Iterator[WebServer]:
    with WebServer({}, "127.0.0.77", bird.port) as server:
        yield server


def look(
    path: str, bird: Canary, site: str, lookup: Callable[[str], list[str]] | None = None, **static: str
) -> list[Answer]:
    """Let a reader look at a site; its answers, after the canary was asked."""
    before = bird.connections

    async def answers(host: str) -> list[str]:
        assert lookup is not None, f"{host} was not to be looked up"
        return lookup(host)

    guard = Guard(
        static={name.replace("_", "."): value for name, value in static.items()},
        static_private=True,
        lookup=answers if lookup else None,
        ports=frozenset({80, 443, bird.port}),
    )
    with GuardedFetcher(guard, user_agent="Gapbridge/0 (test)", timeout=5, host_gap=0) as inner:
        noting = Noting(inner)
        PATHS[path](noting, site)
    assert bird.connections == before, f"{path} was led to this machine"
    return noting.answers


def naming(urls: list[str]) -> dict[str, str]:
    """A site whose every list names `urls`: links, authors, feeds, the parts of a sitemap, its proper address."""
    links = "".join(f'<a href="{url}">Acme guide to rival</a><a rel="author" href="{url}">Jane Doe</a>' for url in urls)
    heads = "".join(
        f'<link rel="alternate" type="application/rss+xml" href="{url}"><link rel="canonical" href="{url}">'
        for url in urls
    )
    people = "".join(
        f'<script type="application/ld+json">{{"@type":"Article","author":{{"@type":"Person","name":"Jane Doe","url":"{url}"}}}}</script>'
        for url in urls
    )
    page = f"<html><head>{heads}{people}</head><body>{links}<p>A guide.</p></body></html>"
    items = "".join(f"<item><title>Acme guide</title><link>{url}</link></item>" for url in urls)
    parts = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return {
        "/": page,
        "/guide": page,
        "/feed": f"<rss><channel>{items}</channel></rss>",
        "/sitemap.xml": f"<sitemapindex>{parts}</sitemapindex>",
    }


def escaped(host: str, scheme: str, port: int) -> str:
    return f"{scheme}://{host}:{port}/guide-to-acme"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", PATHS)
def test_lists_that_name_the_hosts_lead_nowhere(bird: Canary, good: WebServer, path: str, scheme: str) -> None:
    for start in range(0, len(HOSTS), 4):
        # A few at a time, so that none stands behind the end of a budget.
        good.routes = naming([escaped(host, scheme, bird.port) for host in HOSTS[start : start + 4]])
        answers = look(path, bird, "good.example", good_example=good.pinned)
        assert any(isinstance(one, Fetched) and one.status == 200 for one in answers), "nothing was read at all"
        assert {one.final_url.split("/")[2] for one in answers if isinstance(one, Fetched)} == {"good.example"}


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_sent_to_a_third_site(good: WebServer, path: str) -> None:
    """Lists of one site do not make us ask another one, however public it is."""
    good.routes = naming(["http://other.example/guide-to-acme"])
    guard = Guard(static={"good.example": good.pinned, "other.example": good.pinned}, static_private=True)
    with GuardedFetcher(guard, user_agent="Gapbridge/0 (test)", timeout=5, host_gap=0) as inner:
        noting = Noting(inner)
        PATHS[path](noting, "good.example")
    assert noting.asked
    assert {url.split("/")[2] for url in noting.asked} == {"good.example"}


class Everywhere(dict[str, Any]):
    """Routes of a site that answers every path in one way, save robots.txt."""

    def __init__(self, route: Callable[[Handler], None]) -> None:
        super().__init__()
        self.route = route

    def get(self, path: str, default: Any = None) -> Any:
        return default if path == "/robots.txt" else self.route


@pytest.mark.parametrize("path", PATHS)
def test_redirects_to_the_hosts_are_refused(bird: Canary, good: WebServer, path: str) -> None:
    for host in HOSTS:
        good.routes = Everywhere(redirect(f"http://{host}:{bird.port}/"))
        answers = look(path, bird, "good.example", good_example=good.pinned)
        refused = [one.reason for one in answers if isinstance(one, NotFetched) and one.reason is not Reason.TLS]
        assert refused, host
        assert set(refused) <= REFUSED, host
        assert not any(isinstance(one, Fetched) for one in answers), host


@pytest.mark.parametrize("path", PATHS)
def test_names_that_resolve_to_the_hosts_are_refused(bird: Canary, path: str) -> None:
    for host in HOSTS:
        for found in ([address_of(host)], ["93.184.216.34", address_of(host)]):
            answers = look(path, bird, "evil.example", lambda _, found=found: found)  # type: ignore[misc]
            assert {one.reason for one in answers if isinstance(one, NotFetched)} == {Reason.BLOCKED_ADDRESS}, host
            assert not any(isinstance(one, Fetched) for one in answers), host


@pytest.mark.parametrize("path", PATHS)
def test_names_that_change_their_answer_are_refused(bird: Canary, good: WebServer, path: str) -> None:
    good.routes = naming([])
    for host in HOSTS:
        given = iter(["127.0.0.77"])
        answers = look(
            path,
            bird,
            f"rebind.example:{bird.port}" if path != "contacts" else "rebind.example",
            lambda _, given=given, host=host: [next(given, address_of(host))],  # type: ignore[misc]
            pinned_example=good.pinned,
        )
        refused = {one.reason for one in answers if isinstance(one, NotFetched)} - {Reason.TLS}
        assert refused == {Reason.BLOCKED_ADDRESS}, host
