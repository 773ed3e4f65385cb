"""What stops a prospect: a message does so for each one that it was given to, and a stop by a person outlives what came after."""

from __future__ import annotations

import dataclasses

import pytest
from sqlmodel import select

from app.domain.blocking import Blocking
from app.inbox import service
from app.inbox.identity import content_key
from app.inbox.parser import ParseFault
from app.inbox.processing import process_pending
from app.models import BlockingEvent, Inbound, InboundState, RunState, SequenceRun
from app.outbox.overtaken import RESTORED
from app.prospects import service as prospects
from app.sequences import service as sequences
from app.sequences.advance import Advanced
from app.settings import Settings
from tests.slices.test_inbox_acting import World, parser, world  # noqa: F401 -- fixtures
from tests.slices.test_sequences import Eyes, desk, due, eyes, follow_up_is_due, step  # noqa: F401 -- fixtures
from tests.support.letters import letter
from tests.support.pitching import Desk


@pytest.mark.parametrize("known", [False, True], ids=["given to the wrong one first", "matched to the wrong one"])
def test_an_answer_stops_whom_it_is_given_to_in_the_end(world: World, known: bool) -> None:  # noqa: F811
    first, second = world.send("editor.test"), world.send("other.test")
    if known:
        [row] = world.receive(letter("Fine with me.", in_reply_to=first.message_id))
    else:
        [row] = world.receive(letter("Fine with me.", sender="Me <me@private.test>", subject="your checklist"))
        with world.db.work() as uow:
            service.is_reply(uow, row.id, actor="ana", prospect_id=first.prospect_id)
    for _again in range(2):
        with world.db.work() as uow:
            service.is_reply(uow, row.id, actor="ana", prospect_id=second.prospect_id)
    with world.db.read() as uow:
        kept = uow.session.get_one(Inbound, row.id)
        assert (kept.prospect_id, kept.conversation_id) == (second.prospect_id, second.conversation_id)
    assert world.blocks(first.prospect_id) == world.blocks(second.prospect_id) == [Blocking.REPLY]


def lying(world: World, raw: bytes) -> int:  # noqa: F811
    """A message that was fetched and not read yet; its number."""
    with world.db.work() as uow:
        row = Inbound(
            mailbox_id=1,
            content_key=content_key(raw),
            state=InboundState.STORED,
            raw=raw,
            size=len(raw),
            received_at=uow.now(),
            stored_at=uow.now(),
        )
        uow.session.add(row)
        uow.session.flush()
        return int(row.id)


class _Dying:
    """A parser that dies of every message."""

    def parse(self, raw: bytes) -> None:
        raise ParseFault("crash", "it died", died=True)


def test_what_was_dismissed_unread_stops_when_it_can_be_read(world: World) -> None:  # noqa: F811
    sent = world.send("editor.test")
    raw = letter("Fine with me.", sender=f"Dan <{sent.to_address}>", in_reply_to=sent.message_id)
    number = lying(world, raw)
    process_pending(dataclasses.replace(world.deps, parser=_Dying()))  # type: ignore[arg-type]
    assert world.blocks(sent.prospect_id) == [Blocking.POSSIBLE_REPLY]
    with world.db.work() as uow:
        service.dismiss(uow, number, actor="ana")
    # What ties it to our mail by more than its sender was in the part that is gone.
    with world.db.work() as uow:
        uow.session.get_one(Inbound, number).raw = letter("Fine with me.", sender=f"Dan <{sent.to_address}>")
        service.try_again(uow, number, actor="ana")
    process_pending(world.deps)
    with world.db.read() as uow:
        events = uow.session.exec(select(BlockingEvent).order_by(BlockingEvent.id)).all()  # type: ignore[arg-type]
        assert [(one.kind, one.cleared_at is None) for one in events] == [
            (Blocking.POSSIBLE_REPLY, False),
            (Blocking.POSSIBLE_REPLY, True),
        ]


@pytest.mark.parametrize("reason", ["staff_stop", RESTORED, "contract"])
def test_a_possible_reply_that_was_none_ends_no_other_pause(
    desk: Desk,  # noqa: F811
    eyes: Eyes,  # noqa: F811
    settings: Settings,
    reason: str,
) -> None:
    desk.pitched()
    follow_up_is_due(desk, eyes)
    if reason == "staff_stop":
        assert step(desk, eyes) is Advanced.QUEUED
        desk.clock.advance(settings.undo_window)
        with desk.db.work() as uow:
            sequences.stop(uow, 1, actor="ana")
    else:
        with desk.db.work() as uow:
            run = uow.session.get_one(SequenceRun, 1)
            run.state, run.end_reason, run.due_at = RunState.PAUSED, reason, None
    with desk.db.work() as uow:
        number = prospects.block(uow, 1, Blocking.POSSIBLE_REPLY, detail="x").id
    assert step(desk, eyes) is Advanced.PAUSED
    with desk.db.work() as uow:
        prospects.clear_block(uow, number, actor="ana")
    assert due(desk) == []
    assert step(desk, eyes) is Advanced.PAUSED
    assert (desk.run().state, desk.run().end_reason) == (RunState.PAUSED, reason)
    assert desk.send().sent == 0
    assert len(desk.mails()) == 1
    # Who has stopped it lets it go on.
    with desk.db.work() as uow:
        sequences.resume(uow, 1, actor="ana")
    assert step(desk, eyes) is not Advanced.PAUSED
