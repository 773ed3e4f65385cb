"""The real table of work, on the installations that users run: whatever happens to the messages, each mail leaves once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.clock import FixedClock, SteppedClock
from app.db.work import Database
from app.jobs import Job, SilentDispatcher
from app.models import Contact, Outbound
from app.settings import Settings
from tests.conftest import START
from tests.support.brokers import namespace, until
from tests.support.databases import Templates
from tests.support.pitching import Desk, a_desk
from workers.broker import queue_of, queues
from workers.runtime import Runtime, assemble, disassemble
from workers.table import TABLE

INSTALLATIONS = [("sqlite", "memory"), ("postgresql", "redis"), ("postgresql", "rabbitmq")]


def test_every_job_has_its_work_and_only_one() -> None:
    assert sorted(work.job for work in TABLE) == sorted(Job)
    assert all(queue_of(job, "here") in queues("here") for job in Job)


def test_every_sweep_only_reads(database_url: str) -> None:
    database = Database(database_url, FixedClock(START), SilentDispatcher())
    try:
        for work in TABLE:
            with database.read() as look:
                assert list(work.due(look.session, look.now())) == []
    finally:
        database.dispose()


@pytest.fixture(params=INSTALLATIONS, ids="-".join)
def settings(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> Iterator[Settings]:
    database, broker = request.param
    with namespace(broker) as where, templates.copy(database, tmp_path) as url:
        yield Settings(
            _env_file=None,
            data_dir=tmp_path / "data",
            database_url=url,
            secret_key="test-key",
            sweep_seconds=0.2,
            fetch_allow_private=True,
            mail_allow_plaintext=True,
            **where,
        )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def desk(settings: Settings, clock: SteppedClock) -> Iterator[Desk]:
    """Whatever is approved here rings no bell: its messages are lost before they reach a broker."""
    database = Database(settings.resolved_database_url, clock, SilentDispatcher())
    with a_desk(database, settings, clock, mail=True, editors=EDITORS) as made:  # type: ignore[arg-type]
        yield made
    database.dispose()


# Nobody has two open conversations, so each mail goes to an editor of its own.
EDITORS = tuple(f"dana@{domain}" for domain in ("editor0.test", "editor1.test", "editor2.test", "last.test"))


def approve(desk: Desk, domain: str) -> None:
    prospect_id = desk.prospect(domain)
    with desk.db.work() as uow:
        uow.session.exec(select(Contact).where(Contact.prospect_id == prospect_id)).one().email = f"dana@{domain}"
    desk.approve(desk.propose(prospect_id))


def test_lost_bells_are_found_and_tripled_ones_do_no_harm(settings: Settings, clock: SteppedClock, desk: Desk) -> None:
    for number in range(3):
        approve(desk, f"editor{number}.test")
    clock.advance(settings.undo_window + timedelta(seconds=1))
    container, broker = assemble(desk.settings, clock=clock)
    runtime = Runtime(container, broker)
    runtime.start()
    try:
        until(lambda: len(desk.mails()) == 3, 30)
        with desk.db.read() as look:
            sent = list(look.session.exec(select(Outbound)))
        for _ in range(3):
            container.dispatcher.ring(Job.OUTBOX_DELIVER, 1)
            container.dispatcher.ring(Job.OUTBOX_RECONCILE, 1)
            container.dispatcher.ring(Job.INBOX_POLL, 1)
            for row in sent:
                assert row.sequence_run_id is not None
                container.dispatcher.ring(Job.SEQUENCES_ADVANCE, row.sequence_run_id)
                container.dispatcher.ring(Job.MENTIONS_CHECK, row.prospect_id)
        # When the last mail has left, the doubles before it have been worked off.
        approve(desk, "last.test")
        clock.advance(settings.undo_window + timedelta(seconds=1))
        until(lambda: len(desk.mails()) == 4, 30)
    finally:
        runtime.stop(timeout=30)
        disassemble(container, broker)
    held = sorted(str(mail["Message-ID"]) for mail in desk.mails())
    with desk.db.read() as look:
        assert held == sorted(look.session.exec(select(Outbound.message_id)))
    assert len(set(held)) == 4
