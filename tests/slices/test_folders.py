"""Answers that a filter or another program has put beside the inbox are found, and our own mail there is none of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.folders import Watch, Why
from app.domain.inbound import Kind
from app.errors import BadInput, NotFound
from app.inbox import folders, service
from app.inbox.deps import InboxDeps
from app.inbox.parser import MailParser
from app.inbox.sync import sync_mailbox
from app.mail.ports import MailStore, Snapshot
from app.models import BlockingEvent, Folder, Inbound, Mailbox
from app.reports import inbox as reports
from app.settings import Settings
from tests.slices.test_inbox_sync import ANA, BUDGET, World, _with, _Wrapped, a_sent_pitch, a_world
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.world import VAULT

FOLDERS = (("Archive", "Archive"), ("AllMail", "All"), ("Drafts", "Drafts"), ("Editors", ""), ("Trash", "Trash"))


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


@pytest.fixture(scope="module")
def one_server() -> Iterator[Dovecot]:
    with dovecot(ANA, folders=FOLDERS) as running:
        yield running


@pytest.fixture
def server(one_server: Dovecot) -> Dovecot:
    one_server.empty(ANA)
    return one_server


@pytest.fixture
def world(db: Database, settings: Settings, parser: MailParser, server: Dovecot) -> World:
    return a_world(db, settings, parser, server)


def events(world: World) -> list[tuple[Blocking, int]]:
    with world.db.read() as uow:
        rows = uow.session.execute(select(BlockingEvent).order_by(col(BlockingEvent.id))).scalars()
        return [(event.kind, event.prospect_id) for event in rows]


def states(world: World) -> dict[str, folders.FolderState]:
    with world.db.read() as uow:
        return {state.name: state for state in folders.of_mailbox(uow, 1)}


@pytest.mark.parametrize("folder", ["Archive", "AllMail"])
def test_an_answer_that_a_filter_files_away_stops_the_sequence_and_the_gate_sees_it(world: World, folder: str) -> None:
    out = a_sent_pitch(world)
    before = service.sync_until_current(world.deps, 1, BUDGET)
    assert before.current
    world.server.put(ANA, letter(in_reply_to=out.message_id), folder=folder)
    after = service.sync_until_current(world.deps, 1, BUDGET)
    assert after.current
    assert after.seen_event_id > before.seen_event_id
    assert events(world) == [(Blocking.REPLY, out.prospect_id)]


def test_an_ordinary_look_finds_it_too_and_asks_for_numbers_only_while_nothing_moves(world: World) -> None:
    out = a_sent_pitch(world)
    assert service.look(world.deps, 1).current
    opened: list[str] = []

    class Counts(_Wrapped):
        def examine(self, name: str) -> Snapshot:
            opened.append(name)
            return self._inner.examine(name)

    assert sync_mailbox(_with(world, Counts), 1, budget=BUDGET).current
    assert opened == []
    world.server.put(ANA, letter(in_reply_to=out.message_id), folder="Archive")
    result = sync_mailbox(_with(world, Counts), 1, budget=BUDGET)
    assert (result.current, result.stored, set(opened)) == (True, 1, {"Archive"})
    # The gate opens inbox and spam folder whatever their numbers say.
    opened.clear()
    assert service.sync_until_current(_with(world, Counts), 1, BUDGET).current
    assert set(opened) == {"INBOX", "Junk"}


def test_what_we_have_written_ourselves_is_never_an_answer(world: World) -> None:
    out = a_sent_pitch(world)
    service.look(world.deps, 1)
    mine = letter("by hand", sender="Ana <ana@acme.test>", to="dana@editor.test", in_reply_to=out.message_id)
    draft = letter("half an answer", sender="Ana Alias <hello@acme.test>", in_reply_to=out.message_id)
    # The provider has put its own name on it; the Message-ID is ours all the same.
    copy = out.raw.replace(b"From: ", b"From: Other <alias@acme.test>\r\nX-Was: ", 1)
    assert copy != out.raw
    for raw, flags in ((out.raw, ""), (copy, ""), (mine, ""), (draft, r"(\Draft)")):
        world.server.put(ANA, raw, folder="AllMail", flags=flags)
        world.server.put(ANA, raw, folder="Sent" if not flags else "Drafts", flags=flags)
    assert sync_mailbox(world.deps, 1, budget=BUDGET).current
    gate = service.sync_until_current(world.deps, 1, BUDGET)
    assert gate.current
    assert (world.count(), events(world)) == (0, [])
    # And the sweep takes none of them for a hole.
    assert {state.name for state in states(world).values() if state.why is None} == {
        "Sent",
        "Drafts",
        "Editors",
        "Trash",
    }


def test_a_view_of_all_mail_brings_nothing_twice_and_fetches_nothing_twice(world: World) -> None:
    out = a_sent_pitch(world)
    service.look(world.deps, 1)
    answer = letter(in_reply_to=out.message_id)
    world.server.put(ANA, answer)
    world.server.put(ANA, answer, folder="AllMail")
    world.server.put(ANA, letter(sender="shop@shop.test", subject="Your order"), folder="AllMail")
    fetched: list[int] = []

    class Counts(_Wrapped):
        def fetch(self, uids: list[int]) -> object:
            fetched.extend(uids)
            return self._inner.fetch(uids)  # type: ignore[arg-type]

    assert sync_mailbox(_with(world, Counts), 1, budget=BUDGET).stored == 2
    assert fetched == [1, 2]
    service.look(world.deps, 1)
    assert events(world) == [(Blocking.REPLY, out.prospect_id)]
    with world.db.read() as uow:
        # Mail that somebody has filed away and that concerns nobody waits for nobody.
        assert reports.unmatched(uow) == []
        assert uow.session.execute(select(Inbound).where(col(Inbound.kind) == Kind.REPLY.value)).scalars().all()


def test_a_folder_that_an_answer_is_seen_in_is_read_from_then_on(world: World, clock: FixedClock) -> None:
    out = a_sent_pitch(world)
    assert service.look(world.deps, 1).current
    assert states(world)["Editors"].why is None
    world.server.put(ANA, letter("weekly news", sender="news@paper.test"), folder="Editors")
    clock.advance(timedelta(hours=2))
    assert service.look(world.deps, 1).stored == 0
    assert states(world)["Editors"].why is None
    # The gate does not wait for the hour: a follow-up is about to leave.
    world.server.put(ANA, letter(in_reply_to=out.message_id), folder="Editors")
    gate = service.sync_until_current(world.deps, 1, BUDGET)
    assert (gate.current, events(world)) == (True, [(Blocking.REPLY, out.prospect_id)])
    state = states(world)["Editors"]
    assert (state.why, state.learned_at is not None) == (Why.LEARNED, True)
    world.server.put(ANA, letter("one more", in_reply_to=out.message_id), folder="Editors")
    assert service.look(world.deps, 1).stored == 1


def test_what_was_read_and_thrown_away_does_not_make_the_bin_a_place_for_answers(
    world: World, clock: FixedClock
) -> None:
    out = a_sent_pitch(world)
    world.server.put(ANA, letter(in_reply_to=out.message_id))
    service.look(world.deps, 1)
    world.server.move(ANA, 1, "Trash")
    clock.advance(timedelta(hours=2))
    service.look(world.deps, 1)
    assert states(world)["Trash"].why is None
    world.server.put(ANA, letter("never seen", in_reply_to=out.message_id), folder="Trash")
    clock.advance(timedelta(hours=2))
    assert service.look(world.deps, 1).stored == 1
    assert states(world)["Trash"].why is Why.LEARNED


def test_a_person_decides_which_folders_are_read(world: World) -> None:
    out = a_sent_pitch(world)
    service.look(world.deps, 1)
    with world.db.work() as uow:
        folders.choose(uow, 1, "Editors", Watch.ALWAYS, actor="ana")
        folders.choose(uow, 1, "Archive", Watch.NEVER, actor="ana")
    assert (states(world)["Editors"].why, states(world)["Archive"].why) == (Why.CHOSEN, None)
    world.server.put(ANA, letter("kept", in_reply_to=out.message_id), folder="Archive")
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).stored == 0
    world.server.put(ANA, letter("read", in_reply_to=out.message_id), folder="Editors")
    assert sync_mailbox(world.deps, 1, budget=BUDGET).stored == 1
    with world.db.work() as uow:
        folders.choose(uow, 1, "Archive", None, actor="ana")
    assert sync_mailbox(world.deps, 1, budget=BUDGET).stored == 1


@pytest.mark.parametrize(
    ("name", "watch", "field"),
    [("Sent", Watch.ALWAYS, "watch"), ("Drafts", Watch.ALWAYS, "watch"), ("INBOX", Watch.NEVER, "watch"),
     ("Nowhere", Watch.ALWAYS, "name")],
)  # fmt: skip
def test_a_wrong_choice_names_field_and_fix(world: World, name: str, watch: Watch, field: str) -> None:
    service.look(world.deps, 1)
    with world.db.work() as uow, pytest.raises(BadInput) as wrong:
        folders.choose(uow, 1, name, watch, actor="ana")
    assert [problem.field for problem in wrong.value.problems] == [field]
    with world.db.work() as uow, pytest.raises(NotFound):
        folders.choose(uow, 99, name, watch, actor="ana")


def test_a_folder_that_is_made_or_deleted_meanwhile_holds_nothing_up(world: World, clock: FixedClock) -> None:
    out = a_sent_pitch(world)
    assert service.look(world.deps, 1).current
    box = world.server.session(ANA)
    box.create("Archives")
    box.create("Archives.2026")
    world.server.put(ANA, letter(in_reply_to=out.message_id), folder="Archives.2026")
    # The gate asks for the list anew; an ordinary look does so after ten minutes.
    assert service.sync_until_current(world.deps, 1, BUDGET).current
    assert events(world) == [(Blocking.REPLY, out.prospect_id)]
    assert {"Archives", "Archives.2026"} <= {state.name for state in states(world).values() if state.why is Why.ARCHIVE}
    box.delete("Archives.2026")
    clock.advance(timedelta(minutes=1))
    assert service.look(world.deps, 1).current
    assert "Archives.2026" not in states(world)


def test_what_a_person_has_said_goes_along_when_a_folder_is_renamed(world: World, clock: FixedClock) -> None:
    out = a_sent_pitch(world)
    box = world.server.session(ANA)
    for name in ("Kept", "Ignored"):
        box.create(name)
    service.look(world.deps, 1)
    with world.db.work() as uow:
        folders.choose(uow, 1, "Kept", Watch.ALWAYS, actor="ana")
        folders.choose(uow, 1, "Ignored", Watch.NEVER, actor="ana")
    world.server.put(ANA, letter("read"), folder="Kept")
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).stored == 1
    box.rename("Kept", "Archives.Kept")
    box.rename("Ignored", "Private")
    world.server.put(ANA, letter("secret", in_reply_to=out.message_id), folder="Private")
    # Nothing is read anew under the new name, and what is private stays so.
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).stored == 0
    found = states(world)
    assert (found["Archives.Kept"].watch, found["Private"].watch) == (Watch.ALWAYS, Watch.NEVER)
    assert not {"Kept", "Ignored"} & set(found)
    assert not found["Private"].gone
    world.server.put(ANA, letter("more"), folder="Archives.Kept")
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).stored == 1
    box.delete("Private")
    clock.advance(timedelta(seconds=1))
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).current
    assert (states(world)["Private"].gone, states(world)["Private"].watch) == (True, Watch.NEVER)


def test_a_folder_whose_number_is_refused_is_not_asked_for_before_each_mail(world: World, clock: FixedClock) -> None:
    box = world.server.session(ANA)
    box.create("Odd")
    service.look(world.deps, 1)
    with world.db.work() as uow:
        folders.choose(uow, 1, "Odd", Watch.NEVER, actor="ana")
        uow.session.execute(update(Folder).values(scouted_validity=None))
    asked: list[str] = []

    class Refuses(_Wrapped):
        def status(self, name: str) -> Snapshot | None:
            asked.append(name)
            return None if name == "Odd" else self._inner.status(name)

    deps = _with(world, Refuses)
    for _ in range(3):
        assert service.sync_until_current(deps, 1, BUDGET).current
    assert asked.count("Odd") == 1
    clock.advance(timedelta(minutes=10))
    assert sync_mailbox(deps, 1, budget=BUDGET).current
    assert asked.count("Odd") == 2
    # It may be told of one day, and is known by it from then on.
    clock.advance(timedelta(minutes=10))
    assert sync_mailbox(world.deps, 1, budget=BUDGET).current
    box.rename("Odd", "Hidden")
    assert sync_mailbox(world.deps, 1, budget=BUDGET, gate=True).current
    assert states(world)["Hidden"].watch is Watch.NEVER


def test_a_folder_that_cannot_be_scouted_holds_nothing_up(world: World) -> None:
    class Odd(_Wrapped):
        def status(self, name: str) -> Snapshot | None:
            return Snapshot(1, 2, 1, None) if name in ("Editors", "Trash") else self._inner.status(name)

        def examine(self, name: str) -> Snapshot:
            if name in ("Editors", "Trash"):
                from app.errors import MailboxFault

                raise MailboxFault("no permission")
            return self._inner.examine(name)

    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        return Odd(world.deps.connect(mailbox, timeout))  # type: ignore[return-value]

    deps = InboxDeps(world.db, VAULT, world.deps.settings, world.deps.parser, connect)
    assert service.sync_until_current(deps, 1, BUDGET).current
