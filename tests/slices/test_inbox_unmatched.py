"""Mail that nothing ties to a conversation: proposals, what staff decide, the order of the locks, and the alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.errors import BadInput, Conflict
from app.inbox import service, triage
from app.inbox.deps import InboxDeps
from app.inbox.parser import MailParser
from app.inbox.processing import process_pending
from app.inbox.suggestions import suggestions
from app.mail import accounts
from app.models import Inbound, InboundState, Mailbox, Triage
from app.reports import inbox as reports
from tests.slices.test_inbox_acting import VAULT, World, _no_network, _Poisoned, parser, world  # noqa: F401
from tests.support.letters import complaint, letter, report
from tests.support.world import a_mailbox

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


def test_an_answer_to_another_mailbox_of_ours_is_proposed_as_well(world: World) -> None:  # noqa: F811
    with world.db.work() as uow:
        a_mailbox(uow, "bo@acme.test")
    theirs = world.send("editor.test", mailbox_id=2)
    [row] = world.receive(letter("Fine with me.", sender="Me <me@private.test>", subject="your checklist"))
    with world.db.read() as uow:
        assert [one.prospect_id for one in suggestions(uow, row.id)] == [theirs.prospect_id]
    # Of two that fit alike, the one from the mailbox that it came to.
    ours = world.send("other.test")
    world.send("third.test", mailbox_id=2)
    with world.db.read() as uow:
        assert suggestions(uow, row.id)[0].prospect_id == ours.prospect_id


def test_a_report_that_names_none_of_our_mails_waits_for_a_person(world: World) -> None:  # noqa: F811
    ours, other = world.send("editor.test"), world.send("other.test")
    # Behind the alias that we wrote to stands another address, and nothing is returned.
    [row] = world.receive(report("d.ruiz@editor.test"))
    assert (row.kind, row.prospect_id, row.state) == ("bounce", None, InboundState.DONE)
    with world.db.read() as uow:
        assert [one["id"] for one in reports.unmatched(uow)] == [row.id]
        found = suggestions(uow, row.id)
    assert (found[0].outbound_id, found[0].reasons[0]) == (ours.id, "it reports on editor.test, too")
    with world.db.work() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
        mailbox.active = False
        with pytest.raises(Conflict, match="switched off"):
            service.is_bounce(uow, row.id, ours.id, actor="ana")
        mailbox.active = True
        service.is_bounce(uow, row.id, ours.id, actor="ana")
    process_pending(world.deps)
    assert world.blocks(ours.prospect_id)[0] == Blocking.HARD_BOUNCE
    assert (world.stage(ours.prospect_id), world.blocks(other.prospect_id)) == (Stage.LOST, [])
    assert world.suppressed(ours.to_address)
    with world.db.work() as uow:
        assert reports.unmatched(uow) == []
        with pytest.raises(Conflict):
            service.is_bounce(uow, row.id, other.id, actor="ana")


@pytest.mark.parametrize("state", [OutboundState.QUEUED, OutboundState.CANCELLED, OutboundState.NOT_SENT])
def test_a_report_is_about_no_mail_that_has_not_left(world: World, state: OutboundState) -> None:  # noqa: F811
    waits = world.send("editor.test", state=state, sent_at=None)
    [row] = world.receive(report("d.ruiz@editor.test"))
    later = world.send("other.test", committed_at=world.clock.now() + timedelta(seconds=61))
    for mail in (waits, later):
        with world.db.work() as uow, pytest.raises(Conflict, match="had not left"):
            service.is_bounce(uow, row.id, mail.id, actor="ana")
        process_pending(world.deps)
        assert (world.blocks(mail.prospect_id), world.stage(mail.prospect_id)) == ([], Stage.PITCHED)
        assert not world.suppressed(mail.to_address)


def test_a_report_may_come_before_our_clock_says_that_the_mail_left(world: World) -> None:  # noqa: F811
    """Their server writes whole seconds, by a clock of its own."""
    mail = world.send("editor.test", committed_at=world.clock.now() + timedelta(seconds=59))
    [row] = world.receive(report("d.ruiz@editor.test"))
    with world.db.work() as uow:
        assert [one.outbound_id for one in suggestions(uow, row.id)] == [mail.id]
        service.is_bounce(uow, row.id, mail.id, actor="ana")
    process_pending(world.deps)
    assert world.blocks(mail.prospect_id)[0] == Blocking.HARD_BOUNCE


def test_a_report_is_no_reply_and_a_reply_is_of_somebody_we_know(world: World) -> None:  # noqa: F811
    out = world.send("editor.test")
    [came_back, row] = world.receive(report("d.ruiz@else.test"), letter(sender="me@private.test", subject="hello"))
    with world.db.work() as uow, pytest.raises(Conflict, match="no reply"):
        service.is_reply(uow, came_back.id, actor="ana", prospect_id=out.prospect_id)
    with world.db.work() as uow, pytest.raises(BadInput) as refused:
        service.is_reply(uow, row.id, actor="ana", prospect_id=out.prospect_id + 1)
    assert [one.field for one in refused.value.problems] == ["prospect_id"]
    assert world.blocks(out.prospect_id) == []


def test_a_report_that_a_machine_has_given_to_somebody_may_be_their_answer(world: World) -> None:  # noqa: F811
    """As an answer is that quotes a failed delivery: nobody could say otherwise what it is."""
    out = world.send("editor.test")
    [row] = world.receive(report(out.to_address, returned=f"Message-ID: {out.message_id}"))
    assert (row.kind, row.prospect_id) == ("bounce", out.prospect_id)
    with world.db.work() as uow:
        service.is_reply(uow, row.id, actor="ana")
    assert Blocking.REPLY in world.blocks(out.prospect_id)
    with world.db.read() as uow:
        told = uow.session.get_one(Inbound, row.id)
        assert (told.kind, told.match_kind) == ("reply", "by-hand")
        assert uow.session.get_one(Triage, row.id).waits


def test_nobody_writes_again_to_the_sender_of_what_a_person_wrote(world: World) -> None:  # noqa: F811
    out = world.send("editor.test")
    [offer, came_back, answer, spam] = world.receive(
        letter("An offer of chairs.", sender="shop@chairs.test", subject="Chairs"),
        report("d.ruiz@else.test"),
        letter(in_reply_to=out.message_id),
        complaint("nobody@else.test", "Subject: Your checklist"),
    )
    assert [one.kind for one in (came_back, spam)] == ["bounce", "complaint"]
    with world.db.work() as uow:
        assert service.suppress(uow, VAULT, offer.id, actor="ana").handled_by == "ana"
    assert world.suppressed("shop@chairs.test")
    for row in (came_back, answer, spam):
        with world.db.work() as uow, pytest.raises(Conflict, match="only the sender"):
            service.suppress(uow, VAULT, row.id, actor="ana")
        assert row.from_address
        assert not world.suppressed(row.from_address)


def test_what_comes_from_an_alias_of_ours_is_our_own_mail(world: World) -> None:  # noqa: F811
    out = world.send("editor.test")
    with world.db.work() as uow:
        accounts.set_aliases(uow, 1, ["Hello@Brand.test", "ana@acme.test"], actor="ana")
        assert uow.session.get_one(Mailbox, 1).aliases == ["hello@brand.test"]
        with pytest.raises(BadInput):
            accounts.set_aliases(uow, 1, ["nobody"], actor="ana")
        with pytest.raises(BadInput):
            accounts.set_aliases(uow, 1, ["hello@brand.test", "Dana@editor.test"], actor="ana")
    text = "Please unsubscribe me, you wrote; done."
    [row] = world.receive(letter(text, sender="Ana <hello@brand.test>", in_reply_to=out.message_id))
    assert (row.rule, row.prospect_id) == ("own-copy", None)
    assert world.blocks(out.prospect_id) == []


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


def test_from_when_on_a_message_is_told_as_late(world: World) -> None:  # noqa: F811
    """When its time is over, or when it came where it was late already; a message of nobody is in no such list."""
    out = world.send("editor.test")
    [certain, nobodys] = world.receive(letter(in_reply_to=out.message_id), letter("stop", sender="me@private.test"))
    with world.db.work() as uow:
        line = uow.session.get_one(Triage, certain.id)
        assert line.late_at == line.due_at
        row = uow.session.get_one(Inbound, certain.id)
        row.stored_at = uow.now() + timedelta(days=1)
        triage.until(line, row, line.due_at)
        assert line.late_at == row.stored_at
        triage.sleep(uow, row, uow.now() + timedelta(days=2))
        assert line.late_at == uow.now() + timedelta(days=2)
        unplaced = triage.of(uow, uow.session.get_one(Inbound, nobodys.id))
        triage.wait(uow, uow.session.get_one(Inbound, nobodys.id))
        assert (unplaced.waits, unplaced.late_at) == (True, None)
        service.is_reply(uow, nobodys.id, actor="ana", prospect_id=out.prospect_id)
        assert unplaced.late_at == unplaced.due_at is not None


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
