"""Answers that bear the headers of a newsletter, and newsletters that are no answers."""

from __future__ import annotations

from app.domain.blocking import Blocking
from app.reports import pipeline
from tests.slices.test_inbox_acting import World, parser, world  # noqa: F401 - fixtures
from tests.support.letters import letter

LISTED = {"list_unsubscribe": "<mailto:u@hs.test>", "feedback_id": "a:b:HubSpot"}


def test_an_answer_that_a_sales_program_marks_as_a_newsletter_is_an_answer(world: World) -> None:  # noqa: F811
    out, other, third = world.send(), world.send("other.test"), world.send("third.test")
    [no, quoted, wish] = world.receive(
        letter("Hi Ana, we will not add this.", subject=f"Re: {out.subject}", **LISTED),
        letter(
            f"Yes, we added it.\n\n> Message-ID: {other.message_id}", sender="x@other.test", subject="Link", **LISTED
        ),
        letter("Please stop emailing us.", sender=third.to_address, subject="Your mails", **LISTED),
    )
    assert [(row.kind, row.rule, row.intent) for row in (no, quoted)] == [
        ("reply", "reply:list-mail", "no"),
        ("reply", "reply:list-mail", "interested"),
    ]
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    assert world.blocks(other.prospect_id) == [Blocking.REPLY]
    assert wish.kind == "opt-out"
    assert world.suppressed(third.to_address)


def test_a_newsletter_stays_one_whatever_its_footer_says(world: World) -> None:  # noqa: F811
    out = world.send()
    long = "This month in the garden. " + "Ten tips for your beds and borders. " * 12
    tagged = f"ana+{out.token}@acme.test"
    rows = world.receive(
        letter(f"Unsubscribe\n{long}", subject="News", **LISTED),
        letter(f"Please unsubscribe me\n{long}", subject="News", **LISTED),
        # Somebody has entered our address, with the mark in it, into their newsletter.
        letter(f"{long}\nSent to {tagged}", subject="News", to=tagged, **LISTED),
        letter("Please stop emailing us.", sender="new@editor.test", subject="News", **LISTED),
    )
    assert [row.rule for row in rows] == ["list-mail"] * 4
    assert world.blocks(out.prospect_id) == []
    assert not world.suppressed(out.to_address)
    with world.db.read() as uow:
        assert sum(pipeline.counts(uow, badge="replied").values()) == 0


def test_the_footer_of_a_short_newsletter_is_no_final_opt_out(world: World) -> None:  # noqa: F811
    out, other, third, fourth = (
        world.send(name) for name in ("editor.test", "other.test", "third.test", "fourth.test")
    )
    [lone, footer, answer, wish, offer] = world.receive(
        letter(
            "Hello readers,\nten new tide tables are out.\nUnsubscribe", sender=out.to_address, subject="News", **LISTED
        ),
        letter("New tables.\nPlease stop emailing me", sender=other.to_address, subject="News", **LISTED),
        letter("We put it in.\nSam\nUnsubscribe", sender=third.to_address, subject=f"Re: {third.subject}", **LISTED),
        letter("Hello Ana,\nplease do not write to us again.", sender=fourth.to_address, subject="Mails", **LISTED),
        letter(
            "New tables.\nIf you no longer wish to receive our letter, tell us.",
            sender=fourth.to_address,
            subject="News",
            **LISTED,
        ),
    )
    assert [(row.kind, row.intent) for row in (footer, answer)] == [("reply", "opt-out"), ("reply", "opt-out")], (
        footer.rule,
        answer.rule,
    )
    assert lone.kind == "other"
    assert str(footer.rule).startswith("reply:perhaps-opt-out:")
    assert world.blocks(other.prospect_id) == world.blocks(third.prospect_id) == [Blocking.POSSIBLE_REPLY]
    for sent in (out, other, third):
        assert not world.suppressed(sent.to_address)
    assert (wish.kind, offer.kind) == ("opt-out", "other")
    assert world.suppressed(fourth.to_address)
