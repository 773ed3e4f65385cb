"""Waiting for mail: a word of the server makes a look due, each mailbox has one connection, and losses are told and rested."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import col

from app.clock import SystemClock
from app.commands.mailbox import list_mailboxes
from app.container import Container
from app.errors import MailboxFault
from app.inbox import polling
from app.inbox.deps import deps_of
from app.inbox.watching import Watcher, rest_after
from app.jobs import Job, RecordingDispatcher
from app.mail.idle import NoIdle
from app.mail.imap_signin import SignInRefused
from app.models import Inbound, Mailbox, MailboxWatch
from app.settings import Settings
from tests.support.dovecot import dovecot
from tests.support.letters import letter
from tests.support.world import a_mailbox

BOXES = [f"b{number}@acme.test" for number in range(8)]


@pytest.fixture
def container(settings: Settings, dispatcher: RecordingDispatcher) -> Iterator[Container]:
    chosen = settings.model_copy(update={"secret_key": SecretStr("test-key"), "idle_connecting": 4})
    made = Container(chosen, clock=SystemClock(), dispatcher=dispatcher)
    yield made
    made.close()


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def watches_of(container: Container) -> dict[int, MailboxWatch]:
    with container.db.read() as uow:
        return {row.mailbox_id: row for row in uow.session.execute(select(MailboxWatch)).scalars()}


def standing(container: Container, watcher: Watcher | None = None) -> int:
    rows = watches_of(container).values()
    return sum(row.idle_since is not None and (watcher is None or row.idle_owner == watcher.owner) for row in rows)


def fill(container: Container, port: int, count: int) -> None:
    """Mailboxes that were looked into once: only those are waited for."""
    with container.db.work() as uow:
        for address in BOXES[:count]:
            a_mailbox(uow, address, imap_port=port)
    deps = deps_of(container)
    for mailbox_id in range(1, count + 1):
        assert polling.take_turn(deps, mailbox_id) is not None


def test_a_reply_is_looked_for_as_soon_as_the_server_has_it(
    container: Container, dispatcher: RecordingDispatcher
) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 3)
        dispatcher.rung.clear()
        watcher = Watcher(container, round_seconds=0.2)
        watcher.start()
        try:
            until(lambda: standing(container) == 3)
            assert dispatcher.rung == []  # nothing has come since the look
            server.put(BOXES[1], letter(to=BOXES[1]))
            until(lambda: (Job.INBOX_TOLD, 2) in dispatcher.rung)
            assert set(dispatcher.rung) == {(Job.INBOX_TOLD, 2)}
            # The row says it, too: a lost bell is found by the clock.
            assert watches_of(container)[2].rung_at is not None
            result = polling.take_turn(deps_of(container), 2)
            assert result is not None
            assert result.stored == 1
            assert watches_of(container)[2].rung_at is None
            with container.db.read() as uow:
                assert uow.session.execute(select(col(Inbound.mailbox_id))).scalars().all() == [2]
        finally:
            watcher.stop()
        assert standing(container) == 0


def test_mail_that_came_before_the_connection_stood_is_not_overlooked(
    container: Container, dispatcher: RecordingDispatcher
) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 2)
        server.put(BOXES[0], letter(to=BOXES[0]))
        dispatcher.rung.clear()
        watcher = Watcher(container, round_seconds=0.2)
        watcher.start()
        try:
            until(lambda: standing(container) == 2)
            until(lambda: dispatcher.rung)
            assert set(dispatcher.rung) == {(Job.INBOX_TOLD, 1)}
        finally:
            watcher.stop()


def test_processes_share_the_mailboxes_and_take_over_at_once(container: Container) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 8)
        first, second = Watcher(container, round_seconds=0.2), Watcher(container, round_seconds=0.2)
        first.start()
        try:
            until(lambda: standing(container, first) == 8)
            second.start()
            until(lambda: standing(container, first) == 4 and standing(container, second) == 4)
        finally:
            first.stop()
        try:
            until(lambda: standing(container, second) == 8)
            # What is switched off is let go; what is switched on again is taken.
            with container.db.work() as uow:
                uow.session.get_one(Mailbox, 5).active = False
            until(lambda: standing(container, second) == 7)
        finally:
            second.stop()


def test_a_server_that_goes_away_is_told_and_tried_again_after_a_rest(container: Container) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 2)
        watcher = Watcher(container, round_seconds=0.2)
        watcher.start()
        try:
            until(lambda: standing(container) == 2)
            server.stop()
            until(lambda: standing(container) == 0)
            rows = watches_of(container).values()
            now = container.clock.now()
            for row in rows:
                assert row.idle_error
                assert row.idle_owner is None
                assert row.idle_failures >= 1
                assert row.idle_retry_at is not None
                assert row.idle_retry_at > now
        finally:
            watcher.stop()


def test_a_mailbox_that_cannot_be_read_is_not_waited_for(container: Container) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 3)
        with container.db.work() as uow:
            uow.session.get_one(Mailbox, 1).poll_failures = 1
            uow.session.get_one(Mailbox, 2).polled_at = None
        watcher = Watcher(container, round_seconds=0.2)
        watcher.start()
        try:
            until(lambda: standing(container) == 1)
            time.sleep(0.6)
            assert {key for key, row in watches_of(container).items() if row.idle_owner} == {3}
        finally:
            watcher.stop()


def test_a_server_without_idle_is_only_polled(container: Container) -> None:
    with dovecot(*BOXES, capabilities="IMAP4rev1") as server:
        fill(container, server.port, 1)
        watcher = Watcher(container, round_seconds=0.2)
        watcher.start()
        try:
            until(lambda: watches_of(container)[1].idle_error)
            row = watches_of(container)[1]
            assert row.idle_error == "127.0.0.1 does not offer IDLE"
            assert row.idle_retry_at is not None
            assert row.idle_retry_at - container.clock.now() > timedelta(hours=20)
        finally:
            watcher.stop()


def test_it_can_be_switched_off_and_limited(container: Container) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 4)
        container.rules.settings = container.settings.model_copy(update={"idle_connections": 0})
        off = Watcher(container, round_seconds=0.1)
        off.start()
        off.stop()
        container.rules.settings = container.settings.model_copy(update={"idle_connections": 2})
        watcher = Watcher(container, round_seconds=0.1)
        watcher.start()
        try:
            until(lambda: standing(container) == 2)
            time.sleep(0.5)
            assert standing(container) == 2
        finally:
            watcher.stop()


def test_the_list_of_mailboxes_says_who_is_waited_for(
    container: Container, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with dovecot(*BOXES) as server:
        fill(container, server.port, 1)
        watcher = Watcher(container, round_seconds=0.1)
        watcher.start()
        try:
            until(lambda: standing(container) == 1)
            monkeypatch.setenv("GAPBRIDGE_DATABASE_URL", container.settings.resolved_database_url)
            monkeypatch.setenv("GAPBRIDGE_DATA_DIR", str(container.settings.data_dir))
            list_mailboxes(as_json=True)
            # Log lines of the threads may stand around it.
            out = capsys.readouterr().out
            (row,), _ = json.JSONDecoder().raw_decode(out[out.index("[\n  {") :])
            assert row["waiting_since"]
            assert row["waiting_error"] is None
        finally:
            watcher.stop()


def test_rests_grow_and_are_spread() -> None:
    broken = MailboxFault("gone")
    rests = [rest_after(broken, failures, 0.5).total_seconds() for failures in range(1, 15)]
    assert rests[:4] == [5, 10, 20, 40]
    assert rests[-1] == 1800
    assert rest_after(broken, 1, 0.0) < rest_after(broken, 1, 1.0) == 3 * rest_after(broken, 1, 0.0)
    assert rest_after(SignInRefused("no"), 1, 0.5) == timedelta(minutes=15)
    assert rest_after(NoIdle("no"), 1, 0.5) == timedelta(days=1)
