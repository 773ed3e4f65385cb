"""Restored data sends nothing until a person releases it; an ordinary restart, crash or upgrade is none of that."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlmodel import col

from app.clock import FixedClock
from app.container import Container
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.errors import Refused
from app.installation import hold, identity, witness
from app.jobs import SilentDispatcher
from app.models import Mailbox, Outbound, OutboundKind, Site
from app.outbox import pacing, service
from app.outbox import release as releasing
from app.outbox.delivery import Report, drain
from app.prospects import suppression
from app.settings import Settings
from tests.support.databases import create_postgres, drop_postgres, url_of
from tests.support.mailserver import PASSWORD, mail_server
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


@dataclass(frozen=True)
class Gate:
    current: bool = True
    reason: str = ""
    seen_event_id: int = 0

    def __call__(self, mailbox_id: int) -> Gate:
        return self


@dataclass
class Place:
    """An installation: a database and a data folder."""

    db: Database
    settings: Settings
    clock: FixedClock
    opened: list[Database] = field(default_factory=list)

    def begin(self) -> hold.Standing:
        return hold.begin(self.db, self.settings)

    def enqueue(self, domain: str, port: int = 1, wait: timedelta = timedelta(0)) -> int:
        with self.db.work() as uow:
            site = uow.session.get(Site, 1) or a_site(uow)
            mailbox = uow.session.get(Mailbox, 1) or a_mailbox(uow, smtp_port=port, polled_at=uow.now())
            prospect = a_prospect(uow, site, domain, stage=Stage.CHECKED_MENTION)
            return service.enqueue(
                uow,
                VAULT,
                self.settings,
                conversation=a_conversation(uow, prospect, a_contact(uow, prospect), mailbox),
                kind=OutboundKind.PITCH,
                subject="Your checklist",
                body_text="Hello,\n\nyour page names us.\n",
                body_html=None,
                approved_by="ana",
                not_before=uow.now() + wait,
            ).id

    def send(self) -> Report:
        return drain(self.db, self.settings, VAULT, Gate(), 1)

    def states(self) -> list[OutboundState]:
        with self.db.read() as uow:
            return list(uow.session.execute(select(col(Outbound.state)).order_by(col(Outbound.id))).scalars())

    def why(self, row_id: int) -> str:
        with self.db.read() as uow:
            found = service.why_waiting(uow, service.get(uow, row_id), self.settings)
            assert found is not None
            return found.reason

    @contextmanager
    def container(self) -> Iterator[Container]:
        made = Container(self.settings, clock=self.clock)
        try:
            yield made
        finally:
            made.close()

    def at(self, url: str, data_dir: Path | None = None, **changes: object) -> Place:
        """The installation that runs on another database or folder."""
        settings = self.settings.model_copy(
            update={"database_url": url, "data_dir": data_dir or self.settings.data_dir, **changes}
        )
        self.opened.append(Database(url, self.clock, SilentDispatcher()))
        return Place(self.opened[-1], settings, self.clock, self.opened)


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def place(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Place]:
    made = Place(db, settings.model_copy(update={"secret_key": SecretStr("test-key")}), clock)
    made.begin()
    yield made
    for opened in made.opened:
        opened.dispose()


def file_of(place: Place) -> Path:
    return Path(place.db.url.removeprefix("sqlite:///"))


@contextmanager
def saved(place: Place, tmp_path: Path) -> Iterator[str]:
    """The URL of a copy of the database as it is now: the online backup of SQLite, a template copy on PostgreSQL."""
    if place.db.is_sqlite:
        copy = tmp_path / "saved.sqlite"
        source, target = sqlite3.connect(file_of(place)), sqlite3.connect(copy)
        source.backup(target)
        source.close()
        target.close()
        yield f"sqlite:///{copy}"
        return
    place.db.dispose()
    name = create_postgres(place.db.url.rpartition("/")[2])
    try:
        yield url_of(name)
    finally:
        drop_postgres(name)


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(days=1), timedelta(days=7)], ids=["1h", "1d", "7d"])
def test_a_restored_backup_sends_nothing_before_its_release(
    place: Place, smtp: Sink, tmp_path: Path, age: timedelta
) -> None:
    rows = [place.enqueue(f"e{number}.test", smtp.port) for number in range(3)]
    place.enqueue("later.test", smtp.port, wait=timedelta(days=8))
    with saved(place, tmp_path) as url:
        assert place.send().sent == 3
        place.clock.advance(age)
        old = place.at(url)
        try:
            assert old.begin().skip is not None
            report = old.send()
            assert (report.sent, report.tried) == (0, 0)
            assert "gapbridge release" in report.stopped
            assert old.why(rows[0]) == "restore-hold"
            old.db.dispose()
            assert old.begin().skip is not None  # A restart does not lift it.
            with old.container() as container:
                with container.db.read() as look:
                    assert [row.unsure for row in releasing.preview(look)] == [True, True, True, False]
                # The mailbox cannot be read: opt-outs may lie in it.
                with pytest.raises(Refused, match="opt-outs"):
                    releasing.release(container, actor="ana")
                assert old.send().tried == 0
                done = releasing.release(container, actor="ana", despite_unread=True)
            assert (done.found_sent, done.to_decide, done.waiting) == (0, 3, 1)
            assert old.states() == [OutboundState.AMBIGUOUS] * 3 + [OutboundState.QUEUED]
            assert old.send().sent == 0
            place.clock.advance(timedelta(days=8))
            assert old.send().sent == 1
            assert old.why(rows[0]) == "ambiguous"
        finally:
            old.db.dispose()
    assert len(smtp.messages) == 4
    assert set(smtp.ids().values()) == {1}


@pytest.mark.parametrize("how", ["over", "new file", "folder"])
def test_a_file_that_was_copied_back_by_hand_is_noticed(
    tmp_path: Path, clock: FixedClock, smtp: Sink, how: str, templates: object
) -> None:
    with templates.copy("sqlite", tmp_path) as url:  # type: ignore[attr-defined]
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path / "data",
            database_url=url,
            mail_allow_plaintext=True,
            secret_key=SecretStr("test-key"),
        )
        (tmp_path / "data").mkdir()
        file = tmp_path / "data" / "gapbridge.sqlite"
        shutil.copy(tmp_path / "gapbridge.sqlite", file)
        there = f"sqlite:///{file}"
        place = Place(
            Database(there, clock, SilentDispatcher()), settings.model_copy(update={"database_url": there}), clock
        )
        place.begin()
        place.enqueue("editor.test", smtp.port)
        place.db.dispose()
        shutil.copytree(tmp_path / "data", tmp_path / "aside")
        assert place.send().sent == 1
        place.db.dispose()
        for extra in ("-wal", "-shm"):
            file.with_name(file.name + extra).unlink(missing_ok=True)
        if how == "over":
            shutil.copy(tmp_path / "aside" / file.name, file)
        elif how == "new file":
            file.unlink()
            shutil.copy(tmp_path / "aside" / file.name, file)
        else:
            shutil.rmtree(tmp_path / "data")
            shutil.copytree(tmp_path / "aside", tmp_path / "data")
        again = place.at(there)
        assert again.begin().skip is not None
        assert again.send().tried == 0
        assert again.states() == [OutboundState.QUEUED]
        again.db.dispose()
        place.db.dispose()
    assert len(smtp.messages) == 1


def test_data_that_is_turned_back_under_a_running_process_stops_in_the_commit(
    place: Place, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        hold.beat(place.db, place.settings)
    row = place.enqueue("editor.test", smtp.port)
    from app.mail.smtp import SmtpSession

    data = SmtpSession.data

    async def turned_back(self: SmtpSession) -> None:
        await data(self)
        with place.db.work() as uow:
            uow.session.execute(text("UPDATE installation SET ticks = 1"))

    monkeypatch.setattr(SmtpSession, "data", turned_back)
    report = place.send()
    assert smtp.messages == []
    assert "older than what this installation has already done" in report.stopped
    assert place.why(row) == "restore-hold"


def test_a_hold_that_comes_after_the_354_stops_the_mail(
    place: Place, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.enqueue("editor.test", smtp.port)
    from app.mail.smtp import SmtpSession

    data = SmtpSession.data

    async def held(self: SmtpSession) -> None:
        await data(self)
        with place.db.work() as uow:
            hold.hold(uow, "a person stopped it")

    monkeypatch.setattr(SmtpSession, "data", held)
    report = place.send()
    assert (report.sent, report.tried) == (0, 1)
    assert smtp.messages == []
    assert place.states() == [OutboundState.QUEUED]


def test_without_its_witness_a_mail_has_certainly_not_left_and_waits(
    place: Place, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.test", "b.test"):
        place.enqueue(name, smtp.port)
    path = hold.path_of(place.settings)
    aside = path.with_suffix(".aside")
    from app.mail.smtp import SmtpSession

    data = SmtpSession.data

    async def unwritable(self: SmtpSession) -> None:
        await data(self)
        path.rename(aside)
        path.mkdir()

    monkeypatch.setattr(SmtpSession, "data", unwritable)
    report = place.send()
    assert (report.tried, "without it nothing is sent" in report.stopped) == (1, True)
    assert smtp.messages == []
    # Not one byte was written: there is nothing for a person to decide, and the day's cap is as it was.
    assert place.states() == [OutboundState.QUEUED] * 2
    with place.db.read() as uow:
        assert [attempt.outcome for attempt in service.attempts(uow, 1)] == ["committed", "unwritten"]
    path.rmdir()
    aside.rename(path)
    monkeypatch.setattr(SmtpSession, "data", data)
    assert place.send().sent == 2


def test_a_second_instance_on_the_same_data_is_held_and_the_first_goes_on(
    place: Place, smtp: Sink, tmp_path: Path
) -> None:
    place.enqueue("a.test", smtp.port)
    copied = tmp_path / "copied"
    shutil.copytree(place.settings.data_dir, copied)
    for folder in (tmp_path / "empty", copied):
        other = place.at(place.db.url, folder)
        if place.db.is_sqlite and folder.name == "empty":
            continue  # A SQLite database without its witness is restored data: the case of the folder above.
        assert other.begin().skip is not None
        assert other.begin().skip.reason == "second-instance"  # type: ignore[union-attr]
        assert other.send().tried == 0
        other.db.dispose()
    assert place.begin().skip is None
    assert place.send().sent == 1


def test_a_further_worker_joins_by_the_shared_folder_or_by_the_id(place: Place, smtp: Sink, tmp_path: Path) -> None:
    place.enqueue("a.test", smtp.port)
    shared = place.at(place.db.url)
    assert shared.begin().skip is None
    shared.db.dispose()
    if not place.db.is_sqlite:
        who = place.begin().identity
        assert place.at(place.db.url, tmp_path / "wrong", installation_id="another").begin().skip is not None
        joined = place.at(place.db.url, tmp_path / "other-host", installation_id=who)
        assert joined.begin().skip is None
        assert joined.send().sent == 1
        joined.db.dispose()
        # It has its own witness now, and needs the setting no more.
        assert place.at(place.db.url, tmp_path / "other-host").begin().skip is None


def test_a_restart_a_crash_and_an_upgrade_are_no_restore(place: Place, smtp: Sink) -> None:
    for number in range(3):
        place.enqueue(f"e{number}.test", smtp.port)
        hold.beat(place.db, place.settings)
        assert place.send().sent == 1
        place.db.dispose()
        assert place.begin().skip is None
    # A crash between the database and the witness leaves the witness behind, never ahead.
    path = hold.path_of(place.settings)
    known = witness.read(path)
    assert known is not None
    with place.db.work() as uow:
        uow.session.execute(text("UPDATE installation SET ticks = ticks + 1"))
    assert place.begin().skip is None
    # An upgrade from a version that had no such row: data and no witness.
    path.unlink()
    with place.db.work() as uow:
        uow.session.execute(text("DELETE FROM installation"))
    place.enqueue("after.test", smtp.port)
    assert place.begin().skip is None
    assert place.send().sent == 1
    if place.db.is_sqlite:
        raw = sqlite3.connect(file_of(place))
        raw.execute("VACUUM")
        raw.close()
        assert place.begin().skip is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # A SQLite installation is one machine.
def test_the_release_holds_for_other_machines_too(place: Place, smtp: Sink, tmp_path: Path) -> None:
    who = place.begin().identity
    other = place.at(place.db.url, tmp_path / "other-host", installation_id=who)
    for _ in range(3):
        hold.beat(other.db, other.settings)
    with place.db.work() as uow:
        uow.session.execute(text("UPDATE installation SET ticks = 0"))
    assert other.begin().skip is not None
    with place.container() as container:
        releasing.release(container, actor="ana", despite_unread=True)
    assert place.begin().skip is None
    assert other.begin().skip is None
    other.db.dispose()


def test_a_witness_that_cannot_be_written_lets_nothing_leave(
    place: Place, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.enqueue("a.test", smtp.port)
    place.enqueue("b.test", smtp.port)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hold.witness, "write", full)
    hold_again = place.send()
    assert hold_again.sent == 0
    assert smtp.messages == []


def test_the_release_reads_opt_outs_and_finds_copies_before_anything_leaves(
    place: Place, tmp_path: Path, clock: FixedClock
) -> None:
    with mail_server("ana@acme.test", "dana@e0.test", "dana@e1.test", clock=clock) as office:
        rows = [place.enqueue(f"e{number}.test", office.smtp_port) for number in range(2)]
        with place.db.work() as uow:
            mailbox = uow.session.get_one(Mailbox, 1)
            mailbox.imap_port = office.imap_port
            mailbox.secret = VAULT.seal(PASSWORD, "mailbox:1:secret")
        with place.db.read() as uow:
            first, second = (service.get(uow, row) for row in rows)
        with saved(place, tmp_path) as url:
            assert place.send().sent == 2
            clock.advance(timedelta(hours=5))
            for row, words in (
                (first, "Thanks, this is a fine idea."),
                (second, "Please remove me from your list.\nUnsubscribe."),
            ):
                office.put(
                    "ana@acme.test",
                    f"From: {row.to_address}\r\nTo: ana@acme.test\r\nSubject: Re: Your checklist\r\n"
                    f"Message-ID: <answer{row.id}@x.test>\r\nIn-Reply-To: {row.message_id}\r\n"
                    f"Date: Mon, 1 Jun 2026 12:00:00 +0000\r\n\r\n{words}\r\n".encode(),
                )
            old = place.at(url)
            try:
                assert old.begin().skip is not None
                with old.container() as container:
                    done = releasing.release(container, actor="ana")
                # Both had left: each answer proves it. And the opt-out that came after the backup holds.
                assert (done.found_sent, done.to_decide, done.waiting) == (2, 0, 0)
                with old.db.read() as uow:
                    assert suppression.refusal(uow.session, VAULT, second.to_address) is not None
                    row = identity.stored(uow.session)
                    assert row is not None
                    assert (row.held_at, row.released_by) == (None, "ana")
            finally:
                old.db.dispose()


def test_the_release_finds_a_copy_of_what_was_let_go_earlier_than_it_waited_for(
    place: Place, tmp_path: Path, clock: FixedClock
) -> None:
    place.settings = place.settings.model_copy(update={"send_window": "14:00-17:00"})
    with mail_server("ana@acme.test", "dana@e0.test", clock=clock) as office:
        place.enqueue("e0.test", office.smtp_port)
        with place.db.work() as uow:
            mailbox = uow.session.get_one(Mailbox, 1)
            mailbox.imap_port = office.imap_port
            mailbox.secret = VAULT.seal(PASSWORD, "mailbox:1:secret")
        with saved(place, tmp_path) as url:
            with place.db.work() as uow:
                pacing.set_hours_of_prospect(
                    uow, place.settings, 1, country=None, zone=None, window="always", actor="ana"
                )
            assert place.send().sent == 1
            office.put("ana@acme.test", office.stored("dana@e0.test")[-1], folder="Sent")
            clock.advance(timedelta(minutes=30))
            old = place.at(url)
            try:
                assert old.begin().skip is not None
                with old.container() as container:
                    with container.db.read() as look:
                        assert [row.unsure for row in releasing.preview(look)] == [False]
                    done = releasing.release(container, actor="ana")
                assert (done.found_sent, done.to_decide, done.waiting) == (1, 0, 0)
                clock.advance(timedelta(hours=5, minutes=30))
                assert old.send().sent == 0
            finally:
                old.db.dispose()
        assert len(office.stored("dana@e0.test")) == 1
