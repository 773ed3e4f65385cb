"""What an answer begins with, on both databases: filled from the pitch, for whoever wrote, and not sent while something is left open."""

from __future__ import annotations

import pytest

from app.desk import prepared
from app.domain.triage import ReplyClass
from app.errors import BadInput
from app.mail.render import versions
from app.mail.render.templates import TemplateSource, load
from app.models import Inbound, Outbound, Pitch, PitchState, Sequence, SequenceRun, Triage
from app.reports import inbox
from tests.slices.test_answers import answer, reply, who
from tests.slices.test_inbox_acting import World, _no_network, parser, world  # noqa: F401

VALUES = {
    "first_name": "Dana",
    "our_brand": "Acme",
    "our_page": "https://acme.test/guides/onboarding",
    "their_page": "https://editor.test/blog/checklist",
    "sender_name": "Ana Keller",
}


def pitched(world: World, out: Outbound, **values: str | None) -> None:  # noqa: F811
    """Put the pitch and the sequence behind a mail that has left."""
    with world.db.work() as uow:
        now = uow.now()
        sequence = Sequence(site_id=out.site_id, name="first", version=1, steps=[], created_by="t", created_at=now)
        pitch = Pitch(
            prospect_id=out.prospect_id,
            state=PitchState.APPROVED,
            angle="coverage-gap",
            why="",
            subject="Re: Your checklist",
            body_text="b",
            body_html="",
            template_version="coverage-gap@file",
            variables={"values": VALUES | values},
            approved_at=now,
            created_at=now,
            updated_at=now,
        )
        uow.session.add_all((sequence, pitch))
        uow.session.flush()
        uow.session.add(
            SequenceRun(
                prospect_id=out.prospect_id,
                sequence_id=sequence.id,
                conversation_id=out.conversation_id,
                pitch_id=pitch.id,
                started_at=now,
            )
        )


def text_of(world: World, row: Inbound, wanted: ReplyClass) -> str:  # noqa: F811
    with world.db.work() as uow:
        uow.session.get_one(Triage, row.id).chosen = wanted.value
    with world.db.read() as uow:
        found = inbox.opened(uow, row.id)
        return prepared.text_for(found.message, found.contact, wanted, found.pitch, found.answer)


def test_it_is_filled_from_the_pitch_and_greets_whom_we_know(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    pitched(world, out)
    text = text_of(world, row, ReplyClass.INTERESTED)
    assert text.startswith("Hi Dana,\n\n")
    assert VALUES["our_page"] in text
    assert VALUES["their_page"] in text
    assert text.endswith("Ana Keller")
    for none in (ReplyClass.NO, ReplyClass.AUTO, ReplyClass.UNSUBSCRIBE, ReplyClass.BOUNCE):
        assert text_of(world, row, none) == ""


def test_somebody_else_is_not_greeted_by_the_name_of_the_one_we_wrote_to(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    pitched(world, out)
    with world.db.work() as uow:
        uow.session.get_one(Inbound, row.id).from_address = "tom@editor.test"
    assert text_of(world, row, ReplyClass.NOT_NOW).startswith("Hi there,")


def test_nothing_is_prepared_without_a_pitch_or_without_one_of_its_values(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    assert text_of(world, row, ReplyClass.INTERESTED) == ""
    pitched(world, out, our_page=None)
    assert text_of(world, row, ReplyClass.INTERESTED) == ""


def test_the_version_that_was_saved_last_is_taken(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    pitched(world, out)
    with world.db.work() as uow:
        versions.save(uow, "answer-interested", TemplateSource("Re: x", "Grand, {{ sender_name }}"), actor="lee")
    assert text_of(world, row, ReplyClass.INTERESTED) == "Grand, Ana Keller"


def test_an_answer_with_something_left_open_is_not_sent_and_other_brackets_are(world: World) -> None:  # noqa: F811
    out, row = reply(world)
    pitched(world, out)
    text = text_of(world, row, ReplyClass.QUESTION)
    assert "[Your answer to their question]" in text
    with pytest.raises(BadInput, match="not finished") as caught:
        answer(world, who(world), row, text)
    assert caught.value.problems[0].field == "body_text"
    assert "[Your answer to their question]" in str(caught.value.problems[0].problem)
    with pytest.raises(BadInput, match="not finished"):
        answer(world, who(world), row, "Hello {{ first_name }}, yes.")
    sent = answer(world, who(world), row, "Yes [1], and {so}.\n\n[1] as on page 3")
    assert b"as on page 3" in sent.raw


def test_brackets_of_a_saved_version_count_too(world: World) -> None:  # noqa: F811
    _, row = reply(world)
    with world.db.work() as uow:
        versions.save(uow, "answer-not-now", TemplateSource("Re: x", "Until [month] then."), actor="lee")
    with pytest.raises(BadInput, match="not finished"):
        answer(world, who(world), row, "Until [month] then.")


def test_the_mark_knows_the_text_again_however_lines_end() -> None:
    body = load("answer-interested").body_text
    assert prepared.mark_of(body) == prepared.mark_of(body.replace("\n", "\r\n") + "\r\n")
    assert prepared.mark_of(body) != prepared.mark_of(body + " x")
    assert prepared.mark_of("") == ""


@pytest.mark.parametrize(
    "text", ["Sure, sounds good :]", "List [a [b] c] is fine", "see\n]\n[", "[Your answer], as you say"]
)
def test_a_bracket_of_the_writers_own_is_no_gap_of_ours(world: World, text: str) -> None:  # noqa: F811
    _, row = reply(world)
    assert answer(world, who(world), row, text).state.value == "QUEUED"
