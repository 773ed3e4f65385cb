"""The inbox verbs on both databases: classes and what follows, answers and their collision, agreement, loss, taking back."""

from __future__ import annotations

import threading
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from sqlalchemy import select

from app.desk import answering, answers
from app.desk import service as desk
from app.desk.answers import Seen
from app.desk.service import Person
from app.domain.delivery import OutboundState
from app.domain.pipeline import LostReason, Stage
from app.domain.triage import ReplyClass
from app.errors import BadInput, Conflict, GapbridgeError, Refused
from app.inbox import service as inbox
from app.models import Conversation, Inbound, Outbound, OutboundKind, Prospect, Role, SuppressionKind, Triage
from app.prospects import suppression
from app.team import users
from tests.slices.test_inbox_acting import VAULT, World, _no_network, parser, world  # noqa: F401
from tests.support.letters import letter


def who(world: World, name: str = "ana") -> Person:  # noqa: F811
    with world.db.work() as uow:
        user = users.by_email(uow, f"{name}@acme.test") or users.create(
            uow, email=f"{name}@acme.test", name=name, role=Role.OUTREACH, password="correct horse battery"
        )
        return Person(user.id, f"user:{user.id}", user.email, user.name)


def reply(world: World, domain: str = "editor.test", text: str = "Hm.") -> tuple[Outbound, Inbound]:  # noqa: F811
    out = world.send(domain)
    [row] = world.receive(letter(text, sender=f"dana@{domain}", in_reply_to=out.message_id))
    with world.db.work() as uow:
        uow.session.get_one(Inbound, row.id).message_id = f"<theirs-{row.id}@{domain}>"
    return out, row


def line(world: World, row: Inbound) -> Triage:  # noqa: F811
    with world.db.read() as uow:
        return uow.session.get_one(Triage, row.id)


def classify(world: World, person: Person, row: Inbound, about: ReplyClass, **settings: Any) -> None:  # noqa: F811
    with world.db.work() as uow:
        chosen = world.deps.settings.model_copy(update=settings)
        answers.classify(uow, VAULT, chosen, person, row.id, about)


def answer(
    world: World,  # noqa: F811
    person: Person,
    row: Inbound,
    text: str,
    seen: Seen | None = None,
    to: str | None = None,
) -> Outbound:
    with world.db.work() as uow:
        known = seen or answers.newest(uow, row.conversation_id or 0)
        return answers.answer(uow, VAULT, world.deps.settings, person, row.id, text, seen=known, to=to)


def undo(world: World, person: Person) -> str | None:  # noqa: F811
    with world.db.work() as uow:
        return desk.undo(uow, person).problem


def test_the_clock_starts_for_people_and_not_for_machines(world: World) -> None:  # noqa: F811
    _, row = reply(world, text="Happy to add it, can you send a blurb?")
    assert line(world, row).waits
    assert line(world, row).suggested in {"interested", "question"}
    auto = letter("I am away.", sender="li@other.test", auto_submitted="auto-replied")
    world.send("other.test")
    [away] = world.receive(auto)
    assert away.kind == "auto-reply"
    assert (line(world, away).waits, line(world, away).suggested) == (False, "auto")


@pytest.mark.parametrize(
    ("about", "stage", "waits", "suppressed"),
    [
        (ReplyClass.INTERESTED, Stage.PITCHED, True, False),
        (ReplyClass.QUESTION, Stage.PITCHED, True, False),
        (ReplyClass.WANTS_PAYMENT, Stage.LOST, False, False),
        (ReplyClass.NOT_NOW, Stage.PITCHED, True, False),
        (ReplyClass.NO, Stage.LOST, False, False),
        (ReplyClass.AUTO, Stage.PITCHED, False, False),
        (ReplyClass.UNSUBSCRIBE, Stage.LOST, False, True),
        (ReplyClass.BOUNCE, Stage.LOST, False, True),
    ],
)
def test_each_class_acts_and_is_taken_back(
    world: World,  # noqa: F811
    about: ReplyClass,
    stage: Stage,
    waits: bool,
    suppressed: bool,
) -> None:
    person = who(world)
    out, row = reply(world)
    before = line(world, row)
    classify(world, person, row, about)
    after = line(world, row)
    assert (after.suggested, after.chosen, after.chosen_by) == (before.suggested, about.value, person.actor)
    assert (world.stage(out.prospect_id), after.waits) == (stage, waits)
    assert world.suppressed("dana@editor.test") is suppressed
    assert after.sleeps is (about is ReplyClass.NOT_NOW)
    with world.db.read() as uow:
        assert (uow.session.get_one(Prospect, out.prospect_id).snoozed_until is not None) is after.sleeps
    problem = undo(world, person)
    if suppressed:
        assert "suppressed" in str(problem)
        assert world.stage(out.prospect_id) is Stage.LOST
        return
    assert problem is None
    back = line(world, row)
    assert (back.chosen, back.waits, back.sleeps, back.due_at) == (None, True, False, before.due_at)
    assert world.stage(out.prospect_id) is Stage.PITCHED
    with world.db.read() as uow:
        assert uow.session.get_one(Conversation, row.conversation_id).state.value == "open"
        assert uow.session.get_one(Prospect, out.prospect_id).snoozed_until is None
        assert uow.session.get_one(Inbound, row.id).handled_at is None


def test_payment_can_be_answered_by_the_policy(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    classify(world, who(world), row, ReplyClass.WANTS_PAYMENT, paid_links="answer")
    assert (world.stage(out.prospect_id), line(world, row).waits) == (Stage.PITCHED, True)


def test_what_was_lost_is_not_taken_back_once_it_moved_on(world: World) -> None:  # noqa: F811
    person = who(world)
    out, row = reply(world)
    with world.db.work() as uow:
        answers.lose(uow, person, row.id, LostReason.DECLINED)
    with world.db.work() as uow:
        inbox.prospects.reopen(uow, out.prospect_id, "a new editor", actor="ben")
    assert "moved on" in str(undo(world, person))
    assert world.stage(out.prospect_id) is Stage.PROSPECT


def test_an_answer_stands_in_their_thread_and_ends_the_wait(world: World) -> None:  # noqa: F811
    person = who(world)
    out, row = reply(world)
    made = answer(world, person, row, "Thank you.\r\nHere it is.")
    parsed = message_from_bytes(made.raw)
    theirs = f"<theirs-{row.id}@editor.test>"
    assert (parsed["In-Reply-To"], parsed["References"].split()) == (theirs, [out.message_id, theirs])
    assert parsed["Subject"].startswith("Re: ")
    assert (made.kind, made.mailbox_id, made.to_address) == (OutboundKind.REPLY, out.mailbox_id, out.to_address)
    assert made.not_before - world.clock.now() == world.deps.settings.undo_window
    assert not line(world, row).waits
    with world.db.work() as uow:
        assert answers.take_back_answer(uow, made.id, actor="ana") == row.id
    assert line(world, row).waits
    with pytest.raises(BadInput):
        answer(world, person, row, "  \n")


@pytest.mark.parametrize(
    ("message_id", "named"),
    [
        ("<abc@[10.0.0.1]>", True),
        ("<20260601:1,2@editor.test>", True),
        ("<a(b)\\c;d@editor.test>", True),
        ("<\u00fc@editor.test>", False),
    ],
)
def test_whatever_their_program_has_written_into_its_headers_can_be_answered(
    world: World,  # noqa: F811
    message_id: str,
    named: bool,
) -> None:
    out = world.send()
    [row] = world.receive(
        letter(message_id=message_id, in_reply_to=out.message_id, subject="Re: \u201cYour\u0093 check\u0085list")
    )
    with world.db.work() as uow:
        uow.session.get_one(Inbound, row.id).message_id = message_id
    made = answer(world, who(world), row, "Thank you.")
    parsed = message_from_bytes(made.raw)
    assert parsed["References"].split() == [out.message_id, *([message_id] if named else [])]
    assert made.subject == "Re: \u201cYour check list"


@pytest.mark.parametrize(
    ("sender", "reply_to", "to"),
    [
        ("Kim <kim@other-desk.test>", None, "kim@other-desk.test"),
        ("Dana <dana@editor.test>", "Desk <desk@editor.test>", "desk@editor.test"),
        ("Kim <kim@other-desk.test>", "Ana <ana+x@acme.test>", "kim@other-desk.test"),
        ("kim", "not an address", "dana@editor.test"),
    ],
)
def test_an_answer_goes_to_whoever_wrote(world: World, sender: str, reply_to: str | None, to: str) -> None:  # noqa: F811
    out = world.send("editor.test")
    asked = {"reply_to": reply_to} if reply_to else {}
    [row] = world.receive(letter("My colleague passed it on.", sender=sender, in_reply_to=out.message_id, **asked))
    made = answer(world, who(world), row, "Thank you.")
    assert out.to_address == "dana@editor.test"
    assert (made.to_address, message_from_bytes(made.raw)["To"].rpartition("<")[2].rstrip(">")) == (to, to)
    # What comes back is theirs: a bounce or an opt-out of this answer is about the address that it went to.
    assert made.recipient == to.rpartition("@")[2]


def test_a_person_says_whom_an_answer_goes_to_where_it_is_not_certain(world: World) -> None:  # noqa: F811
    world.send("editor.test")
    [row] = world.receive(letter("Who are you?", sender="Kim <kim@editor.test>"))
    assert row.match_kind == "sender-domain+subject"
    with pytest.raises(BadInput) as told:
        answer(world, who(world), row, "It is us.")
    assert [one.field for one in told.value.problems] == ["to"]
    with pytest.raises(BadInput, match="no part in this conversation"):
        answer(world, who(world), row, "It is us.", to="eve@elsewhere.test")
    assert answer(world, who(world), row, "It is us.", to="Kim@editor.test").to_address == "kim@editor.test"


def test_a_colleague_may_be_answered_whose_contact_must_not_be(world: World) -> None:  # noqa: F811
    out = world.send("editor.test")
    [row] = world.receive(letter("Talk to me.", sender="kim@editor.test", in_reply_to=out.message_id))
    for address in ("dana@editor.test", "kim@editor.test"):
        with world.db.work() as uow:
            suppression.suppress(
                uow, VAULT, address, kind=SuppressionKind.ADDRESS, reason="bounced", source="test", actor="test"
            )
        if address.startswith("dana"):
            made = answer(world, who(world), row, "Thank you.")
            assert made.to_address == "kim@editor.test"
    with pytest.raises(Refused, match="kim@"):
        answer(world, who(world), row, "Thank you again.")


def test_a_newer_mail_stops_an_answer(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    with world.db.read() as uow:
        seen = answers.newest(uow, row.conversation_id or 0)
    world.receive(letter("One more thing.", sender="dana@editor.test", in_reply_to=out.message_id))
    with pytest.raises(Conflict, match="newer message of theirs"):
        answer(world, who(world), row, "Thanks.", seen)


def test_of_two_answers_at_the_same_moment_one_is_sent(world: World) -> None:  # noqa: F811
    _, row = reply(world)
    people = [who(world, "ana"), who(world, "ben")]
    with world.db.read() as uow:
        seen = answers.newest(uow, row.conversation_id or 0)
    told: list[str] = []

    def send(person: Person) -> None:
        try:
            answer(world, person, row, f"Hello from {person.name}", seen)
        except GapbridgeError as error:
            told.append(error.detail)

    threads = [threading.Thread(target=send, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sentence.startswith("somebody has answered") for sentence in told] == [True]
    with world.db.read() as uow:
        sent = uow.session.execute(select(Outbound).where(Outbound.kind == OutboundKind.REPLY)).scalars().all()
        assert [one.state for one in sent] == [OutboundState.QUEUED]


def test_the_same_answer_pressed_twice_is_sent_once_and_is_no_problem(world: World) -> None:  # noqa: F811
    ana, ben = who(world, "ana"), who(world, "ben")
    _, row = reply(world)
    with world.db.read() as uow:
        seen = answers.newest(uow, row.conversation_id or 0)
    first = answer(world, ana, row, "We have\r\nthree.  ", seen)
    assert answer(world, ana, row, "We have\nthree.", seen).id == first.id
    for person, text in ((ben, "We have\nthree."), (ana, "We have four.")):
        with pytest.raises(Conflict, match="somebody has answered"):
            answer(world, person, row, text, seen)
    with world.db.read() as uow:
        assert len(uow.session.execute(select(Outbound).where(Outbound.kind == OutboundKind.REPLY)).all()) == 1


def test_an_answer_is_kept_for_its_writer_until_it_is_sent(world: World) -> None:  # noqa: F811
    ana, ben = who(world, "ana"), who(world, "ben")
    _, row = reply(world)
    for person, text in ((ana, "We have"), (ana, "We have\r\nthree."), (ben, "Mine.")):
        with world.db.work() as uow:
            answering.keep(uow, person, row.id, text)
    with world.db.work() as uow, pytest.raises(BadInput, match="too long"):
        answering.keep(uow, ana, row.id, "x" * 20_001)

    def kept() -> list[str]:
        with world.db.read() as uow:
            return [answering.at(uow, person, row.conversation_id).kept for person in (ana, ben)]

    assert kept() == ["We have\nthree.", "Mine."]
    classify(world, ana, row, ReplyClass.QUESTION)
    assert kept() == ["We have\nthree.", "Mine."]
    answer(world, ana, row, "We have three.")
    assert kept() == ["", "Mine."]
    with world.db.work() as uow:
        answering.keep(uow, ben, row.id, "")
    assert kept() == ["", ""]


def test_an_agreement_is_no_win_and_comes_back(world: World) -> None:  # noqa: F811
    person = who(world)
    out, row = reply(world)
    with world.db.work() as uow, pytest.raises(BadInput, match="not a page of editor"):
        answers.agree(uow, world.deps.settings, person, row.id, "https://elsewhere.test/x")
    with world.db.work() as uow:
        answers.agree(uow, world.deps.settings, person, row.id, "https://editor.test/blog/x")
    found = line(world, row)
    assert (found.waits, found.sleeps) == (True, True)
    assert found.due_at is not None
    assert found.due_at - world.clock.now() == timedelta(days=7)
    assert world.stage(out.prospect_id) is Stage.PITCHED
    with world.db.read() as uow:
        assert uow.session.get_one(Conversation, row.conversation_id).agreed
    assert undo(world, person) is None
    with world.db.read() as uow:
        assert not uow.session.get_one(Conversation, row.conversation_id).agreed


def test_done_ends_what_came_before_in_the_conversation(world: World) -> None:  # noqa: F811
    out, first = reply(world)
    [second] = world.receive(letter("And this.", sender="dana@editor.test", in_reply_to=out.message_id))
    [third] = world.receive(letter("And that.", sender="dana@editor.test", in_reply_to=out.message_id))
    person = who(world)
    with world.db.work() as uow:
        answers.done(uow, person, second.id)
    assert [line(world, row).waits for row in (first, second, third)] == [False, False, True]
    # It is the last decision now: taking it back opens both again and touches nothing before it.
    due = [line(world, row).due_at for row in (first, second)]
    assert undo(world, person) is None
    assert [line(world, row).waits for row in (first, second, third)] == [True, True, True]
    assert [line(world, row).due_at for row in (first, second)] == due
    with world.db.read() as uow:
        assert [uow.session.get_one(Inbound, row.id).handled_by for row in (first, second)] == [None, None]


def test_two_who_start_are_led_to_two_messages(world: World) -> None:  # noqa: F811
    ana, ben, eve = who(world), who(world, "ben"), who(world, "eve")
    _, first = reply(world)
    _, second = reply(world, "other.test")

    def start(person: Person) -> tuple[desk.Work, int | None]:
        with world.db.work() as uow:
            return desk.start(uow, person)

    assert start(ana) == (desk.Work.REPLY, first.id)
    assert start(ben) == (desk.Work.REPLY, second.id)
    assert start(ana) == (desk.Work.REPLY, first.id), "what is open here is not somebody else's"
    assert start(eve)[0] is not desk.Work.REPLY
    # Whoever has closed the page has it open no more.
    world.clock.advance(timedelta(seconds=61))
    assert start(eve) == (desk.Work.REPLY, first.id)
