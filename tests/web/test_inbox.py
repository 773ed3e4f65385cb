"""The inbox in a real browser: its order, the collision of two answers, classes by key, an agreement, and no script at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.domain.delivery import OutboundState
from app.models import Answering, Conversation, Inbound, Outbound, OutboundKind, Prospect, Suppression, Triage
from tests.support.brokers import until
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies

pytestmark = pytest.mark.browser

PREPARED = "Hi Dana,\n\nThank you, I am glad"
# A Friday afternoon; the mailbox of the test world is on UTC.
FRIDAY = datetime(2025, 6, 6, 14, tzinfo=UTC)


@pytest.fixture
def house(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    """The browser looks at pages; tests/slices/test_answers.py looks at both databases."""
    with copies(tmp_path, FRIDAY, more=0) as made:
        yield made


def answers_of(house: Served) -> list[str]:
    with house.db.read() as uow:
        rows = uow.session.execute(select(Outbound.approved_by).where(Outbound.kind == OutboundKind.REPLY))
        return list(rows.scalars())


def triage(house: Served, number: int = 1) -> Triage:
    with house.db.read() as uow:
        return uow.session.get_one(Triage, number)


def test_what_is_due_first_stands_first_over_a_weekend(house: Served, chromium: Any) -> None:
    """U23: message 1 is interested (4 h from Friday 14:00: Monday 10:00), message 2 has no class (2 h: Friday 16:00)."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox")
        rows = page.locator("#messages > li")
        assert [rows.nth(n).get_attribute("data-row") for n in range(rows.count())] == ["2", "1"]
        assert "due in 2 hours" in rows.nth(0).inner_text()
        assert "due in 3 days" in rows.nth(1).inner_text()
        due = triage(house).due_at
        assert due is not None
        assert due.replace(second=0, microsecond=0) == datetime(2025, 6, 9, 10, tzinfo=UTC)


def test_of_two_answers_the_second_is_stopped_and_its_text_kept(house: Served, chromium: Any) -> None:
    """U24: Ben sends while Ana types."""
    with (
        browse(chromium, house, email="ana@acme.test") as ana,
        browse(chromium, house, email="ben@acme.test") as ben,
    ):
        for page in (ana, ben):
            page.goto(f"{house.url}/inbox/1")
            ready(page)
        ana.keyboard.press("r")
        ana.keyboard.type("Here is the blurb from Ana.")
        assert "6 words" in ana.locator("#answer-words").inner_text()
        ben.get_by_label("Answer").fill("Hello from Ben.")
        ben.get_by_role("button", name="Send the answer").click()
        ben.get_by_text("Your answer waits in the outbox").wait_for()
        ana.keyboard.press("Control+Enter")
        ana.get_by_role("alert").wait_for()
        assert "somebody has answered since you opened this" in ana.get_by_role("alert").inner_text()
        assert ana.get_by_label("Answer").input_value() == "Here is the blurb from Ana."
        assert "Hello from Ben." in ana.locator(".letters li", has_text="new").inner_text()
        assert answers_of(house) == ["ben@acme.test"]


def stage(house: Served) -> str:
    with house.db.read() as uow:
        return str(uow.session.get_one(Prospect, house.ids["sent.test"]).stage.value)


def press(page: Any, *keys: str) -> None:
    """Keys in a row, each page that they bring waited for by the test."""
    ready(page)
    for key in keys:
        page.keyboard.press(key)


def test_the_keys_of_the_inbox(house: Served, chromium: Any) -> None:
    """Class, agreement and loss by key, and `z` takes back one after the other from wherever one is in the inbox."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        press(page, "2")
        page.get_by_text("Stored what they want.").wait_for()
        assert (triage(house).suggested, triage(house).chosen) == ("interested", "question")
        press(page, "w", "Escape")
        expect(page.get_by_label("Page of theirs with the link")).to_be_hidden()
        press(page, "w", "Control+a", "Delete", "Enter")
        page.get_by_text("Agreed. No link was seen yet").wait_for()
        assert triage(house).sleeps
        press(page, "l", "1")
        page.get_by_text("Lost.", exact=True).wait_for()
        assert (stage(house), triage(house).waits) == ("lost", False)
        # From another message, without the line that tells of the last decision.
        page.goto(f"{house.url}/inbox/2")
        for back in (("pitched", "question", True), ("pitched", "question", False), ("pitched", None, False)):
            press(page, "z")
            page.wait_for_url("**did=undone**")
            page.get_by_text("Taken back.").wait_for()
            assert "/inbox/1?" in page.url
            assert (stage(house), triage(house).chosen, triage(house).sleeps) == back
            page.goto(f"{house.url}/inbox/1")
        press(page, "e")
        page.get_by_text("Done.", exact=True).wait_for()
        assert not triage(house).waits


@pytest.mark.parametrize(("key", "name"), [("7", "Unsubscribe"), ("8", "Bounce")])
def test_one_key_suppresses_nobody(house: Served, chromium: Any, key: str, name: str) -> None:
    """What cannot be taken back takes two: the digit chooses, Enter stores."""

    def suppressed() -> int:
        with house.db.read() as uow:
            return int(uow.session.execute(select(func.count()).select_from(Suppression)).scalar_one())

    before = suppressed()
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        press(page, key)
        page.wait_for_timeout(500)
        assert [url for url in page.posts if not url.endswith("/here")] == []
        assert (suppressed(), stage(house)) == (before, "pitched")
        assert page.get_by_label(name).is_checked()
        # Another digit takes the first one's place; it is stored at once where it can be taken back.
        press(page, "2")
        page.get_by_text("Stored what they want.").wait_for()
        assert triage(house).chosen == "question"
        press(page, key)
        page.keyboard.press("Enter")
        page.get_by_text("Stored what they want.").wait_for()
        until(lambda: triage(house).chosen == name.lower())
        assert stage(house) == "lost"
        # Nobody knows to which mail of ours this one belongs, so a bounce names no address.
        assert suppressed() == before + (key == "7")


TEXT = "We have three of them, and a fourth in autumn."


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("1",), "Stored what they want."),
        (("e",), "Done."),
        (("l", "1"), "Lost."),
        (("w", "Control+a", "Delete", "Enter"), "Agreed. No link was seen yet"),
        (("z",), "There is a problem"),
        (("g", "q"), "Approve and next"),
    ],
)
def test_no_key_throws_away_the_answer_that_is_being_written(
    house: Served, chromium: Any, keys: tuple[str, ...], told: str
) -> None:
    """A class, an end, a link: whatever is pressed right after the last letter, the text stands there on coming back."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        press(page, "r")
        page.keyboard.type(TEXT)
        press(page, "Escape", *keys)
        page.get_by_text(told).first.wait_for()

        def kept() -> bool:
            page.goto(f"{house.url}/inbox/1")
            return bool(page.get_by_label("Answer").input_value() == TEXT)

        # What a page sends as it is left may arrive after the next one has been asked for.
        until(kept)
        assert "kept for you, not sent" in page.locator("#answer-words").inner_text()
    with browse(chromium, house, email="ben@acme.test") as page:
        page.goto(f"{house.url}/inbox/1")
        there = page.get_by_label("Answer").input_value()
        assert there == "" or there.startswith(PREPARED), "it is its writer's alone"


def test_the_key_takes_back_the_answer_that_was_just_sent_and_nothing_before_it(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        press(page, "1")
        page.get_by_text("Stored what they want.").wait_for()
        ready(page)
        press(page, "r")
        page.keyboard.type(TEXT)
        press(page, "Control+Enter")
        page.get_by_text("Your answer waits").first.wait_for()
        press(page, "z")
        page.wait_for_url("**did=back**")
        assert TEXT in page.get_by_label("Answer").input_value()
        page.goto(f"{house.url}/outbox")
        assert "Nothing waits." in page.locator("main").inner_text()


def test_without_script_the_class_and_the_end_carry_the_answer_that_is_being_written(
    house: Served, chromium: Any
) -> None:
    """And sending it ends the writing of it."""
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_label("Answer").fill(TEXT)
        page.get_by_role("button", name="Store what they want").click()
        assert page.get_by_label("Answer").input_value() == TEXT
        page.get_by_label("Answer").fill(f"{TEXT} And more.")
        page.get_by_role("button", name="Done").click()
        page.goto(f"{house.url}/inbox/1")
        assert page.get_by_label("Answer").input_value() == f"{TEXT} And more."
        page.get_by_role("button", name="Send the answer").click()
        assert "Your answer waits" in page.get_by_role("status").inner_text()
        page.goto(f"{house.url}/inbox/1")
        assert page.get_by_label("Answer").input_value() == ""


def test_the_key_takes_an_answer_back_from_any_page(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("1")
        page.wait_for_url("**did=class**")
        ready(page)
        page.get_by_label("Answer").fill("Here is the text.")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**did=answered**")
        page.goto(f"{house.url}/queue")
        ready(page)
        page.keyboard.press("z")
        page.wait_for_url("**/inbox/1?**did=back**")
        assert page.get_by_label("Answer").input_value() == "Here is the text."
        assert triage(house).waits
        with house.db.read() as uow:
            states = uow.session.execute(select(Outbound.state).where(Outbound.kind == OutboundKind.REPLY)).scalars()
            assert OutboundState.QUEUED not in list(states)


def test_what_cannot_be_taken_back_is_said_in_the_inbox(house: Served, chromium: Any) -> None:
    """An unsubscribe stays, and so does what was decided about the message before it; by forms alone."""
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        for name in ("Question", "Unsubscribe"):
            page.get_by_label(name).check(force=True)
            page.get_by_role("button", name="Store what they want").click()
        assert stage(house) == "lost"
        page.get_by_role("button", name="Take the last decision back").click()
        assert "their address is suppressed (unsubscribed)" in page.get_by_role("status").inner_text()
        assert "/inbox/1?" in page.url
        page.get_by_role("button", name="Take the last decision back").click()
        assert "another decision about this message was made since" in page.get_by_role("status").inner_text()
        assert stage(house) == "lost"


def test_of_class_agreement_and_loss_each_form_is_undone_without_script(house: Served, chromium: Any) -> None:
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        before = triage(house)
        page.get_by_label("Not now").check(force=True)
        page.get_by_role("button", name="Store what they want").click()
        assert triage(house).sleeps
        page.get_by_role("button", name="Undo").click()
        page.locator("details.menu summary", has_text="Won").click()
        page.get_by_label("Page of theirs with the link").fill("")
        page.get_by_role("button", name="Look for the link").click()
        expect(page.get_by_text("agreed, no link yet")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("agreed, no link yet")).to_be_hidden()
        page.locator("details.menu summary", has_text="Lost").click()
        page.get_by_role("button", name="They said no").click()
        assert stage(house) == "lost"
        page.get_by_role("button", name="Undo").click()
        assert stage(house) == "pitched"
        after = triage(house)
        assert (after.chosen, after.waits, after.due_at) == (before.chosen, before.waits, before.due_at)


def test_without_script_a_reply_is_classified_answered_and_agreed(house: Served, chromium: Any) -> None:
    """U11 and U25: an agreement without a link that was seen is no win."""
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_label("Interested").check(force=True)
        page.get_by_role("button", name="Store what they want").click()
        page.get_by_label("Answer").fill("Thank you.")
        page.get_by_role("button", name="Send the answer").click()
        page.get_by_role("button", name="Undo").click()
        assert page.get_by_label("Answer").input_value() == "Thank you."
        page.get_by_text("Won", exact=False).first.click()
        page.get_by_role("button", name="Look for the link").click()
        assert "Agreed. No link was seen yet" in page.get_by_role("status").inner_text()
        expect(page.get_by_text("agreed, no link yet")).to_be_visible()
    with house.db.read() as uow:
        row = uow.session.get_one(Inbound, 1)
        assert uow.session.get_one(Conversation, row.conversation_id).agreed
        assert uow.session.get_one(Prospect, row.prospect_id).stage.value == "pitched"


def test_what_nobody_could_place(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/3?tab=unmatched")
        assert "sent.test" in page.locator(".mails").inner_text()
        page.get_by_role("button", name="It is a reply of sent.test").click()
        page.get_by_text("It belongs to a prospect now").wait_for()
        assert triage(house, 3).waits
        page.goto(f"{house.url}/inbox/4?tab=unmatched")
        page.get_by_role("button", name="Try again").click()
        page.get_by_text("A worker reads it once more.").wait_for()


def test_the_page_says_whom_an_answer_goes_to_and_asks_where_it_is_not_certain(house: Served, chromium: Any) -> None:
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        assert page.locator("#answer p.line").inner_text().split() == ["To:", "dana@sent.test"]
        with house.db.work() as uow:
            row = uow.session.get_one(Inbound, 1)
            row.from_address, row.match_kind = "kim@sent.test", "sender-domain"
        page.reload()
        asked = page.get_by_label("To", exact=True)
        expect(asked).to_have_value("")
        assert asked.locator("option").all_inner_texts() == ["Choose an address", "kim@sent.test", "dana@sent.test"]
        page.get_by_label("Answer").fill("Here it is.")
        page.get_by_role("button", name="Send the answer").click()
        assert "Choose whom your answer goes to" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Answer").input_value() == "Here it is."
        page.get_by_label("To", exact=True).select_option("kim@sent.test")
        page.get_by_role("button", name="Send the answer").click()
        page.get_by_text("Your answer waits in the outbox").wait_for()
    with house.db.read() as uow:
        sent = uow.session.execute(select(Outbound.to_address).where(Outbound.kind == OutboundKind.REPLY))
        assert list(sent.scalars()) == ["kim@sent.test"]


def kept_texts(house: Served) -> list[str]:
    with house.db.read() as uow:
        return list(uow.session.execute(select(Answering.body_text).where(Answering.body_text != "")).scalars())


def test_the_answer_begins_with_the_text_for_what_they_want(house: Served, chromium: Any) -> None:
    """What was not touched is nobody's writing; the text follows the class until somebody writes, and then stays."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        box = page.get_by_label("Answer")
        assert box.input_value().startswith(PREPARED)
        page.keyboard.press("r")
        assert page.evaluate("getSelection().toString()") == box.input_value(), "what is typed takes its place"
        page.keyboard.press("Escape")
        assert "prepared for this class" in page.locator("#answer-words").inner_text()
        page.keyboard.press("2")
        page.get_by_text("Stored what they want.").wait_for()
        assert "[Your answer to their question]" in box.input_value()
        assert kept_texts(house) == []
        page.keyboard.press("r")
        assert page.evaluate("getSelection().toString()") == "[Your answer to their question]"
        page.keyboard.press("Control+Enter")
        page.get_by_role("alert").wait_for()
        assert (
            "Put your own words in the place of [Your answer to their question]"
            in page.get_by_role("alert").inner_text()
        )
        assert "[Your answer to their question]" in box.input_value()
        assert answers_of(house) == []
        box.fill("Yes, it is free.")
        until(lambda: kept_texts(house) == ["Yes, it is free."])
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        page.keyboard.press("1")
        page.get_by_text("Stored what they want.").wait_for()
        assert box.input_value() == "Yes, it is free."
        assert "kept for you, not sent" in page.locator("#answer-words").inner_text()


def test_what_was_typed_and_taken_out_again_is_nobodys_writing(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        box = page.get_by_label("Answer")
        begun = box.input_value()
        box.fill("Mine.")
        until(lambda: kept_texts(house) == ["Mine."])
        box.fill(begun)
        until(lambda: kept_texts(house) == [])
        page.keyboard.press("Escape")
        page.keyboard.press("2")
        page.get_by_text("Stored what they want.").wait_for()
        assert "[Your answer to their question]" in box.input_value(), "the text follows the class again"


def test_without_script_the_prepared_text_is_sent_as_it_stands(house: Served, chromium: Any) -> None:
    with browse(chromium, house, script=False) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_role("button", name="Send the answer").click()
        assert "Your answer waits in the outbox" in page.get_by_role("status").inner_text()
    with house.db.read() as uow:
        [row] = uow.session.execute(select(Outbound).where(Outbound.kind == OutboundKind.REPLY)).scalars()
        assert b"Thank you, I am glad that it is of use to you." in row.raw


def test_for_what_is_done_nothing_is_prepared(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_role("button", name="Done").click()
        page.goto(f"{house.url}/inbox/1?tab=done")
        assert page.get_by_label("Answer").input_value() == ""
