"""The inbox in a real browser: its order, the collision of two answers, classes by key, an agreement, and no script at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Conversation, Inbound, Outbound, OutboundKind, Prospect, Triage
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies

pytestmark = pytest.mark.browser

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


def test_what_cannot_be_taken_back_is_said_in_the_inbox(house: Served, chromium: Any) -> None:
    """An unsubscribe stays, and the next undo goes on before it; by forms alone."""
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
        assert page.get_by_role("status").inner_text().startswith("Taken back.")
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
        assert page.get_by_text("agreed, no link yet").is_visible()
        page.get_by_role("button", name="Undo").click()
        assert not page.get_by_text("agreed, no link yet").is_visible()
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
        assert page.get_by_text("agreed, no link yet").is_visible()
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
