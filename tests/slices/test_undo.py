"""Undo takes back what this person did, as they did it, or says why it stays: never a colleague's decision, never half of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.clock import SteppedClock
from app.desk import answers, moves
from app.desk import service as desk
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.pipeline import LostReason, Stage
from app.domain.triage import ReplyClass
from app.errors import Conflict
from app.models import Conversation, ConversationState, Outbound, OutboundKind, PitchState, Prospect
from app.outbox import service as outbox
from app.pitches import service as pitches
from app.prospects import repository
from app.prospects import service as prospects
from app.reports.prospects import Lane, queue
from app.settings import Settings
from tests.slices.test_answers import answer, classify, line, reply, undo, who
from tests.slices.test_desk import _quick, approve, person  # noqa: F401 -- a fixture
from tests.slices.test_inbox_acting import World, _no_network, parser, world  # noqa: F401 -- fixtures
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House

SINCE = "another decision about this message was made since; this one cannot be taken back"


@pytest.fixture
def house(settings: Settings, clock: Any) -> Any:
    made = House(settings, clock=SteppedClock(clock.now()))
    yield made
    made.close()


def test_an_answer_is_the_last_decision_as_long_as_it_waits(world: World) -> None:  # noqa: F811
    ana = who(world)
    _, row = reply(world)
    classify(world, ana, row, ReplyClass.QUESTION)
    sent = answer(world, ana, row, "Here it is.")
    assert not line(world, row).waits
    assert undo(world, ana) is None
    with world.db.read() as uow:
        assert outbox.get(uow, sent.id).state is OutboundState.CANCELLED
    assert (line(world, row).waits, line(world, row).chosen, line(world, row).answered_by) == (True, "question", None)
    assert undo(world, ana) is None
    assert line(world, row).chosen is None


def test_an_answer_that_has_left_stays_and_so_does_what_came_before_it(world: World) -> None:  # noqa: F811
    ana = who(world)
    _, row = reply(world)
    classify(world, ana, row, ReplyClass.QUESTION)
    sent = answer(world, ana, row, "Here it is.")
    with world.db.work() as uow:
        made = outbox.get(uow, sent.id)
        made.state, made.sent_at = OutboundState.SENT, uow.now()
    assert "it cannot be taken back" in (undo(world, ana) or "")
    assert undo(world, ana) == SINCE
    assert (line(world, row).waits, line(world, row).chosen) == (False, "question")


def test_what_a_colleague_decided_since_is_theirs(world: World) -> None:  # noqa: F811
    ana, ben = who(world), who(world, "ben")
    out, row = reply(world)
    classify(world, ana, row, ReplyClass.QUESTION)
    classify(world, ben, row, ReplyClass.NO)
    assert undo(world, ana) == SINCE
    assert (line(world, row).chosen, line(world, row).waits) == ("no", False)
    assert undo(world, ben) is None
    with world.db.read() as uow:
        assert prospects.get(uow, out.prospect_id).stage is Stage.PITCHED
    assert line(world, row).chosen == "question"


def test_only_an_answer_is_taken_back_as_one(world: World) -> None:  # noqa: F811
    out, _ = reply(world)
    with world.db.work() as uow:
        uow.session.execute(update(Outbound).values(state=OutboundState.QUEUED, kind=OutboundKind.PITCH))
    with world.db.work() as uow, pytest.raises(Conflict, match="this is no answer"):
        answers.take_back_answer(uow, out.id, actor="ana")
    with world.db.read() as uow:
        assert outbox.get(uow, out.id).state is OutboundState.QUEUED


def test_a_skip_of_what_was_pitched_leaves_it_pitched_when_it_is_taken_back(house: House) -> None:
    number = furnish(house)["sent.test"]
    ana = person(house, "ana")
    with house.db.work() as uow:
        before = prospects.get(uow, number).stage
        desk.skip(uow, ana, number, LostReason.NOT_RELEVANT)
    assert before in (Stage.PITCHED, Stage.FOLLOWED_UP)
    with house.db.work() as uow:
        assert desk.undo(uow, ana).problem is None
    with house.db.read() as uow:
        assert prospects.get(uow, number).stage is before
        states = uow.session.execute(select(col(Conversation.state)).where(col(Conversation.prospect_id) == number))
        assert ConversationState.OPEN in list(states.scalars())
        given_up = [one for one in repository.blocking_after(uow.session, number, 0) if one.kind is Blocking.GIVEN_UP]
        assert given_up == []


def test_a_colleagues_skip_and_snooze_stay(house: House) -> None:
    ids = furnish(house)
    skipped, asleep = ids[DOMAINS[0]], ids[DOMAINS[1]]
    ana, ben = person(house, "ana"), person(house, "ben")
    with house.db.work() as uow:
        desk.snooze(uow, ana, asleep, uow.now() + timedelta(days=3))
    with house.db.work() as uow:
        desk.skip(uow, ana, skipped, LostReason.NOT_RELEVANT)
    with house.db.work() as uow:
        desk.put_back(uow, skipped, actor=ben.actor)
    with house.db.work() as uow:
        desk.skip(uow, ben, skipped, LostReason.UNWINNABLE)
        desk.snooze(uow, ben, asleep, uow.now() + timedelta(days=9))
    with house.db.work() as uow:
        assert "has moved on since" in str(desk.undo(uow, ana).problem)
    with house.db.work() as uow:
        assert "put aside anew since" in str(desk.undo(uow, ana).problem)
    with house.db.read() as uow:
        assert prospects.get(uow, skipped).stage is Stage.LOST
        kept = uow.session.get_one(Prospect, asleep).snoozed_until
        assert kept is not None and kept > uow.now() + timedelta(days=8)  # noqa: PT018 -- for the type


@pytest.mark.parametrize("by", ["the outbox", "a program"])
def test_a_colleagues_approval_stays(house: House, by: str) -> None:
    number = furnish(house)[DOMAINS[0]]
    ana, ben = person(house, "ana"), person(house, "ben")
    first = approve(house, ana, number)
    with house.db.work() as uow:
        if by == "the outbox":
            desk.undo_pitch(uow, first.data["pitch_id"], actor="key:crm")
        else:
            # As versions before did, which left the decision as it was.
            pitches.undo(uow, first.data["pitch_id"], actor="key:crm")
    second = approve(house, ben, number)
    if by == "the outbox":
        with house.db.work() as uow, pytest.raises(Conflict, match="nothing to take back"):
            desk.undo(uow, ana)
    else:
        with house.db.work() as uow:
            assert "out of the outbox already" in str(desk.undo(uow, ana).problem)
    with house.db.read() as uow:
        assert outbox.get(uow, second.data["outbound_id"]).state is OutboundState.QUEUED


def test_what_is_reopened_can_be_worked_on_and_goes_back(house: House) -> None:
    """As far as its pages were looked at; else they are looked at now. Undo leads back to lost in one step."""
    ids = furnish(house)
    known, unknown = ids[DOMAINS[1]], ids[DOMAINS[3]]
    ana = person(house, "ana")
    with house.db.work() as uow:
        for number in (known, unknown):
            moves.give_up(uow, ana, number, LostReason.WEAK_SITE)
    for number, stage in ((known, Stage.CHECKED_MENTION), (unknown, Stage.PROSPECT)):
        with house.db.work() as uow:
            moves.reopen(uow, ana, number, "they wrote")
        with house.db.read() as uow:
            prospect = prospects.get(uow, number)
            assert (prospect.stage, prospect.mention_due_at is not None) == (stage, number == unknown)
            assert number in [row["id"] for row in queue(uow, Lane(), limit=100)]
        with house.db.work() as uow:
            assert desk.undo(uow, ana).problem is None
        with house.db.read() as uow:
            assert prospects.get(uow, number).stage is Stage.LOST


def test_a_pitch_taken_out_of_the_outbox_is_a_draft_again(house: House) -> None:
    number = furnish(house)[DOMAINS[0]]
    ana = person(house, "ana")
    made = approve(house, ana, number)
    with house.db.work() as uow:
        desk.take_out(uow, made.data["outbound_id"], actor="key:crm")
    with house.db.read() as uow:
        assert outbox.get(uow, made.data["outbound_id"]).state is OutboundState.CANCELLED
        assert pitches.get(uow, made.data["pitch_id"]).state is PitchState.DRAFT
    with house.db.work() as uow, pytest.raises(Conflict, match="nothing to take back"):
        desk.undo(uow, ana)
