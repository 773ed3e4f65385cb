"""An answer that does not leave is not forgotten: what it had answered waits for somebody again, and nobody is given up for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.models import Inbound, Mailbox, Outbound, StageEvent, SuppressionKind
from app.outbox import service as outbox
from app.outbox.delivery import drain
from app.prospects import suppression
from app.reports import quality
from app.reports.outreach import Scope
from tests.slices.test_answers import answer, line, reply, who
from tests.slices.test_inbox_acting import VAULT, World, _no_network, parser, world  # noqa: F401
from tests.slices.test_outbox import Gate
from tests.support.letters import letter
from tests.support.smtp_sink import Sink, sink


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


def answered(world: World, smtp: Sink) -> tuple[Outbound, Inbound, Outbound]:  # noqa: F811
    """A pitch of ours, the reply to it, and a person's answer that waits in the outbox."""
    with world.db.work() as uow:
        uow.session.execute(update(Mailbox).values(smtp_port=smtp.port, polled_at=world.clock.now()))
    out, row = reply(world)
    made = answer(world, who(world), row, "Thank you.")
    assert not line(world, row).waits
    return out, row, made


def leave(world: World, after: timedelta = timedelta(hours=1)) -> None:  # noqa: F811
    world.clock.advance(after)
    drain(world.db, world.deps.settings, VAULT, Gate(), 1)


def state(world: World, made: Outbound) -> OutboundState:  # noqa: F811
    with world.db.read() as uow:
        return outbox.get(uow, made.id).state


def reasons(world: World, made: Outbound) -> list[str | None]:  # noqa: F811
    with world.db.read() as uow:
        found = select(col(StageEvent.reason)).where(
            col(StageEvent.prospect_id) == made.prospect_id, col(StageEvent.event) == "answer_not_sent"
        )
        return list(uow.session.execute(found).scalars())


@pytest.mark.parametrize(
    ("verb", "said"),
    [("DOT", "550 5.7.1 looks like spam"), ("DOT", "550 5.1.1 says it late"), ("RCPT", "550 5.1.1 unknown user")],
)
def test_a_refused_answer_comes_back_and_loses_nobody(world: World, smtp: Sink, verb: str, said: str) -> None:  # noqa: F811
    out, row, made = answered(world, smtp)
    smtp.answers[verb] = said
    leave(world)
    assert state(world, made) is OutboundState.REJECTED
    assert line(world, row).waits
    assert reasons(world, made) == [said]
    assert world.stage(out.prospect_id) is Stage.PITCHED
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]
    with world.db.read() as uow:
        assert uow.session.get_one(Inbound, row.id).handled_at is None
        assert quality.reply_time(uow, Scope()).answered == 0


def test_an_answer_that_a_rule_takes_out_comes_back(world: World, smtp: Sink) -> None:  # noqa: F811
    _, row, made = answered(world, smtp)
    with world.db.work() as uow:
        suppression.suppress(
            uow, VAULT, made.to_address, kind=SuppressionKind.ADDRESS, reason="asked", source="web", actor="ben"
        )
    leave(world)
    assert state(world, made) is OutboundState.CANCELLED
    assert line(world, row).waits
    assert "must not be written to" in str(reasons(world, made)[0])


def test_an_answer_that_expired_comes_back(world: World, smtp: Sink) -> None:  # noqa: F811
    _, row, made = answered(world, smtp)
    leave(world, timedelta(days=30))
    assert state(world, made) is OutboundState.CANCELLED
    assert line(world, row).waits
    assert "expired" in str(reasons(world, made)[0])
    assert smtp.messages == []


def test_an_answer_that_a_newer_message_stops_comes_back(world: World, smtp: Sink) -> None:  # noqa: F811
    out, row, made = answered(world, smtp)
    world.receive(letter("One more thing.", in_reply_to=out.message_id))
    leave(world)
    assert state(world, made) is OutboundState.CANCELLED
    assert line(world, row).waits


def test_an_answer_taken_back_in_the_outbox_is_wanted_again(world: World, smtp: Sink) -> None:  # noqa: F811
    _, row, made = answered(world, smtp)
    with world.db.work() as uow:
        outbox.cancel(uow, made.id, actor="ana")
    assert line(world, row).waits
    assert reasons(world, made) == []


def test_an_answer_that_leaves_ends_the_wait(world: World, smtp: Sink) -> None:  # noqa: F811
    _, row, made = answered(world, smtp)
    leave(world)
    assert state(world, made) is OutboundState.SENT
    assert not line(world, row).waits
    with world.db.read() as uow:
        assert quality.reply_time(uow, Scope()).answered == 1
