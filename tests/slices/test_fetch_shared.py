"""What processes share about other people's servers: whose turn it is, and robots.txt."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.ports import Fetched, NotFetched, Reason
from app.fetch.shared import SharedRobots, SharedTurns
from app.models import HostTurn, RobotsText
from tests.support.webserver import WebServer

GAP = 0.25


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/": "<p>home</p>"}) as made:
        yield made


def client(server: WebServer, clock: FixedClock, **values: Any) -> GuardedFetcher:
    guard = Guard(static={"site.test": server.pinned}, static_private=True)
    return GuardedFetcher(guard, user_agent="Gapbridge/9", timeout=5.0, clock=clock, **{"host_gap": 0.0, **values})


def test_two_processes_keep_the_crawl_delay_together(database_url: str, server: WebServer) -> None:
    each, times = 4, []

    def page(handler: Any) -> None:
        times.append(time.monotonic())
        handler.give("<p>page</p>")

    server.routes.update({f"/{n}": page for n in range(each)})
    server.routes["/robots.txt"] = f"User-agent: *\nCrawl-delay: {GAP}\n"
    command = [sys.executable, "-m", "tests.support.polite_rig", database_url, server.pinned, str(each)]
    rigs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for rig in rigs:
        assert rig.stdout
        assert rig.stdout.readline() == "ready\n"
    for rig in rigs:
        assert rig.stdin
        rig.stdin.write("go\n")
        rig.stdin.flush()
    assert [rig.communicate(timeout=60)[0] for rig in rigs] == [f"{each}\n"] * 2
    # Each process for itself would need three delays. Half a delay is left to a busy machine.
    assert len(times) == 2 * each
    assert max(times) - min(times) >= (2 * each - 1.5) * GAP
    assert server.paths().count("/robots.txt") <= 2


def test_a_turn_is_booked_behind_the_one_before(db: Database) -> None:
    one, two = SharedTurns(db), SharedTurns(db)
    first = one.book("site.test", 10.0, 15.0)
    second = two.book("site.test", 10.0, 15.0)
    assert first
    assert second
    assert second[0] - first[1] - 0.001 <= 10.0 <= second[1] - first[0] + 0.001
    assert two.book("site.test", 10.0, 15.0) is None  # twenty seconds away: nothing is booked
    assert two.book("site.test", 10.0, 25.0) is not None
    other = two.book("other.test", 10.0, 15.0)
    assert other
    assert other[0] <= time.monotonic()


def test_what_a_host_asks_for_holds_for_all_processes(db: Database) -> None:
    one, two = SharedTurns(db), SharedTurns(db)
    one.hold("site.test", 3600.0)
    assert two.book("site.test", 1.0, 30.0) is None
    assert two.book("other.test", 1.0, 30.0)
    two.hold("site.test", 5.0)  # a shorter wait does not end a longer one
    assert one.book("site.test", 1.0, 30.0) is None
    assert one.book("site.test", 1.0, 3601.0)


def test_a_clock_that_was_set_back_holds_no_host_up(db: Database) -> None:
    turns = SharedTurns(db)
    assert turns.book("site.test", 1.0, 30.0)
    with db.work() as uow:
        uow.session.exec(select(HostTurn)).one().next_at += 400 * 86_400
    assert turns.book("site.test", 1.0, 30.0)
    with db.read() as look:
        assert look.session.exec(select(HostTurn)).one().next_at < time.time() + 3600


def test_without_the_database_a_process_keeps_its_own_pace(server: WebServer, clock: FixedClock) -> None:
    class Away:
        def book(self, host: str, gap: float, longest: float) -> tuple[float, float] | None:
            raise OSError("the database is away")

        def hold(self, host: str, seconds: float) -> None:
            raise OSError("the database is away")

    with client(server, clock, host_gap=0.1, obey_robots=False, turns=Away()) as fetcher:
        started = time.monotonic()
        assert all(isinstance(fetcher.fetch("http://site.test/"), Fetched) for _ in range(3))
    assert time.monotonic() - started >= 0.2


def test_robots_txt_is_asked_once_for_all_and_again_when_it_has_expired(
    db: Database, server: WebServer, clock: FixedClock
) -> None:
    def asked() -> int:
        with client(server, clock, shelf=SharedRobots(db)) as fetcher:  # a process of its own, as far as this goes
            answer = fetcher.fetch("http://site.test/")
        assert isinstance(answer, NotFetched)
        assert answer.reason is Reason.ROBOTS
        return server.paths().count("/robots.txt")

    server.routes["/robots.txt"] = "User-agent: *\nDisallow: /\n"
    assert [asked(), asked()] == [1, 1]
    clock.advance(timedelta(hours=23, minutes=59))
    assert asked() == 1
    clock.advance(timedelta(minutes=2))
    server.routes["/robots.txt"] = lambda handler: handler.give(
        "User-agent: *\nDisallow: /\n", headers={"Cache-Control": "public, max-age=3600"}
    )
    assert [asked(), asked()] == [2, 2]
    clock.advance(timedelta(hours=1))
    assert asked() == 3
    assert server.paths() == ["/robots.txt"] * 3


def test_a_robots_txt_that_cannot_be_had_is_asked_for_again_soon(
    db: Database, server: WebServer, clock: FixedClock
) -> None:
    server.routes["/robots.txt"] = lambda handler: handler.give("", status=503)
    with client(server, clock, shelf=SharedRobots(db)) as fetcher:
        for _ in range(2):
            answer = fetcher.fetch("http://site.test/")
            assert isinstance(answer, NotFetched)
            assert answer.reason is Reason.ROBOTS_UNAVAILABLE
        with db.read() as look:
            row = look.session.exec(select(RobotsText)).one()
        assert (row.text, row.reason, row.expires_at) == (
            None,
            "robots-unavailable",
            clock.now() + timedelta(minutes=10),
        )
        clock.advance(timedelta(minutes=10))
        server.routes["/robots.txt"] = "User-agent: *\nAllow: /\n"
        assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
    assert server.paths().count("/robots.txt") == 2
