"""A look at a mailbox that a person has asked for: each line is there as it is found, it is called off between two, and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.container import Container
from app.deliverability import asked_looks, mailbox_check
from app.domain.checks import Check, CheckState
from app.domain.said import Sentence, say
from app.errors import NotFound
from app.jobs import Job, RecordingDispatcher
from app.mail.checks import Looked
from app.models import LookState, MailboxLook
from app.settings import Settings
from tests.support.world import a_mailbox

ONE = Check("smtp-reached", CheckState.OK, say("reached {host}", host="mail.test"))
TWO = Check("imap-reached", CheckState.FAIL, "refused", "Open the port.")
Looker = Callable[[Callable[[Sequence[Check]], None]], Looked]


@pytest.fixture
def container(settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[Container]:
    made = Container(settings, clock=clock, dispatcher=dispatcher)
    with made.db.work() as uow:
        a_mailbox(uow)
    yield made
    made.close()


def looks(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    """The servers are looked at in tests/mail/test_checks.py; here it is about what becomes of the lines."""
    monkeypatch.setattr(mailbox_check, "look", lambda _container, _id, *, send, told: looker(told))


def row(container: Container) -> MailboxLook:
    with container.db.read() as uow:
        return uow.session.get_one(MailboxLook, 1)


def ask(container: Container, *, sends: bool = False) -> None:
    with container.db.work() as uow:
        asked_looks.ask(uow, 1, sends=sends, actor="ana")


def due(container: Container) -> list[int]:
    with container.db.read() as uow:
        return asked_looks.due(uow.session, uow.now())


def test_each_line_is_there_as_it_is_found(
    container: Container, dispatcher: RecordingDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def looker(told: Callable[[Sequence[Check]], None]) -> Looked:
        told([ONE])
        seen.append([one["name"] for one in row(container).lines])
        told([ONE, TWO])
        seen.append([one["name"] for one in row(container).lines])
        return Looked((ONE, TWO))

    looks(monkeypatch, looker)
    ask(container)
    assert (Job.MAILBOX_LOOK, 1) in dispatcher.rung
    assert (row(container).state, due(container)) == (LookState.ASKED, [1])
    asked_looks.run(container, 1)
    assert seen == [["smtp-reached"], ["smtp-reached", "imap-reached"]]
    made = row(container)
    assert (made.state, made.due_at, made.error) == (LookState.DONE, None, None)
    found = asked_looks.lines_of(made)
    assert found == [ONE, TWO]
    assert isinstance(found[0].found, Sentence), "a page says it in its reader's language"
    assert due(container) == []
    asked_looks.run(container, 1)
    assert len(seen) == 2, "a bell that rings twice looks once"


def test_it_is_called_off_between_two_lines_and_keeps_what_it_found(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looker(told: Callable[[Sequence[Check]], None]) -> Looked:
        told([ONE])
        with container.db.work() as uow:
            asked_looks.call_off(uow, 1)
        told([ONE, TWO])
        raise AssertionError("it went on")

    looks(monkeypatch, looker)
    ask(container)
    asked_looks.run(container, 1)
    assert (row(container).state, len(row(container).lines)) == (LookState.CANCELLED, 2)
    ask(container)
    assert (row(container).state, row(container).lines, row(container).cancel_asked) == (LookState.ASKED, [], False)


def test_what_a_worker_has_left_is_taken_up_and_not_before(
    container: Container, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_told: Callable[[Sequence[Check]], None]) -> Looked:
        raise SystemExit

    looks(monkeypatch, dies)
    monkeypatch.setattr(asked_looks, "_end", lambda *_given: None)
    ask(container)
    with pytest.raises(SystemExit):
        asked_looks.run(container, 1)
    monkeypatch.undo()
    looks(monkeypatch, lambda _told: Looked((ONE,)))
    clock.advance(asked_looks.CLAIM - timedelta(seconds=1))
    assert due(container) == []
    clock.advance(timedelta(seconds=2))
    assert due(container) == [1]
    asked_looks.run(container, 1)
    assert row(container).state is LookState.DONE


def test_a_stopping_worker_puts_it_down_for_the_next(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    def looker(told: Callable[[Sequence[Check]], None]) -> Looked:
        container.stopping.set()
        told([ONE])
        raise AssertionError("it went on")

    looks(monkeypatch, looker)
    ask(container)
    asked_looks.run(container, 1)
    container.stopping.clear()
    assert (row(container).state, due(container)) == (LookState.ASKED, [1])


def test_what_breaks_is_said_on_the_row(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    def looker(_told: Callable[[Sequence[Check]], None]) -> Looked:
        raise RuntimeError("no entropy")

    looks(monkeypatch, looker)
    ask(container)
    with pytest.raises(RuntimeError):
        asked_looks.run(container, 1)
    assert (row(container).state, row(container).error) == (LookState.FAILED, "RuntimeError: no entropy")


def test_who_asks_twice_has_one_and_who_asks_for_another_kind_has_that(
    container: Container, monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    ask(container)
    first = row(container).asked_at
    clock.advance(timedelta(seconds=3))
    ask(container)
    assert row(container).asked_at == first

    def looker(told: Callable[[Sequence[Check]], None]) -> Looked:
        clock.advance(timedelta(seconds=3))
        ask(container, sends=True)
        told([ONE])
        raise AssertionError("it went on")

    looks(monkeypatch, looker)
    asked_looks.run(container, 1)
    assert (row(container).state, row(container).sends, row(container).lines) == (LookState.ASKED, True, [])
    with container.db.work() as uow, pytest.raises(NotFound):
        asked_looks.ask(uow, 99, sends=False, actor="ana")


def test_a_time_that_a_wrong_clock_has_set_holds_nothing_up(container: Container) -> None:
    ask(container)
    with container.db.work() as uow:
        uow.session.get_one(MailboxLook, 1).due_at = uow.now() + timedelta(days=40)
    assert due(container) == [1]
