"""An opt-out that a machine read out of words, taken back by a person; and what is more than a reading, which cannot be."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.domain.blocking import Blocking
from app.domain.pipeline import LostReason, Stage
from app.domain.triage import ReplyClass
from app.errors import BadInput, Conflict
from app.inbox import opt_outs
from app.models import AuditEvent, Conversation, Inbound, Outbound, SuppressionRemoval, Triage
from app.outbox import service as outbox
from app.prospects import service as prospects
from tests.slices.test_answers import classify, who
from tests.slices.test_inbox_acting import VAULT, World, _no_network, parser, world  # noqa: F401
from tests.support.letters import complaint, letter

FRIENDLY = "Thanks, let me take a look and I'll add it to our list."


def opted_out(world: World, text: str = "Please remove me from your list.") -> tuple[Outbound, Inbound]:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter(text, in_reply_to=out.message_id))
    assert row.kind == "opt-out"
    assert world.stage(out.prospect_id) is Stage.LOST
    return out, row


def take_back(world: World, row: Inbound, reason: str = "they quote our footer") -> None:  # noqa: F811
    with world.db.work() as uow:
        opt_outs.take_back(uow, VAULT, row.id, reason, actor="ana@acme.test")


def test_a_friendly_answer_suppresses_nobody(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter(FRIENDLY, in_reply_to=out.message_id))
    assert (row.kind, world.blocks(out.prospect_id)) == ("reply", [Blocking.REPLY])
    assert not world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.PITCHED


def test_a_guess_stops_and_asks_and_suppresses_nobody(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter("Do not contact this desk.", in_reply_to=out.message_id))
    assert (row.kind, row.intent) == ("reply", "opt-out")
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]
    assert (world.stage(out.prospect_id), world.suppressed("dana@editor.test")) == (Stage.PITCHED, False)
    with world.db.read() as uow:
        line = uow.session.get_one(Triage, row.id)
        assert (line.suggested, line.waits) == (ReplyClass.UNSUBSCRIBE, True)
    classify(world, who(world), row, ReplyClass.UNSUBSCRIBE)
    assert world.suppressed("dana@editor.test")


def test_a_person_takes_a_reading_back_with_a_reason_on_record(world: World) -> None:  # noqa: F811
    out, row = opted_out(world)
    with pytest.raises(BadInput):
        take_back(world, row, "  ")
    take_back(world, row)
    assert not world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.PITCHED
    # It was a reply all the same: no follow-up leaves.
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]
    with world.db.read() as uow:
        assert uow.session.get_one(Conversation, out.conversation_id).state == "open"
        assert uow.session.get_one(Inbound, row.id).kind == "reply"
        line = uow.session.get_one(Triage, row.id)
        assert (line.waits, line.suggested) == (True, None)
        assert uow.session.execute(select(col(SuppressionRemoval.reason))).scalars().all() == ["they quote our footer"]
        verbs = set(uow.session.execute(select(col(AuditEvent.verb))).scalars())
        assert {"message.no_opt_out", "suppression.removed"} <= verbs
    with world.db.work() as uow:
        prospects.give_up(uow, out.prospect_id, LostReason.OTHER, actor="ana")
        prospects.reopen(uow, out.prospect_id, "a new editor", actor="ana")
    with pytest.raises(Conflict):
        take_back(world, row)


@pytest.mark.parametrize("before", [True, False])
def test_what_they_did_themselves_is_final(world: World, before: bool) -> None:  # noqa: F811
    out = world.send()

    def click() -> None:
        with world.db.work() as uow:
            outbox.opt_out(uow, VAULT, out.token, source="link in a mail")

    if before:
        click()
    [row] = world.receive(letter("Please remove me from your list.", in_reply_to=out.message_id))
    if not before:
        click()
    with pytest.raises(Conflict, match="final"):
        take_back(world, row)
    assert world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.LOST


def test_the_mail_that_our_header_asks_for_is_their_own_act(world: World) -> None:  # noqa: F811
    out = world.send()
    [row] = world.receive(letter("", subject=f"unsubscribe-{out.token}", in_reply_to=out.message_id))
    assert row.kind == "opt-out"
    with pytest.raises(Conflict):
        take_back(world, row)


def test_a_complaint_after_it_is_final(world: World) -> None:  # noqa: F811
    out, row = opted_out(world)
    world.receive(complaint("dana@editor.test", f"Message-ID: {out.message_id}\r\nTo: dana@editor.test"))
    with pytest.raises(Conflict, match="final"):
        take_back(world, row)
    assert world.suppressed("dana@editor.test")


def test_what_a_person_has_read_so_is_final(world: World) -> None:  # noqa: F811
    _, row = opted_out(world)
    classify(world, who(world), row, ReplyClass.UNSUBSCRIBE)
    with pytest.raises(Conflict):
        take_back(world, row)
    assert world.suppressed("dana@editor.test")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_readings_are_taken_back_one_by_one(world: World, order: tuple[int, int]) -> None:  # noqa: F811
    out, first = opted_out(world)
    [second] = world.receive(letter("Stop emailing me.", in_reply_to=out.message_id))
    rows = (first, second)
    take_back(world, rows[order[0]])
    assert world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.LOST
    take_back(world, rows[order[1]])
    assert not world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.PITCHED


def test_a_reading_that_belongs_to_nobody_frees_its_address(world: World) -> None:  # noqa: F811
    [row] = world.receive(letter("please unsubscribe me", sender="who@nowhere.test"))
    assert world.suppressed("who@nowhere.test")
    take_back(world, row)
    assert not world.suppressed("who@nowhere.test")
