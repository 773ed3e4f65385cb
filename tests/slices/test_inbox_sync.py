"""Nothing in a mailbox is missed or stored twice: the cursor protocol against a real Dovecot, and the gate before follow-ups."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.errors import BadInput, Conflict, MailboxFault
from app.inbox import folders, repository, service, watches
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.inbox.sync import SyncResult, sync_mailbox
from app.inbox.walking import MOST_RESETS
from app.mail import accounts
from app.mail.credentials import Credentials
from app.mail.ports import Fetched, MailStore, Snapshot
from app.models import BlockingEvent, Folder, Inbound, InboundLocation, Mailbox, Outbound, OutboundKind
from app.outbox import service as outbox
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.mailserver import PASSWORD, mail_server
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

ANA = "ana@acme.test"
BUDGET = timedelta(seconds=60)


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot(ANA) as running:
        yield running


@dataclass
class World:
    db: Database
    deps: InboxDeps
    server: Dovecot

    def sync(self) -> SyncResult:
        return sync_mailbox(self.deps, 1, budget=BUDGET)

    def count(self, what: object = Inbound) -> int:
        with self.db.read() as uow:
            return uow.session.execute(select(func.count()).select_from(what)).scalar_one()  # type: ignore[arg-type]

    def subjects(self) -> list[str]:
        with self.db.read() as uow:
            raws = uow.session.execute(select(col(Inbound.raw)).order_by(col(Inbound.id))).scalars()
            return [raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for raw in raws if raw]

    def folder(self, role: str = "inbox") -> Folder:
        with self.db.read() as uow:
            return next(folder for folder in repository.folders_of(uow.session, 1) if folder.role == role)


def a_world(db: Database, settings: Settings, parser: MailParser, server: Dovecot) -> World:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, imap_port=server.port, plus_addressing=True)
    return World(
        db, InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT))), server
    )


@pytest.fixture
def world(db: Database, settings: Settings, parser: MailParser, server: Dovecot) -> World:
    return a_world(db, settings, parser, server)


def test_reads_inbox_and_spam_once(world: World) -> None:
    for number in range(120):
        world.server.put(ANA, letter(subject=f"m{number}"))
    world.server.put(ANA, letter(subject="spam"), folder="Junk")
    world.server.put(ANA, letter(subject="our own"), folder="Sent")
    first = world.sync()
    assert (first.current, first.stored) == (True, 121)
    again = world.sync()
    assert (again.current, again.stored) == (True, 0)
    world.server.put(ANA, letter(subject="late"))
    assert world.sync().stored == 1
    assert sorted(world.subjects()) == sorted([*(f"m{number}" for number in range(120)), "spam", "late"])
    assert world.folder().next_uid == 122
    assert world.folder().highestmodseq is not None


def test_two_mailboxes_on_one_account_take_an_answer_in_once(world: World) -> None:
    out = a_sent_pitch(world)
    with world.db.work() as uow:
        ana = uow.session.get_one(Mailbox, 1)
        second = a_mailbox(uow, "press@acme.test", imap_port=ana.imap_port, username=ana.username)
    world.server.put(ANA, letter(in_reply_to=out.message_id))
    # Read for the second and not acted on yet: the first may not send.
    assert sync_mailbox(world.deps, second.id, budget=BUDGET).stored == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "process_pending", lambda *_, **__: 0)
        assert not service.sync_until_current(world.deps, 1, BUDGET).current
    assert service.sync_until_current(world.deps, 1, BUDGET).current
    assert service.look(world.deps, second.id).stored == 0
    assert (world.count(), world.count(InboundLocation), world.count(BlockingEvent)) == (1, 2, 1)
    # What only the sender's address ties to mail of ours is found from either side.
    world.server.put(ANA, letter("A new thought.", subject="News", sender="Dana <dana@editor.test>"))
    service.look(world.deps, second.id)
    with world.db.read() as uow:
        newest = uow.session.execute(select(Inbound).order_by(col(Inbound.id).desc())).scalars().first()
        assert newest is not None
        assert newest.prospect_id == out.prospect_id


def test_a_move_to_the_spam_folder_is_the_same_message(world: World) -> None:
    world.server.put(ANA, letter(subject="one"))
    world.sync()
    world.server.move(ANA, 1, "Junk")
    assert world.sync().stored == 0
    assert (world.count(), world.count(InboundLocation)) == (1, 2)


@pytest.mark.parametrize("change", ["renumber", "rewind"])
def test_new_numbers_bring_no_event_twice_and_miss_nothing(world: World, change: str) -> None:
    for number in range(30):
        world.server.put(ANA, letter(subject=f"m{number}"))
    world.sync()
    for uid in (3, 17, 30):
        world.server.expunge(ANA, uid)
    getattr(world.server, change)(ANA)
    world.server.put(ANA, letter(subject="after"))
    result = world.sync()
    assert (result.current, result.stored) == (True, 1)
    assert world.folder().generation == 1
    assert world.count() == 31
    assert world.sync().stored == 0
    assert world.folder().resets_in_row == 0


def test_reused_numbers_do_not_hide_a_message(world: World) -> None:
    for number in range(10):
        world.server.put(ANA, letter(subject=f"m{number}"))
    world.sync()
    # The mailbox is made anew under the old UIDVALIDITY, and mail comes before we look: UIDNEXT is where it was.
    world.server.move(ANA, 1, "Junk")
    world.server.rewind(ANA)
    world.server.put(ANA, letter(subject="after"))
    before = world.folder()
    result = world.sync()
    assert before.next_uid == world.folder().next_uid
    assert (result.current, result.stored) == (True, 1)
    assert "after" in world.subjects()
    assert world.count() == 11


def test_a_renumbering_is_shown_to_people(world: World) -> None:
    world.server.put(ANA, letter())
    world.sync()

    def told() -> datetime | None:
        with world.db.read() as uow:
            return next(state.renumbered_at for state in folders.of_mailbox(uow, 1) if state.role == "inbox")

    assert told() is None
    world.server.renumber(ANA)
    assert world.sync().current
    assert told() == world.db.clock.now()


def test_a_folder_that_is_renumbered_at_each_look_is_stopped_and_says_so(world: World) -> None:
    world.server.put(ANA, letter())
    world.sync()
    for number in range(MOST_RESETS):
        world.server.renumber(ANA)
        result = world.sync()
        assert result.current is (number < MOST_RESETS - 1)
    assert "renumbered" in (world.folder().stopped_reason or "")
    assert "stopped" in result.reason
    gate = service.sync_until_current(world.deps, 1, BUDGET)
    assert not gate.current


@pytest.mark.parametrize("by", ["resume", "folder"])
def test_a_folder_that_was_given_up_is_read_again_when_a_person_says_so(world: World, by: str) -> None:
    world.server.put(ANA, letter())
    world.sync()
    with world.db.work() as uow, pytest.raises(Conflict, match="not given up"):
        folders.start_again(uow, 1, "INBOX", actor="ana")
    for _ in range(MOST_RESETS):
        world.server.renumber(ANA)
        world.sync()
    world.server.put(ANA, letter(subject="meanwhile"))
    assert (world.sync().current, world.count()) == (False, 1)
    with world.db.work() as uow:
        if by == "resume":
            accounts.resume(uow, VAULT, ANA)
        else:
            told = folders.start_again(uow, 1, "INBOX", actor="ana")
            assert [state.stopped_reason for state in told] == [None] * len(told)
            assert uow.session.get_one(Mailbox, 1).poll_due_at == uow.now()
    assert world.sync().current
    assert service.sync_until_current(world.deps, 1, BUDGET).current
    assert world.subjects().count("meanwhile") == 1
    assert (world.folder().stopped_reason, world.folder().resets_in_row) == (None, 0)
    with world.db.work() as uow, pytest.raises(BadInput):
        folders.start_again(uow, 1, "No such folder", actor="ana")


def test_a_message_that_slipped_through_is_found_by_the_sweep(world: World, clock: FixedClock) -> None:
    for number in range(3):
        world.server.put(ANA, letter(subject=f"m{number}"))
    world.sync()
    with world.db.work() as uow:
        victim = uow.session.execute(select(Inbound).where(col(Inbound.id) == 2)).scalar_one()
        uow.session.delete(
            uow.session.execute(select(InboundLocation).where(col(InboundLocation.inbound_id) == 2)).scalar_one()
        )
        uow.session.flush()
        uow.session.delete(victim)
    assert world.sync().stored == 0
    clock.advance(timedelta(hours=7))
    assert world.sync().stored == 1
    assert world.count() == 3


class _Wrapped:
    """A real session with one planted fault."""

    def __init__(self, inner: MailStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class _Withholds(_Wrapped):
    def fetch(self, uids: list[int]) -> dict[int, Fetched]:
        return {uid: found for uid, found in self._inner.fetch(uids).items() if uid != 2}


class _Lies(_Wrapped):
    """Tells of a UIDNEXT before its message can be seen."""

    def examine(self, folder: str) -> Snapshot:
        real = self._inner.examine(folder)
        return Snapshot(real.uidvalidity, (real.uidnext or 0) + 1, real.exists, real.highestmodseq)


def _with(world: World, wrapper: type[_Wrapped]) -> InboxDeps:
    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        return wrapper(world.deps.connect(mailbox, timeout))  # type: ignore[return-value]

    return InboxDeps(world.db, VAULT, world.deps.settings, world.deps.parser, connect)


def test_the_cursor_stays_at_what_the_server_does_not_give(world: World) -> None:
    world.sync()
    for number in range(3):
        world.server.put(ANA, letter(subject=f"m{number}"))
    result = sync_mailbox(_with(world, _Withholds), 1, budget=BUDGET)
    assert not result.current
    assert "does not give" in result.reason
    assert (world.subjects(), world.folder().next_uid) == (["m0", "m2"], 1)
    gate = service.sync_until_current(_with(world, _Withholds), 1, BUDGET)
    assert not gate.current
    # The next look gets it: nothing was skipped, nothing came twice.
    assert world.sync().stored == 1
    assert (world.count(), world.folder().next_uid) == (3, 4)


def test_time_runs_out_and_the_next_look_goes_on(world: World) -> None:
    for number in range(160):
        world.server.put(ANA, letter(subject=f"m{number}"))
    world.sync()
    for number in range(160):
        world.server.put(ANA, letter(subject=f"n{number}"))

    class Slow(_Wrapped):
        def fetch(self, uids: list[int]) -> dict[int, Fetched]:
            time.sleep(0.3)
            return self._inner.fetch(uids)

    result = sync_mailbox(_with(world, Slow), 1, budget=timedelta(seconds=0.4))
    assert not result.current
    assert "seconds allow" in result.reason
    assert 160 < world.count() < 320
    assert world.sync().current
    assert world.count() == 320


def a_sent_pitch(world: World, domain: str = "editor.test") -> Outbound:
    with world.db.work() as uow:
        from app.models import Site

        prospect = a_prospect(uow, uow.session.get_one(Site, 1), domain)
        conversation = a_conversation(uow, prospect, a_contact(uow, prospect), uow.session.get_one(Mailbox, 1))
        row = outbox.enqueue(
            uow, VAULT, world.deps.settings, conversation=conversation, kind=OutboundKind.PITCH, subject="Your checklist",
            body_text=f"Hello,\n\nyour page https://{domain}/a names us.\n", body_html=None, approved_by="ana", not_before=uow.now(),
        )  # fmt: skip
        row.state, row.sent_at, row.committed_at = OutboundState.SENT, uow.now(), uow.now()
    return row


def test_the_gate_knows_a_reply_that_lies_in_the_mailbox(world: World) -> None:
    out = a_sent_pitch(world)
    before = service.sync_until_current(world.deps, 1, BUDGET)
    assert (before.current, before.reason) == (True, "")
    for folder in ("INBOX", "Junk"):
        world.server.put(ANA, letter(in_reply_to=out.message_id), folder=folder)
        after = service.sync_until_current(world.deps, 1, BUDGET)
        assert after.current
        assert after.seen_event_id > before.seen_event_id
        before = after
    with world.db.read() as uow:
        events = uow.session.execute(select(BlockingEvent)).scalars().all()
        assert [(event.kind, event.prospect_id) for event in events] == [(Blocking.REPLY, out.prospect_id)] * 2
        mailbox = uow.session.get_one(Mailbox, 1)
        assert mailbox.polled_at is not None
        assert mailbox.poll_error is None


def test_the_gate_fails_closed(world: World) -> None:
    world.server.put(ANA, letter())
    with world.db.work() as uow:
        uow.session.get_one(Mailbox, 1).imap_port = 1
    gate = service.sync_until_current(world.deps, 1, timedelta(seconds=2))
    assert not gate.current
    assert "cannot be reached" in gate.reason
    with world.db.read() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
        assert mailbox.polled_at is None
        assert mailbox.poll_failures == 1
    with pytest.raises(MailboxFault):
        service.look(world.deps, 1)
    with world.db.work() as uow:
        uow.session.get_one(Mailbox, 1).imap_port = world.server.port

    # Everything is fetched, but nobody has acted on it yet.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "process_pending", lambda *_, **__: 0)
        gate = service.sync_until_current(world.deps, 1, BUDGET)
    assert (gate.current, gate.reason) == (False, "1 received message is not read yet")
    assert service.sync_until_current(world.deps, 1, BUDGET).current


def test_a_lying_uidnext_is_not_current_for_ever(world: World) -> None:
    world.server.put(ANA, letter())
    with suppress(MailboxFault):
        # UIDNEXT grows at each look without a message: the cursor follows it, and a real message is found by the sweep.
        sync_mailbox(_with(world, _Lies), 1, budget=timedelta(seconds=2))
    assert world.count() == 1


def test_polling_is_due_again_after_the_interval(world: World, clock: FixedClock) -> None:
    with world.db.read() as uow:
        assert watches.due_mailboxes(uow.session, clock.now()) == [1]
    service.look(world.deps, 1)
    with world.db.read() as uow:
        assert watches.due_mailboxes(uow.session, clock.now()) == []
        assert watches.due_mailboxes(uow.session, clock.now() + timedelta(seconds=61)) == [1]


def test_finds_the_copy_that_the_server_has_filed(world: World) -> None:
    out = a_sent_pitch(world)
    with world.db.read() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
    assert service.sent_copy(world.deps, out, mailbox) is None
    world.server.put(ANA, out.raw, folder="Sent")
    assert service.sent_copy(world.deps, out, mailbox) is not None


def test_the_sandbox_server_is_read_the_same_way(db: Database, settings: Settings, parser: MailParser) -> None:
    with mail_server(ANA) as office:
        with db.work() as uow:
            a_site(uow)
            mailbox = a_mailbox(uow, imap_port=office.imap_port)
            mailbox.secret = VAULT.seal(PASSWORD, f"mailbox:{mailbox.id}:secret")
        deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
        for number in range(5):
            office.put(ANA, letter(subject=f"m{number}"))
        assert sync_mailbox(deps, 1, budget=BUDGET).stored == 5
        office.forget_uids(ANA)
        office.put(ANA, letter(subject="after"), folder="Junk")
        result = sync_mailbox(deps, 1, budget=BUDGET)
        assert (result.current, result.stored) == (True, 1)
