"""The release of restored data and follow-ups that the lost data may have sent: their rows are in no backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import select

from app.clock import FixedClock
from app.container import Container
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import Conflict
from app.inbox.deps import deps_of
from app.inbox.service import sent_copy
from app.installation import hold
from app.jobs import SilentDispatcher
from app.models import Outbound, OutboundKind, RunState, SequenceRun, StageEvent
from app.outbox import overtaken, reconcile, repository, service
from app.outbox import release as releasing
from app.sequences import service as sequences
from app.sequences.advance import Advanced
from app.settings import Settings
from tests.slices.test_hold import Place, saved
from tests.slices.test_sequences import Eyes, follow_up_is_due, step
from tests.support.pitching import EDITOR, SENDER, Desk, a_desk


@pytest.fixture
def desk(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    settings = settings.model_copy(update={"secret_key": SecretStr("test-key"), "mail_allow_plaintext": True})
    with a_desk(db, settings, clock, mail=True) as ready:
        hold.begin(ready.db, ready.settings)
        yield ready


@pytest.fixture
def eyes(desk: Desk) -> Eyes:
    return Eyes(desk)


@contextmanager
def backup(desk: Desk, tmp_path: Path) -> Iterator[str]:
    with saved(Place(desk.db, desk.settings, desk.clock), tmp_path) as url:
        yield url


@contextmanager
def restored(desk: Desk, url: str) -> Iterator[Desk]:
    """The desk on the data of the backup, which is held."""
    hold.beat(desk.db, desk.settings)
    settings = desk.settings.model_copy(update={"database_url": url})
    old = replace(desk, db=Database(url, desk.clock, SilentDispatcher()), settings=settings)
    try:
        assert hold.begin(old.db, settings).skip is not None
        yield old
    finally:
        old.db.dispose()


def release(desk: Desk) -> releasing.Released:
    container = Container(desk.settings, clock=desk.clock)
    try:
        return releasing.release(container, actor="ana")
    finally:
        container.close()


def shown(desk: Desk) -> list[int]:
    with desk.db.read() as look:
        return [one.run_id for one in overtaken.find(look.session)]


def file_copy(desk: Desk) -> None:
    """What every provider does that files copies by itself."""
    assert desk.office is not None
    desk.office.put(SENDER, desk.office.stored(EDITOR)[-1], folder="Sent")


def test_a_follow_up_that_was_written_after_the_backup_waits_for_a_person(
    desk: Desk, eyes: Eyes, tmp_path: Path
) -> None:
    desk.pitched()
    with backup(desk, tmp_path) as url:
        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.QUEUED
        assert desk.send().sent == 1
        file_copy(desk)
        desk.clock.advance(timedelta(hours=1))
        with restored(desk, url) as old:
            # Nothing is written as long as it holds: it would be due after the lost time, and leave.
            assert sequences.advance(old, 1) is Advanced.WAITING
            assert shown(old) == [1]
            assert release(old).paused == 1
            assert (old.run().state, old.run().end_reason) == (RunState.PAUSED, overtaken.RESTORED)
            assert sequences.advance(old, 1) is Advanced.PAUSED
            assert old.send().sent == 0
            with old.db.read() as uow:
                line = uow.session.exec(select(StageEvent).order_by(StageEvent.id)).all()[-1]
                assert (line.event, line.reason, line.actor) == ("sequence_paused", "restored", "ana")
            assert len(desk.mails()) == 2
            assert shown(old) == []
            # Whoever has looked lets it go on.
            with old.db.work() as uow:
                sequences.resume(uow, 1, actor="ana")
            assert sequences.advance(old, 1) is Advanced.QUEUED


@pytest.mark.parametrize(("lost", "paused"), [(timedelta(days=3), 0), (timedelta(days=5), 1)])
def test_only_what_could_have_been_due_in_the_lost_time_stands_still(
    desk: Desk, eyes: Eyes, tmp_path: Path, lost: timedelta, paused: int
) -> None:
    desk.pitched()
    with backup(desk, tmp_path) as url:
        desk.clock.advance(lost)
        with restored(desk, url) as old:
            assert len(shown(old)) == paused
            assert release(old).paused == paused
            if not paused:
                follow_up_is_due(old, eyes)
                assert sequences.advance(old, 1) is Advanced.QUEUED


@pytest.mark.parametrize("late", [False, True], ids=["due", "let go earlier"])
def test_a_pitch_that_waited_in_the_backup_may_have_been_followed_up(
    desk: Desk, eyes: Eyes, tmp_path: Path, late: bool
) -> None:
    desk.approve(desk.propose(desk.prospect()))
    desk.clock.advance(desk.settings.undo_window)
    if late:
        with desk.db.work() as uow:
            service.get(uow, 1).not_before = uow.now() + timedelta(days=9)
    hold.beat(desk.db, desk.settings)
    with backup(desk, tmp_path) as url:
        with desk.db.work() as uow:
            service.get(uow, 1).not_before = uow.now()
        assert desk.send().sent == 1
        file_copy(desk)
        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.QUEUED
        assert desk.send().sent == 1
        desk.clock.advance(timedelta(hours=1))
        with restored(desk, url) as old:
            done = release(old)
            assert (done.found_sent, done.paused) == (1, 1)
            desk.clock.advance(timedelta(days=10))
            assert sequences.advance(old, 1) is Advanced.PAUSED
            assert old.send().sent == 0
    assert len(desk.mails()) == 2


def test_a_pitch_that_left_at_the_end_of_the_lost_time_is_followed_up_as_ever(
    desk: Desk, eyes: Eyes, tmp_path: Path
) -> None:
    desk.approve(desk.propose(desk.prospect()))
    desk.clock.advance(desk.settings.undo_window)
    hold.beat(desk.db, desk.settings)
    with backup(desk, tmp_path) as url:
        assert desk.send().sent == 1
        file_copy(desk)
        desk.clock.advance(timedelta(days=1))
        with restored(desk, url) as old:
            done = release(old)
            assert (done.found_sent, done.paused) == (1, 0)
            with old.db.read() as uow:
                assert service.get(uow, 1).state is OutboundState.SENT
                assert uow.session.get_one(SequenceRun, 1).state is RunState.ACTIVE


@pytest.mark.parametrize("filed", [True, False], ids=["copy in sent mail", "no trace"])
def test_what_waits_behind_an_unsure_mail_is_not_sent_a_second_time(desk: Desk, tmp_path: Path, filed: bool) -> None:
    """Of a prospect only one mail may be unsure: the next one is so in its turn, and does not leave before."""
    first = desk.approve(desk.propose(desk.prospect()))
    desk.clock.advance(desk.settings.undo_window)
    with desk.db.work() as uow:
        row = service.get(uow, first.id)
        row.state, row.committed_at, row.reconcile_at = OutboundState.AMBIGUOUS, uow.now(), None
        columns = row.model_dump(exclude={"id"})
        token = row.token[::-1]
        raw = row.raw.replace(row.token.encode(), token.encode())
        second = Outbound(**columns)
        second.message_id, second.token, second.raw = row.message_id.replace(row.token, token), token, raw
        second.raw_sha256, second.kind, second.sequence_run_id = sha256(raw).hexdigest(), OutboundKind.REPLY, None
        second.state = OutboundState.QUEUED
        uow.session.add(second)
        uow.session.flush()
        number = second.id
    hold.beat(desk.db, desk.settings)
    with backup(desk, tmp_path) as url:
        with desk.db.work() as uow:
            service.treat_as_sent(uow, first.id, actor="ana")
        assert desk.send().sent == 1
        if filed:
            file_copy(desk)
        desk.clock.advance(timedelta(hours=1))
        with restored(desk, url) as old:

            def state() -> OutboundState:
                with old.db.read() as look:
                    return service.get(look, number).state

            def reconciled() -> int:
                deps = deps_of(container)
                return reconcile.reconcile(old.db, lambda row, mailbox: sent_copy(deps, row, mailbox), 1)

            container = Container(old.settings, clock=desk.clock)
            assert (release(old).to_decide, state()) == (0, OutboundState.QUEUED)
            with old.db.work() as uow:
                assert [
                    one and one.reason for one in service.why_all(uow, [service.get(uow, number)], old.settings)
                ] == ["unsure-before"]
                with pytest.raises(Conflict, match="may have left before"):
                    service.cancel(uow, number, actor="ana")
            assert (reconciled(), old.send().sent, state()) == (0, 0, OutboundState.QUEUED)
            with old.db.work() as uow:
                service.treat_as_sent(uow, first.id, actor="ana")
            assert old.send().sent == 0, "it does not leave before it was looked for"
            with old.db.read() as uow:
                assert [
                    one and one.reason for one in service.why_all(uow, [service.get(uow, number)], old.settings)
                ] == ["restored"]
                assert repository.due_reconciliations(uow.session, uow.now()) == [1]
            assert reconciled() == int(filed)
            assert state() is (OutboundState.SENT if filed else OutboundState.AMBIGUOUS)
            assert old.send().sent == 0
            container.close()
    assert len(desk.mails()) == 1
