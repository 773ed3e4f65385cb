"""Servers that say odd things in their headers and in robots.txt: they are read as browsers do, and end no work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.clock import FixedClock
from app.db.work import Database
from app.fetch import client as guarded
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.pace import retry_after
from app.fetch.ports import Fetched, NotFetched, Reason
from app.fetch.robots import for_agent
from app.fetch.shared import SharedTurns
from tests.support.growth import LINEAR, growth, repeated
from tests.support.webserver import WebServer

# Dates with a number in them that is larger than any year, hour or zone.
BEYOND = [
    "Mon, 01 Jan 2024 00:00:00 +99999999999999",
    ", 99999999999999999999 Jan 99999999999999999 99:99:99",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
]


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/": "<p>home</p>"}) as made:
        yield made


def client(server: WebServer, **values: Any) -> GuardedFetcher:
    guard = Guard(static={"site.test": server.pinned}, static_private=True)
    return GuardedFetcher(guard, user_agent="Gapbridge/9", timeout=5.0, **{"host_gap": 0.0, **values})


def outcome(answer: Fetched | NotFetched) -> int | Reason:
    return answer.status if isinstance(answer, Fetched) else answer.reason


@pytest.mark.parametrize("date", BEYOND)
def test_a_date_beyond_all_dates_is_none(date: str, server: WebServer, clock: FixedClock) -> None:
    assert retry_after([date], clock.now()) is None
    server.routes["/busy"] = lambda handler: handler.give("", status=429, headers={"Retry-After": date})
    with client(server, clock=clock) as fetcher:
        assert outcome(fetcher.fetch("http://site.test/busy")) == 429


def test_what_nobody_foresaw_is_an_answer_and_is_not_kept(
    server: WebServer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(values: object, now: object) -> float:
        raise ZeroDivisionError

    server.routes["/robots.txt"] = lambda handler: handler.give("", status=503)
    with client(server, clock=clock) as fetcher:
        with monkeypatch.context() as patch:
            patch.setattr(guarded, "retry_after", broken)
            answer = fetcher.fetch("http://site.test/")
        assert isinstance(answer, NotFetched)
        assert (answer.reason, "ZeroDivisionError" in answer.sentence) == (Reason.BAD_RESPONSE, True)
        del server.routes["/robots.txt"]
        assert outcome(fetcher.fetch("http://site.test/")) == 200


def test_a_header_may_be_long(server: WebServer) -> None:
    policy = {"Content-Security-Policy": "script-src " + "https://cdn.site.test " * 1_000}
    server.routes["/"] = lambda handler: handler.give("<p>home</p>", headers=policy)
    endless = {"Content-Security-Policy": "a" * 200_000}
    server.routes["/endless"] = lambda handler: handler.give("<p>home</p>", headers=endless)
    with client(server) as fetcher:
        assert outcome(fetcher.fetch("http://site.test/")) == 200
        assert outcome(fetcher.fetch("http://site.test/endless")) is Reason.BAD_RESPONSE


@pytest.mark.parametrize(
    ("named", "expected"),
    [("none", 200), ("UTF-8", 200), ("identity", 200), ("br", Reason.BAD_ENCODING), ("gzip, br", Reason.BAD_ENCODING)],
)
def test_a_packing_that_is_none_is_left_alone(server: WebServer, named: str, expected: object) -> None:
    server.routes["/"] = lambda handler: handler.give("<p>home</p>", headers={"Content-Encoding": named})
    with client(server) as fetcher:
        assert outcome(fetcher.fetch("http://site.test/")) == expected


@pytest.mark.parametrize("asked", ["1000000000000", "90000", "1e308"])
def test_a_delay_of_more_than_a_day_is_a_delay_for_all_processes(
    db: Database, server: WebServer, clock: FixedClock, asked: str
) -> None:
    server.routes["/robots.txt"] = f"User-agent: *\nCrawl-delay: {asked}\n"
    for expected in (200, Reason.CRAWL_DELAY):
        with client(server, clock=clock, turns=SharedTurns(db)) as fetcher:
            assert outcome(fetcher.fetch("http://site.test/")) == expected
    assert server.paths().count("/") == 1


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("User-agent: Gapbridge/1.0\nDisallow: /", False),
        ("User-agent: Gapbridge bot\nDisallow: /", False),
        ("User-agent: GAPBRIDGE # us\nDisallow: /", False),
        ("User agent Gapbridge\nDisallow: /", False),
        ("User-agent: gap\nDisallow: /", True),
        ("User-agent: bridge\nDisallow: /", True),
        ("User-agent: Gapbridge-Images\nDisallow: /", True),
        ("User-agent: *bot\nDisallow: /", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\nUser-agent: Gapbridge/2\nAllow: /", True),
        ("User-agent: gap\nAllow: /\nUser-agent: *\nDisallow: /", False),
        ("User-agent: gapbridge\nCrawl-delay: 0\nUser-agent: foo\nDisallow: /", False),
        ("User-agent: gapbridge\nNoindex: /x\n\nUser-agent: foo\nUser-agent: bar\nDisallow: /", False),
        ("User-agent: gapbridge\nDisallow:\nUser-agent: foo\nDisallow: /", True),
    ],
)
def test_a_group_of_robots_txt_is_ours_by_its_product_token(server: WebServer, robots: str, allowed: bool) -> None:
    server.routes["/robots.txt"] = robots
    with client(server) as fetcher:
        assert outcome(fetcher.fetch("http://site.test/")) == (200 if allowed else Reason.ROBOTS)


def test_a_delay_between_two_agents_is_the_first_ones(server: WebServer) -> None:
    server.routes["/robots.txt"] = "User-agent: slow\nCrawl-delay: 900\n\nUser-agent: *\nDisallow: /private\n"
    with client(server) as fetcher:
        assert [outcome(fetcher.fetch(f"http://site.test/{path}")) for path in ("", "private", "")] == [
            200,
            Reason.ROBOTS,
            200,
        ]


@pytest.mark.parametrize(
    "seed", ["User-agent: a\nCrawl-delay: 1\n", "User-agent: a\n", "user-agent ", "User-agent: *\nx\n"]
)
def test_groups_are_read_in_time_that_grows_with_them(seed: str) -> None:
    assert growth(lambda text: for_agent(text, "Gapbridge"), repeated(seed), 400_000) < LINEAR
