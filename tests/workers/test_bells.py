"""A bell reaches its actor on every broker; lost, doubled and undeliverable bells do no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from dramatiq import Broker
from sqlmodel import Session, col, select

from app.container import Container
from app.db.work import UnitOfWork
from app.errors import BadInput, Unavailable
from app.jobs import Job
from app.log import correlated, correlation_id
from app.models import Link, LinkState, Prospect, Site
from app.settings import Settings
from tests.conftest import START
from tests.support.brokers import namespace, purge, until
from tests.support.databases import Templates
from workers.broker import EmbeddedBroker, backlog, check, make_broker, queue_of
from workers.runtime import Runtime, assemble, disassemble
from workers.work import Work

KINDS = ["memory", "redis", "rabbitmq"]


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> Iterator[Settings]:
    """An installation on each broker; the database is the embedded one, for here the broker is what differs."""
    with namespace(request.param) as broker, templates.copy("sqlite", tmp_path) as url:
        yield Settings(
            _env_file=None, data_dir=tmp_path, database_url=url, sweep_seconds=3600, worker_threads=4, **broker
        )


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., tuple[Container, Broker, Runtime]]]:
    """Starts a runtime on a table; everything is stopped after the test."""
    running: list[tuple[Container, Broker, Runtime]] = []

    def go(*table: Work) -> tuple[Container, Broker, Runtime]:
        container, broker = assemble(settings)
        runtime = Runtime(container, broker, table)
        runtime.start()
        running.append((container, broker, runtime))
        return running[-1]

    yield go
    for container, broker, runtime in running:
        runtime.stop(timeout=10)
        disassemble(container, broker)


def nothing_due(session: Session, now: datetime) -> list[int]:
    return []


class Seen:
    """An actor's body that notes its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, str | None]] = []

    def __call__(self, container: Container, row_id: int) -> None:
        self.calls.append((row_id, correlation_id()))


def test_a_bell_reaches_its_actor_with_the_correlation_id(
    start: Callable[..., tuple[Container, Broker, Runtime]],
) -> None:
    seen, other = Seen(), Seen()
    container, _, _ = start(
        Work(Job.OUTBOX_DELIVER, run=seen, due=nothing_due), Work(Job.LINKS_CHECK, run=other, due=nothing_due)
    )
    with correlated("request-1"), container.db.work() as uow:
        uow.ring(Job.OUTBOX_DELIVER, 7)
        assert seen.calls == []  # nothing rings before the commit
    container.dispatcher.ring(Job.LINKS_CHECK, 8)
    until(lambda: seen.calls and other.calls)
    assert seen.calls == [(7, "request-1")]
    # A bell that nobody asked for has a trace of its own: the thread does not pass on the one before.
    assert other.calls[0][0] == 8
    assert other.calls[0][1] not in (None, "request-1")


def test_a_failing_job_harms_nobody_and_leaves_nothing_behind(
    start: Callable[..., tuple[Container, Broker, Runtime]],
) -> None:
    seen = Seen()

    def fail(container: Container, row_id: int) -> None:
        raise Unavailable("the page does not answer") if row_id % 2 else RuntimeError("a fault of ours")

    container, broker, _ = start(
        Work(Job.LINKS_CHECK, run=fail, due=nothing_due), Work(Job.MENTIONS_CHECK, run=seen, due=nothing_due)
    )
    for number in range(50):
        container.dispatcher.ring(Job.LINKS_CHECK, number)
    container.dispatcher.ring(Job.MENTIONS_CHECK, 1)
    until(lambda: seen.calls)
    until(lambda: backlog(broker, queue_of(Job.LINKS_CHECK, container.settings.broker_namespace)) == 0)
    if isinstance(broker, EmbeddedBroker):
        assert len(broker.dead_letters) == 0


def seed_links(uow: UnitOfWork, count: int) -> None:
    uow.session.add(Site(name="Acme", domains=["acme.test"], brand_names=["Acme"], created_at=START))
    uow.session.flush()
    for number in range(1, count + 1):
        uow.session.add(
            Prospect(site_id=1, domain=f"d{number}.test", rank_key=str(number), created_at=START, updated_at=START)
        )
        uow.session.flush()
        uow.session.add(
            Link(
                site_id=1,
                prospect_id=number,
                source_url=f"http://d{number}.test/",
                state=LinkState.LIVE,
                verified=True,
                first_seen_at=START,
                check_due_at=START,
            )
        )


def due_links(session: Session, now: datetime) -> list[int]:
    return list(session.exec(select(Link.id).where(col(Link.check_due_at) <= now).order_by(col(Link.check_due_at))))


class Checker:
    """A job as the rules want it: the row is claimed by compare-and-set, so a second bell for it finds nothing to do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done: list[int] = []

    def __call__(self, container: Container, row_id: int) -> None:
        with container.db.work() as uow:
            row = uow.session.get(Link, row_id)
            if row is None or row.check_due_at is None or row.check_due_at > uow.now():
                return
            row.check_due_at = uow.now() + timedelta(days=1)
        with self.lock:
            self.done.append(row_id)


def test_losing_every_message_loses_nothing(
    settings: Settings, start: Callable[..., tuple[Container, Broker, Runtime]]
) -> None:
    container, broker = assemble(settings)
    try:
        with container.db.work() as uow:
            seed_links(uow, 20)
            for number in range(1, 21):
                uow.ring(Job.LINKS_CHECK, number)
        queue = queue_of(Job.LINKS_CHECK, settings.broker_namespace)
        until(lambda: backlog(broker, queue) == 20)
        purge(broker, settings.broker_namespace)
        assert backlog(broker, queue) == 0
    finally:
        disassemble(container, broker)
    checker = Checker()
    start(Work(Job.LINKS_CHECK, run=checker, due=due_links))
    until(lambda: len(checker.done) == 20)
    assert sorted(checker.done) == list(range(1, 21))


def test_every_message_three_times_does_no_harm(start: Callable[..., tuple[Container, Broker, Runtime]]) -> None:
    checker = Checker()
    container, broker, runtime = start(Work(Job.LINKS_CHECK, run=checker, due=due_links))
    with container.db.work() as uow:
        seed_links(uow, 20)
    for _ in range(3):
        for number in range(1, 21):
            container.dispatcher.ring(Job.LINKS_CHECK, number)
    queue = queue_of(Job.LINKS_CHECK, container.settings.broker_namespace)
    until(lambda: len(checker.done) == 20 and backlog(broker, queue) == 0)
    assert runtime.clock.tick() == 0
    assert sorted(checker.done) == list(range(1, 21))


def test_a_backlog_is_not_rung_for_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.clock.BACKLOG", 30)
    container, broker = assemble(settings)
    try:
        runtime = Runtime(container, broker, [Work(Job.LINKS_CHECK, run=Checker(), due=due_links)])
        with container.db.work() as uow:
            seed_links(uow, 20)
        queue = queue_of(Job.LINKS_CHECK, settings.broker_namespace)
        for expected in (20, 40, 40):
            runtime.clock.tick()
            until(lambda expected=expected: backlog(broker, queue) == expected)
    finally:
        disassemble(container, broker)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://guest:guest@127.0.0.1:1"])
def test_a_broker_that_is_away_stops_nobody(url: str, tmp_path: Path, templates: Templates) -> None:
    from workers.metrics import BELLS

    with templates.copy("sqlite", tmp_path) as database:
        settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database, broker_url=url)
        container, broker = assemble(settings)
        missed = BELLS.labels(Job.INBOX_POLL, "missed")
        before = missed._value.get()
        with container.db.work() as uow:
            uow.ring(Job.INBOX_POLL, 1)
            uow.ring(Job.INBOX_POLL, 2)
        until(lambda: missed._value.get() == before + 2)
        with pytest.raises(Unavailable, match="GAPBRIDGE_BROKER_URL"):
            check(broker)
        disassemble(container, broker)


def test_an_unknown_broker_is_named() -> None:
    with pytest.raises(BadInput, match="'sqs'"):
        make_broker(Settings(_env_file=None, broker_url="sqs://x"))


def test_a_job_beyond_its_time_is_ended(start: Callable[..., tuple[Container, Broker, Runtime]]) -> None:
    ended = threading.Event()

    def stray(container: Container, row_id: int) -> None:
        import time

        from dramatiq.middleware import TimeLimitExceeded

        try:
            for _ in range(600):
                time.sleep(0.05)
        except TimeLimitExceeded:
            ended.set()
            raise

    container, _, _ = start(Work(Job.LINKS_CHECK, run=stray, due=nothing_due, time_limit=timedelta(milliseconds=200)))
    container.dispatcher.ring(Job.LINKS_CHECK, 1)
    assert ended.wait(10)


def test_a_stop_waits_for_the_running_job(settings: Settings) -> None:
    import time

    container, broker = assemble(settings)
    began, done = threading.Event(), threading.Event()

    def slow(container: Container, row_id: int) -> None:
        began.set()
        time.sleep(1)
        done.set()

    runtime = Runtime(container, broker, [Work(Job.OUTBOX_DELIVER, run=slow, due=nothing_due)])
    runtime.start()
    container.dispatcher.ring(Job.OUTBOX_DELIVER, 1)
    assert began.wait(10)
    runtime.stop()
    assert done.is_set()
    disassemble(container, broker)
