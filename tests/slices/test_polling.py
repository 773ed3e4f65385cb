"""Whose turn it is: one look at a time, in slices, often by day and less by night, and nobody keeps the others waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.cadence import pause_before_next_look
from app.errors import MailboxFault
from app.inbox import polling, watches
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.jobs import Job, RecordingDispatcher
from app.mail.credentials import Credentials
from app.mail.ports import FolderName, MailStore
from app.models import Inbound, Lease, Mailbox, MailboxWatch
from app.settings import Settings
from tests.support.dovecot import dovecot
from tests.support.letters import letter
from tests.support.world import VAULT, a_mailbox

ANA = "ana@acme.test"
BUSY, QUIET = timedelta(seconds=60), timedelta(minutes=5)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T09:00:00", BUSY),  # Monday
        ("2026-11-23T19:59:00", BUSY),
        ("2026-11-23T20:00:00", QUIET),
        ("2026-11-24T06:58:00", timedelta(minutes=2)),  # not beyond the opening
        ("2026-11-24T06:59:50", BUSY),
        ("2026-11-21T12:00:00", QUIET),  # Saturday
        ("2026-11-22T23:59:00", QUIET),
    ],
)
def test_often_by_day_and_less_by_night(local: str, expected: timedelta) -> None:
    assert (
        pause_before_next_look(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")), BUSY, QUIET)
        == expected
    )


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


def a_deps(db: Database, settings: Settings, parser: MailParser, connect: object = None) -> InboxDeps:
    return InboxDeps(db, VAULT, settings, parser, connect or by_imap(settings, Credentials(db, settings, VAULT)))  # type: ignore[arg-type]


def watch_of(db: Database, mailbox_id: int = 1) -> MailboxWatch:
    with db.read() as uow:
        return uow.session.get_one(MailboxWatch, mailbox_id)


def due_of(db: Database, mailbox_id: int = 1) -> datetime | None:
    with db.read() as uow:
        return uow.session.get_one(Mailbox, mailbox_id).poll_due_at


class Empty:
    """A mailbox without a message; `during` runs in the middle of each look."""

    def __init__(self, during: object = None) -> None:
        self._during = during

    def folders(self) -> list[FolderName]:
        if callable(self._during):
            self._during()
        return []

    def close(self) -> None:
        pass


def test_one_look_at_a_time_and_only_when_due(db: Database, settings: Settings, parser: MailParser) -> None:
    with db.work() as uow:
        a_mailbox(uow)
    inside, go, results = threading.Event(), threading.Event(), []

    def slow() -> None:
        inside.set()
        assert go.wait(20)

    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        return Empty(slow)  # type: ignore[return-value]

    def look() -> None:
        results.append(polling.take_turn(a_deps(db, settings, parser, connect), 1))

    first = threading.Thread(target=look)
    first.start()
    assert inside.wait(20)
    with db.read() as uow:
        assert watches.due_mailboxes(uow.session, uow.now()) == []
    assert polling.take_turn(a_deps(db, settings, parser, connect), 1) is None
    go.set()
    first.join(20)
    assert len(results) == 1
    assert results[0] is not None
    assert watch_of(db).poll_owner is None
    # A doubled bell afterwards finds nothing due.
    assert polling.take_turn(a_deps(db, settings, parser, connect), 1) is None


def test_a_look_whose_worker_died_is_free_again(
    db: Database, settings: Settings, parser: MailParser, clock: FixedClock
) -> None:
    with db.work() as uow:
        a_mailbox(uow)
        assert watches.claim_look(uow.session, 1, "dead", uow.now(), uow.now() + timedelta(minutes=2))
    with db.work() as uow:
        assert not watches.claim_look(uow.session, 1, "other", uow.now(), uow.now() + timedelta(minutes=2))
    clock.advance(timedelta(minutes=3))
    with db.work() as uow:
        assert watches.due_mailboxes(uow.session, uow.now()) == [1]
        assert watches.claim_look(uow.session, 1, "other", uow.now(), uow.now() + timedelta(minutes=2))
        assert watches.held(uow.session, 1, "dead") is None


def test_a_clock_that_was_ahead_puts_no_look_off(
    db: Database, settings: Settings, parser: MailParser, clock: FixedClock
) -> None:
    for email in ("ana@acme.test", "bo@acme.test"):
        with db.work() as uow:
            a_mailbox(uow, email)

    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        if mailbox.id == 1:
            return Empty()  # type: ignore[return-value]
        raise MailboxFault("no answer")

    clock.advance(timedelta(days=10))
    deps = a_deps(db, settings, parser, connect)
    with suppress(MailboxFault):
        polling.take_turn(deps, 1)
    with suppress(MailboxFault):
        polling.take_turn(deps, 2)
    with db.work() as uow:
        uow.session.get_one(Mailbox, 1).poll_failures, uow.session.get_one(Mailbox, 1).polled_at = 0, uow.now()
        assert watches.claim_look(uow.session, 1, "died", uow.now(), uow.now() + timedelta(minutes=2))
        assert watches.due_mailboxes(uow.session, uow.now()) == []
    clock.advance(timedelta(days=-10))
    with db.read() as uow:
        assert watches.due_mailboxes(uow.session, uow.now()) == [1, 2]
    for mailbox_id in (1, 2):
        with suppress(MailboxFault):
            assert polling.take_turn(deps, mailbox_id) is not None
        due = due_of(db, mailbox_id)
        assert due is not None
        assert due <= clock.now() + timedelta(minutes=15)


@pytest.mark.parametrize("failures", [0, 1])
def test_who_rings_and_who_looks_agree_on_what_is_due(db: Database, failures: int) -> None:
    minutes = (None, -1, 0, 1, 14, 17, 60, 24 * 60 - 1, 24 * 60 + 2, 10 * 24 * 60)
    expected = []
    with db.work() as uow:
        now = uow.now()
        for number, ahead in enumerate(minutes):
            a_mailbox(uow, f"ana{number}@acme.test")
            box = uow.session.get_one(Mailbox, number + 1)
            box.poll_failures, box.polled_at = failures, now
            box.poll_due_at = None if ahead is None else now + timedelta(minutes=ahead)
            if watches.is_due(box, now):
                expected.append(ahead)
    with db.read() as uow:
        found = [minutes[mailbox_id - 1] for mailbox_id in sorted(watches.due_mailboxes(uow.session, now))]
    assert found == expected
    assert expected == [one for one in minutes if one is None or one <= 0 or one > (16 if failures else 24 * 60 + 1)]


def test_a_worker_whose_clock_was_ahead_holds_no_share_of_the_connections(db: Database, clock: FixedClock) -> None:
    minute = timedelta(minutes=1)
    with db.work() as uow:
        assert (
            watches.announce(uow.session, "dead", uow.now() + timedelta(days=10), uow.now() + timedelta(days=10)) == 0
        )
        assert watches.announce(uow.session, "alive", uow.now(), uow.now() + minute) == 1
        watches.forget_dead(uow.session, uow.now())
        assert [one.owner for one in uow.session.execute(select(Lease)).scalars()] == ["alive"]


def test_what_the_server_tells_of_during_a_look_is_looked_for_at_once(
    db: Database, settings: Settings, parser: MailParser, clock: FixedClock, dispatcher: RecordingDispatcher
) -> None:
    with dovecot(ANA) as server:
        with db.work() as uow:
            a_mailbox(uow, imap_port=server.port)
        real = by_imap(settings, Credentials(db, settings, VAULT))

        def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
            with db.work() as uow:
                watches.rung(uow.session, [1], uow.now())
            return real(mailbox, timeout)

        result = polling.take_turn(a_deps(db, settings, parser, connect), 1)
        assert result is not None
        assert result.current
        assert dispatcher.rung[-1] == (Job.INBOX_TOLD, 1)
        assert due_of(db) == clock.now()
        clock.advance(timedelta(seconds=1))
        assert polling.take_turn(a_deps(db, settings, parser), 1) is not None
        assert watch_of(db).rung_at is None
        assert due_of(db) == clock.now() + BUSY


def test_a_huge_mailbox_is_read_in_slices_at_the_end_of_the_line(
    db: Database, settings: Settings, parser: MailParser, clock: FixedClock
) -> None:
    with dovecot(ANA) as server:
        for number in range(300):
            server.put(ANA, letter(subject=f"m{number}"))
        with db.work() as uow:
            a_mailbox(uow, imap_port=server.port)
            a_mailbox(uow, "bo@acme.test", poll_due_at=clock.now() - timedelta(seconds=1))
        real = by_imap(settings, Credentials(db, settings, VAULT))

        def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
            # However quick this machine is, its letters do not fit into one slice.
            store = real(mailbox, timeout)
            fetch = store.fetch
            store.fetch = lambda uids: (time.sleep(0.3), fetch(uids))[1]  # type: ignore[method-assign]
            return store

        slices = 0
        stored = [0]
        while True:
            clock.advance(timedelta(seconds=1))
            result = polling.take_turn(a_deps(db, settings, parser, connect), 1, budget=timedelta(seconds=0.5))
            assert result is not None
            with db.read() as uow:
                stored.append(uow.session.execute(select(func.count()).select_from(Inbound)).scalar_one())
                mailbox = uow.session.get_one(Mailbox, 1)
                assert (mailbox.poll_error, mailbox.poll_failures) == (None, 0)
                if not result.unfinished:
                    break
                # Due again, but behind the other one.
                assert watches.due_mailboxes(uow.session, uow.now()) == [2, 1]
            slices += 1
            assert slices < 100
        assert slices > 1
        assert stored == sorted(stored)
        assert stored[-1] == 300


def test_hanging_mailboxes_leave_threads_for_the_others(
    db: Database, settings: Settings, parser: MailParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_SLOW_SECONDS", 0.0)
    monkeypatch.setattr(polling, "_turnstile", polling._Turnstile())
    settings = settings.model_copy(update={"poll_threads": 4})
    with db.work() as uow:
        for number in range(6):
            a_mailbox(uow, f"b{number}@hangs.test", imap_host="hangs.test")
        a_mailbox(uow, "ana@fine.test", imap_host="fine.test")
    inside, go = threading.Semaphore(0), threading.Event()

    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        if mailbox.imap_host == "hangs.test":
            inside.release()
            assert go.wait(20)
        raise MailboxFault("no answer")

    deps = a_deps(db, settings, parser, connect)

    def look(mailbox_id: int) -> None:
        with pytest.raises(MailboxFault):
            polling.take_turn(deps, mailbox_id)

    go.set()
    look(1)  # From now on its server is known to hang.
    go.clear()
    assert inside.acquire(timeout=20)
    threads = [threading.Thread(target=look, args=(number,)) for number in (2, 3)]
    for thread in threads:
        thread.start()
    assert inside.acquire(timeout=20)
    assert inside.acquire(timeout=20)
    # Half of the four threads hang. The next mailboxes of that server are put off, at once; others are looked into.
    started = time.monotonic()
    assert polling.take_turn(deps, 4) is None
    assert polling.take_turn(deps, 5) is None
    look(7)
    assert time.monotonic() - started < 15
    with db.read() as uow:
        assert uow.session.get_one(Mailbox, 4).poll_due_at == uow.now() + timedelta(seconds=5)
    go.set()
    for thread in threads:
        thread.join(20)


def test_the_longest_waiting_first(db: Database) -> None:
    now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    with db.work() as uow:
        for number, due in enumerate([now, None, now - timedelta(minutes=5), now + timedelta(minutes=1)]):
            a_mailbox(uow, f"b{number}@acme.test", poll_due_at=due)
        a_mailbox(uow, "off@acme.test", active=False)
    with db.read() as uow:
        assert watches.due_mailboxes(uow.session, now) == [2, 3, 1]
