"""One message that its server cannot give: the rest is read, it is put aside where people see it, and read once it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.errors import Conflict, MailboxFault
from app.inbox import folders, repository, service, unfetched
from app.inbox.parser import MailParser
from app.inbox.sync import sync_mailbox
from app.inbox.unfetched import GONE, RULE
from app.mail import upkeep
from app.mail.ports import Fetched, Head, Snapshot
from app.models import BlockingEvent, Inbound, InboundState, Mailbox, Unfetched
from app.settings import Settings
from tests.slices.test_inbox_sync import ANA, BUDGET, World, _with, _Wrapped, a_sent_pitch, a_world
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.world import a_mailbox


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


@pytest.fixture(scope="module")
def one_server() -> Iterator[Dovecot]:
    with dovecot(ANA) as running:
        yield running


@pytest.fixture
def world(db: Database, settings: Settings, parser: MailParser, one_server: Dovecot) -> World:
    one_server.empty(ANA)
    return a_world(db, settings, parser, one_server)


def damage(world: World, subject: str, folder: str = "INBOX", content: bytes = b"") -> bytes:
    """Leave of a message what a full disk does; returns what it was."""
    box = world.server.maildir(ANA, folder)
    for path in (*(box / "new").iterdir(), *(box / "cur").iterdir()):
        raw = path.read_bytes()
        if f"Subject: {subject}\r\n".encode() in raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") or not raw:
            path.write_bytes(content)
            return raw
    raise AssertionError(f"there is no message {subject}")


def quarantined(world: World) -> list[Inbound]:
    with world.db.read() as uow:
        state = col(Inbound.state) == InboundState.QUARANTINED
        return list(uow.session.execute(select(Inbound).where(state)).scalars())


def test_a_damaged_message_is_put_aside_after_three_looks_and_read_once_it_comes(
    world: World, clock: FixedClock
) -> None:
    for number in range(3):
        world.server.put(ANA, letter(subject=f"m{number}"))
    whole = damage(world, "m1")
    for _ in range(2):
        # Twice at one moment is one look: a fault that passes is no damage.
        with pytest.raises(MailboxFault, match="UID 2 in INBOX"):
            service.look(world.deps, 1)
    assert (world.subjects(), world.folder().next_uid) == (["m0", "m2"], 0)
    clock.advance(timedelta(minutes=1))
    assert "UID 2 in INBOX" in service.sync_until_current(world.deps, 1, BUDGET).reason
    clock.advance(timedelta(minutes=1))
    assert service.look(world.deps, 1).current
    [row] = quarantined(world)
    assert row.error is not None
    assert row.error.startswith("message UID 2 in INBOX cannot be fetched: ")
    assert row.error.endswith("; delete or move it")
    assert world.folder().next_uid == 4
    with world.db.read() as uow:
        assert folders.of_mailbox(uow, 1)[0].unfetched == (2,)
        assert uow.session.get_one(Mailbox, 1).poll_error is None
    world.server.put(ANA, letter(subject="m3"))
    assert service.sync_until_current(world.deps, 1, BUDGET).current
    # Whole again, as when its server is restored.
    damage(world, "", content=whole)
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).stored == 1
    with world.db.read() as uow:
        read = uow.session.get_one(Inbound, row.id)
        assert (read.state, read.subject, read.error) == (InboundState.DONE, "m1", None)
        assert uow.session.execute(select(Unfetched)).first() is None
    assert (world.count(), quarantined(world)) == (4, [])


class _Refuses(_Wrapped):
    """Says NO to every FETCH that holds UID 1, as Gmail does to what it has damaged; its headers can be read."""

    def fetch(self, uids: list[int]) -> dict[int, Fetched]:
        if 1 in uids:
            raise MailboxFault("imap.test answered an IMAP command with an error: Some messages could not be FETCHed")
        return self._inner.fetch(uids)


def test_what_the_head_names_is_paused_and_what_is_deleted_is_let_go(world: World, clock: FixedClock) -> None:
    out = a_sent_pitch(world)
    world.server.put(ANA, letter(in_reply_to=out.message_id, subject="Re: yes"))
    world.server.put(ANA, letter(subject="m1"))
    deps = _with(world, _Refuses)
    for _ in range(3):
        result = sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    assert result.current
    [row] = quarantined(world)
    assert (row.prospect_id, row.from_address, row.subject) == (out.prospect_id, "dana@editor.test", "Re: yes")
    with world.db.read() as uow:
        events = uow.session.execute(select(BlockingEvent)).scalars().all()
        assert [(one.kind, one.prospect_id) for one in events] == [(Blocking.POSSIBLE_REPLY, out.prospect_id)]
    # "Try again" asks the server at the next look; here it is given.
    with world.db.work() as uow:
        service.try_again(uow, row.id, actor="ana")
    assert service.look(world.deps, 1).stored == 1
    with world.db.read() as uow:
        read = uow.session.get_one(Inbound, row.id)
        assert (read.state, read.kind, read.match_kind) == (InboundState.DONE, "reply", "in-reply-to")


@pytest.mark.parametrize("sender", ["Dana <dana@editor.test>", "Boss <boss@acme.test>"])
def test_what_turns_out_to_be_automatic_pauses_nobody_any_more(world: World, clock: FixedClock, sender: str) -> None:
    out = a_sent_pitch(world)
    away = letter("I am out.", sender=sender, in_reply_to=out.message_id, auto_submitted="auto-replied")
    world.server.put(ANA, away)
    deps = _with(world, _Refuses)
    for _ in range(3):
        sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    [row] = quarantined(world)

    def pauses() -> list[bool]:
        with world.db.read() as uow:
            return [event.cleared_at is None for event in uow.session.execute(select(BlockingEvent)).scalars()]

    assert pauses() == [True]
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).stored == 1
    with world.db.read() as uow:
        read = uow.session.get_one(Inbound, row.id)
        assert (read.state, read.kind) == (InboundState.DONE, "auto-reply")
    assert pauses() == [False]


def test_a_deleted_one_leaves_the_tray(world: World, clock: FixedClock) -> None:
    world.server.put(ANA, letter(subject="m0"))
    deps = _with(world, _Refuses)
    for _ in range(3):
        sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    assert len(quarantined(world)) == 1
    world.server.expunge(ANA, 1)
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).current
    assert quarantined(world) == []


def test_what_another_mailbox_has_read_from_the_account_is_not_read_twice(world: World, clock: FixedClock) -> None:
    with world.db.work() as uow:
        ana = uow.session.get_one(Mailbox, 1)
        second = a_mailbox(uow, "press@acme.test", imap_port=ana.imap_port, username=ana.username)
    world.server.put(ANA, letter(subject="m0"))
    deps = _with(world, _Refuses)
    for _ in range(3):
        sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    assert len(quarantined(world)) == 1
    assert sync_mailbox(world.deps, second.id, budget=BUDGET).stored == 1
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).stored == 0
    assert (quarantined(world), world.subjects()) == ([], ["m0"])


def test_a_batch_that_fails_is_noted_in_few_statements(world: World) -> None:
    world.sync()
    wrote: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "unfetched" in statement:
            wrote.append(statement)

    with world.db.read() as uow:
        folder = next(one for one in repository.folders_of(uow.session, 1) if one.role == "inbox")
        mailbox = uow.session.get_one(Mailbox, 1)
    trouble = unfetched.Trouble(world.deps, mailbox, folder, [])
    unfetched.Trouble(world.deps, mailbox, folder, []).suspect([7], "first")
    event.listen(world.db.engine, "before_cursor_execute", seen)
    trouble.suspect(range(1, 51), "it failed")
    assert len(wrote) == 2
    with world.db.read() as uow:
        noted = {row.uid: row.error for row in unfetched.of_mailbox(uow.session, 1)}
    assert noted == {**dict.fromkeys(range(1, 51), "it failed"), 7: "first"}
    assert all(trouble.doubtful(uid) for uid in noted)


def test_what_is_gone_from_its_server_is_not_tried_again(world: World, clock: FixedClock) -> None:
    out = a_sent_pitch(world)
    world.server.put(ANA, letter(in_reply_to=out.message_id, subject="Re: yes"))
    deps = _with(world, _Refuses)
    for _ in range(3):
        sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    world.server.expunge(ANA, 1)
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).current
    # It has paused somebody, so it waits for a person, with the little that is known of it.
    [row] = quarantined(world)
    with world.db.work() as uow, pytest.raises(Conflict, match="any more"):
        service.try_again(uow, row.id, actor="ana")
    assert [one.subject for one in quarantined(world)] == ["Re: yes"]
    assert (row.rule, row.error) == (
        GONE,
        "it is gone from its server, or was read elsewhere, and could never be fetched here",
    )


def test_nothing_is_tried_again_in_a_mailbox_that_is_switched_off(world: World, clock: FixedClock) -> None:
    world.server.put(ANA, letter(subject="m0"))
    deps = _with(world, _Refuses)
    for _ in range(3):
        sync_mailbox(deps, 1, budget=BUDGET)
        clock.advance(timedelta(minutes=1))
    [row] = quarantined(world)
    assert row.rule == RULE
    with world.db.work() as uow:
        upkeep.switch_off(uow, 1, actor="ana")
    with world.db.work() as uow, pytest.raises(Conflict, match="switched off"):
        service.try_again(uow, row.id, actor="ana")


def test_a_server_that_gives_nothing_has_no_damaged_messages(world: World, clock: FixedClock) -> None:
    world.server.put(ANA, letter(subject="m0"))
    assert world.sync().current
    world.server.put(ANA, letter(subject="m1"))

    class Nothing(_Wrapped):
        def fetch(self, uids: list[int]) -> dict[int, Fetched]:
            raise MailboxFault("imap.test answered an IMAP command with an error: disk failure")

    for _ in range(4):
        result = sync_mailbox(_with(world, Nothing), 1, budget=BUDGET)
        assert not result.current
        assert "INBOX" in result.reason
        clock.advance(timedelta(minutes=1))
    assert quarantined(world) == []
    assert world.sync().stored == 1
    with world.db.read() as uow:
        assert uow.session.execute(select(Unfetched)).first() is None


def test_an_inbox_whose_read_mail_is_filed_away_has_damaged_messages_all_the_same(
    world: World, clock: FixedClock
) -> None:
    world.server.put(ANA, letter(subject="m0"))
    assert world.sync().current
    world.server.expunge(ANA, 1)
    world.server.put(ANA, letter(subject="m1"))
    damage(world, "m1")
    for _ in range(3):
        result = world.sync()
        clock.advance(timedelta(minutes=1))
    assert result.current
    assert len(quarantined(world)) == 1


class _Hangs(_Wrapped):
    """Says nothing any more once UID 2 of INBOX or Archive is named, its head too: all the time of the look goes by."""

    gone = 0.0
    opened = ""

    def examine(self, folder: str) -> Snapshot:
        self.opened = folder
        return self._inner.examine(folder)

    def fetch(self, uids: list[int]) -> dict[int, Fetched]:
        self._hang(uids)
        return self._inner.fetch(uids)

    def heads(self, uids: list[int]) -> dict[int, Head]:
        self._hang(uids)
        return self._inner.heads(uids)

    def message_ids(self, uids: list[int]) -> dict[int, str | None]:
        self._hang(uids)
        return self._inner.message_ids(uids)

    def _hang(self, uids: list[int]) -> None:
        if 2 in uids and self.opened != "Junk":
            _Hangs.gone += BUDGET.total_seconds()
            raise MailboxFault("imap.test cannot be reached by IMAP (timed out); check host, port and network")


@pytest.mark.parametrize("folder", ["INBOX", "Archive"])
def test_a_message_at_which_the_server_hangs_is_put_aside_as_well(
    world: World, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    real = time.monotonic
    monkeypatch.setattr(_Hangs, "gone", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: real() + _Hangs.gone)
    world.server.session(ANA).create("Archive")
    for number in range(3):
        world.server.put(ANA, letter(subject=f"m{number}"), folder=folder)
    world.server.put(ANA, letter(subject="spam"), folder="Junk")
    deps = _with(world, _Hangs)

    def looks(times: int) -> list[bool]:
        found = []
        for _ in range(times):
            found.append(sync_mailbox(deps, 1, budget=BUDGET).current)
            clock.advance(timedelta(minutes=1))
        return found

    # With the others, three times alone, its head; and then it is asked for nothing.
    assert looks(6) == [False] * 5 + [True]
    assert sorted(world.subjects()) == ["m0", "m2", "spam"]
    assert len(quarantined(world)) == 1
    assert service.sync_until_current(deps, 1, BUDGET).current
    # Once in an hour it costs a look, and not every one.
    clock.advance(timedelta(hours=1))
    assert looks(2) == [False, True]
    clock.advance(timedelta(hours=1))
    assert service.look(world.deps, 1).stored == 1
    assert quarantined(world) == []


@pytest.mark.parametrize("folder", ["INBOX", "Archive"])
def test_damage_to_what_was_read_before_stops_nothing(world: World, folder: str) -> None:
    world.server.session(ANA).create("Archive")
    for number in range(3):
        world.server.put(ANA, letter(subject=f"m{number}"), folder=folder)
    assert world.sync().current
    damage(world, "m1", folder)
    with world.db.read() as uow:
        store = world.deps.connect(uow.session.get_one(Mailbox, 1), BUDGET)
    store.examine(folder)
    with pytest.raises(MailboxFault):
        # From then on Dovecot has no header of it left either.
        store.fetch([2])
    store.close()
    world.server.put(ANA, letter(subject="m3"), folder=folder)
    assert world.sync().current
    assert sorted(world.subjects()) == ["m0", "m1", "m2", "m3"]
