"""Mail that nothing ties to a conversation: proposals, what staff decide, the order of the locks, and the alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.domain.blocking import Blocking
from app.errors import Conflict
from app.inbox import service
from app.inbox.deps import InboxDeps
from app.inbox.parser import MailParser
from app.inbox.suggestions import suggestions
from app.models import InboundState
from tests.slices.test_inbox_acting import VAULT, World, _no_network, _Poisoned, parser, world  # noqa: F401
from tests.support.letters import letter

# `parser` and `world` are the fixtures of the inbox: a mailbox that may send, and mail put in as the poller does.


def test_an_answer_from_another_address_is_proposed_and_confirmed(world: World) -> None:  # noqa: F811
    first, second = world.send("editor.test"), world.send("other.test")
    raw = letter("I own editor.test. Fine with me.", sender="Somebody <me@private.test>", subject="your checklist")
    [row] = world.receive(raw)
    assert (row.kind, row.prospect_id) == ("reply", None)
    with world.db.read() as uow:
        found = suggestions(uow, row.id)
    assert found[0].prospect_id == first.prospect_id
    assert any("editor.test" in reason for reason in found[0].reasons)
    assert found[0].score > (found[1].score if len(found) > 1 else 0)
    with world.db.work() as uow:
        service.is_reply(uow, row.id, actor="ana", prospect_id=first.prospect_id)
    assert world.blocks(first.prospect_id) == [Blocking.REPLY]
    assert world.blocks(second.prospect_id) == []


def test_what_fits_nothing_has_no_proposal_and_can_be_put_away(world: World) -> None:  # noqa: F811
    world.send("editor.test")
    [row] = world.receive(letter("An offer of chairs.", sender="shop@chairs.test", subject="Chairs"))
    with world.db.read() as uow:
        assert suggestions(uow, row.id) == []
    with world.db.work() as uow:
        assert service.dismiss(uow, row.id, actor="ana").handled_by == "ana"


def test_a_certain_reply_cannot_be_put_away(world: World) -> None:  # noqa: F811
    out = world.send("editor.test")
    [row] = world.receive(letter(in_reply_to=out.message_id))
    with world.db.work() as uow, pytest.raises(Conflict, match="paused nothing"):
        service.dismiss(uow, row.id, actor="ana")
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]


@pytest.fixture
def locks(world: World) -> Iterator[list[str]]:  # noqa: F811
    """The tables in the order in which rows are locked or changed."""
    taken: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        words = " ".join(statement.split())
        for table in ("prospect", "inbound"):
            if words.startswith(f"UPDATE {table} ") or ("FOR UPDATE" in words and f"FROM {table} " in words):
                taken.append(table)

    event.listen(world.db.engine, "before_cursor_execute", note)
    yield taken
    event.remove(world.db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer and no row locks.
def test_everybody_locks_the_prospect_before_the_message(world: World, locks: list[str]) -> None:  # noqa: F811
    out = world.send("editor.test")
    [row, other] = world.receive(letter(subject="hi"), letter(sender="me@private.test", subject="hello"))
    assert row.prospect_id == out.prospect_id
    for verb in (
        lambda uow: service.is_reply(uow, row.id, actor="ana"),
        lambda uow: service.dismiss(uow, row.id, actor="ana"),
        lambda uow: service.is_reply(uow, other.id, actor="ana", prospect_id=out.prospect_id),
    ):
        locks.clear()
        with world.db.work() as uow:
            verb(uow)
        assert locks[0] == "prospect"
        assert "inbound" in locks
    # The worker: acting on a message, and putting one aside.
    locks.clear()
    world.receive(letter("once more", in_reply_to=out.message_id))
    act = [at for at, table in enumerate(locks) if table == "prospect"]
    assert act, locks
    assert "inbound" in locks[act[0] :]
    assert _order_of_last_transaction(locks) == ["prospect", "inbound"]
    world.deps = InboxDeps(
        world.db,
        VAULT,
        world.deps.settings,
        _Poisoned(world.deps.parser, died=True),
        _no_network,  # type: ignore[arg-type]
    )
    locks.clear()
    world.receive(letter("poison", in_reply_to=out.message_id))
    assert locks[0] == "prospect"


def _order_of_last_transaction(locks: list[str]) -> list[str]:
    """Of the last prospect lock and what follows: the parse and the match change the message alone, before."""
    first = locks.index("prospect")
    return list(dict.fromkeys(locks[first:]))


def test_a_wave_of_poison_is_an_alert(world: World, caplog: pytest.LogCaptureFixture, parser: MailParser) -> None:  # noqa: F811
    world.deps = InboxDeps(world.db, VAULT, world.deps.settings, _Poisoned(parser, died=True), _no_network)  # type: ignore[arg-type]
    rows = world.receive(*(letter(f"poison {number}") for number in range(5)))
    assert all(row.state is InboundState.QUARANTINED for row in rows)
    with world.db.read() as uow:
        assert service.quarantine(uow) == (5, 5)
    assert "many_quarantined" not in caplog.text
    world.receive(letter("poison 6"))
    with world.db.read() as uow:
        assert service.quarantine(uow) == (6, 6)
    assert "many_quarantined" in caplog.text
    world.clock.advance(timedelta(hours=2))
    with world.db.read() as uow:
        assert service.quarantine(uow) == (6, 0)
