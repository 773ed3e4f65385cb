"""A fault that has nothing to do with a mail does not decide what becomes of it: of the database, of one message, of one mailbox."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.inbox import acting, matching
from app.inbox import service as inbox
from app.inbox.deps import by_imap
from app.inbox.processing import process_pending
from app.mail import upkeep
from app.mail.credentials import Credentials
from app.mail.imap import _arrival
from app.mail.smtp import SmtpSession
from app.models import Inbound, InboundState, Outbound
from app.outbox import repository
from app.outbox import service as outbox
from app.outbox.delivery import Turn
from app.outbox.reconcile import reconcile
from app.sequences.advance import Advanced
from app.settings import Settings
from tests.slices.test_blocks import lying
from tests.slices.test_inbox_acting import VAULT, World, parser, world  # noqa: F401 -- fixtures
from tests.slices.test_sequences import Eyes, desk, eyes, follow_up_is_due, step  # noqa: F401 -- fixtures
from tests.support.letters import letter
from tests.support.pitching import Desk, OpenGate


def test_an_answer_counts_although_the_lease_could_not_be_renewed(
    desk: Desk,  # noqa: F811
    eyes: Eyes,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.pitched()
    follow_up_is_due(desk, eyes)
    assert step(desk, eyes) is Advanced.QUEUED
    desk.clock.advance(desk.settings.undo_window)
    finish, tried = SmtpSession.finish, []

    async def slow(self: SmtpSession, raw: bytes) -> Any:
        answer = await finish(self, raw)
        await asyncio.sleep(0.4)
        return answer

    def broken(*args: object) -> None:
        tried.append(args)
        raise OperationalError("UPDATE mailbox", {}, Exception("the database is locked"))

    monkeypatch.setattr(SmtpSession, "finish", slow)
    monkeypatch.setattr(repository, "renew_lease", broken)
    turn = Turn(desk.db, desk.settings, VAULT, OpenGate(), 1)
    turn._lease = timedelta(seconds=0.8)
    assert turn.run().sent == 1
    assert tried
    with desk.db.read() as uow:
        assert outbox.get(uow, 2).state is OutboundState.SENT


@pytest.mark.parametrize("where", ["match", "act"])
def test_one_message_that_breaks_us_holds_up_no_other(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    odd, good = world.send("editor.test"), world.send("blog.test")
    for sent in (odd, good):
        lying(world, letter("Fine with me.", in_reply_to=sent.message_id))
    room, name = (matching.Book, "find") if where == "match" else (acting, "act")
    whole = getattr(room, name)

    def poisoned(*args: Any) -> Any:
        if any(odd.message_id in str(getattr(one, "ids", "")) for one in args) or any(
            getattr(one, "prospect_id", None) == odd.prospect_id for one in args
        ):
            raise OverflowError("date value out of range")
        return whole(*args)

    monkeypatch.setattr(room, name, poisoned)
    process_pending(world.deps, 1)
    process_pending(world.deps, 1)
    process_pending(world.deps, 1)
    with world.db.read() as uow:
        rows = uow.session.exec(select(Inbound).order_by(Inbound.id)).all()  # type: ignore[arg-type]
        assert [(row.state, row.failures) for row in rows] == [(InboundState.QUARANTINED, 3), (InboundState.DONE, 0)]
        assert "date value out of range" in str(rows[0].error)
    assert world.blocks(good.prospect_id) == [Blocking.REPLY]


@pytest.mark.parametrize(("year", "known"), [(1, False), (1989, False), (2026, True), (2101, False), (9999, False)])
def test_an_arrival_that_cannot_be_is_none(year: int, known: bool) -> None:
    at = datetime(year, 1, 1, 0, 30, tzinfo=datetime.strptime("+0100", "%z").tzinfo)
    assert _arrival(at) == (at.astimezone(UTC) if known else None)


def test_what_is_unsure_in_a_mailbox_that_is_switched_off_is_settled_by_what_is_stored(
    world: World,  # noqa: F811
    settings: Settings,
) -> None:
    unsure = {"state": OutboundState.AMBIGUOUS, "sent_at": None, "reconcile_at": world.clock.now()}
    world.send("editor.test", **unsure)
    answered = world.send("blog.test", **unsure)
    world.receive(letter("Fine with me.", in_reply_to=answered.message_id))
    with world.db.work() as uow:
        upkeep.switch_off(uow, 1, actor="ana")
    deps = dataclasses.replace(world.deps, connect=by_imap(settings, Credentials(world.db, settings, VAULT)))
    world.clock.advance(timedelta(minutes=10))
    assert reconcile(world.db, lambda row, box: inbox.sent_copy(deps, row, box), 1) == 1
    with world.db.read() as uow:
        rows = uow.session.exec(select(Outbound).order_by(Outbound.id)).all()  # type: ignore[arg-type]
        assert [(row.state, row.reconcile_tries) for row in rows] == [
            (OutboundState.AMBIGUOUS, 1),
            (OutboundState.SENT, 0),
        ]
