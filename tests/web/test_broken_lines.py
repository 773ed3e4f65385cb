"""What becomes of what is typed and decided while the line is slow, cut, or the session is over; in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.models import KeptText, Outbound, Role
from tests.support.brokers import until
from tests.support.desk import DOMAINS
from tests.support.screen import Served, browse, ready
from tests.web.conftest import Copies
from tests.web.test_queue import at_first, followed, item

pytestmark = pytest.mark.browser

TEXT = "A text of mine, about their page."
# What a browser says of lines that the test has cut and of sessions that it has ended.
ALLOWED = ("409 (Conflict)", "401 (Unauth", "403 (Forb", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED")


@pytest.fixture
def house(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    with copies(tmp_path) as made:
        yield made


def queued(house: Served) -> list[str]:
    with house.db.read() as uow:
        rows = uow.session.execute(select(Outbound.to_address).where(Outbound.state == "QUEUED"))
        return [address.split("@")[1] for address in rows.scalars()]


def kept(house: Served) -> list[str]:
    with house.db.read() as uow:
        return list(uow.session.execute(select(KeptText.body_text)).scalars())


def cut(page: Any, how: str) -> None:
    if how == "offline":
        page.context.set_offline(True)
    else:
        page.context.clear_cookies()


def mend(page: Any, house: Served, how: str) -> None:
    page.context.set_offline(False)
    if how == "session":
        page.context.add_cookies([{"name": "gapbridge", "value": house.secret(Role.OUTREACH), "url": house.url}])


@pytest.mark.parametrize(
    ("how", "words"), [("offline", "The server cannot be reached."), ("session", "Your session is over")]
)
@pytest.mark.parametrize("keys", [("Control+Enter",), ("Escape", "s", "1")])
def test_a_decision_without_a_line_says_so_and_holds_the_text(
    house: Served, chromium: Any, how: str, words: str, keys: tuple[str, ...]
) -> None:
    """Nothing is called kept that is not; when the line is back, one button keeps it and goes back to the item."""
    with browse(chromium, house, allowed=ALLOWED) as page:
        at_first(page, house)
        cut(page, how)
        page.locator("#f-body_text").fill(TEXT)
        for key in keys:
            page.keyboard.press(key)
        card = page.locator("#cards .notice")
        card.wait_for()
        assert words in card.inner_text()
        expect(card.get_by_role("link", name="the text is kept")).to_be_hidden()
        assert card.locator("textarea").input_value() == TEXT
        card.get_by_role("button", name="Keep it now").click()
        page.wait_for_timeout(300)
        assert (queued(house), kept(house)) == ([], [])
        mend(page, house, how)
        card.get_by_role("button", name="Keep it now").click()
        page.wait_for_url(f"**/queue/{house.ids[DOMAINS[0]]}**")
        assert page.locator("#f-body_text").input_value() == TEXT
        assert (queued(house), kept(house)) == ([], [TEXT])


@pytest.mark.parametrize("how", ["offline", "session"])
def test_an_answer_without_a_line_stays_in_its_field(house: Served, chromium: Any, how: str) -> None:
    with browse(chromium, house, allowed=ALLOWED) as page:
        page.goto(f"{house.url}/inbox/1")
        ready(page)
        cut(page, how)
        page.get_by_label("Answer").fill(TEXT)
        page.keyboard.press("Control+Enter")
        page.locator("#answer").get_by_text("What you typed is not kept").wait_for()
        assert page.get_by_label("Answer").input_value() == TEXT
        mend(page, house, how)
        page.keyboard.press("Control+Enter")
        page.get_by_text("Your answer waits in the outbox").wait_for()
        assert len(queued(house)) == 1


def test_a_form_after_the_session_shows_what_was_written(house: Served, chromium: Any) -> None:
    """Kept or not, without a script or with it: the page that asks for the sign-in holds the text."""
    with browse(chromium, house, script=False, allowed=ALLOWED) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_label("Answer").fill(TEXT)
        page.context.clear_cookies()
        page.get_by_role("button", name="Send the answer").click()
        assert page.get_by_label("What you wrote").input_value() == TEXT
        assert page.get_by_role("link", name="Sign in in a new window").get_attribute("href") == "/signin?next=/inbox/1"
    # A form of a former session, of somebody who has signed in anew.
    with browse(chromium, house, script=False, allowed=ALLOWED) as page:
        page.goto(f"{house.url}/inbox/1")
        page.get_by_label("Answer").fill(TEXT)
        mend(page, house, "session")
        page.get_by_role("button", name="Send the answer").click()
        assert page.get_by_label("What you wrote").input_value() == TEXT
        assert "reload" not in page.locator("main").inner_text()
    # What another site posts here is not shown.
    answer = house.stranger().post(
        "/inbox/1/answer",
        data={"body_text": TEXT},
        headers={"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status_code, TEXT in answer.text) == (303, False)
    assert TEXT not in house.browser(Role.OUTREACH).post("/inbox/1/answer", data={"body_text": TEXT}).text
    assert queued(house) == []


def slow(page: Any, path: str) -> list[Any]:
    """What is sent to `path` is held back until the test lets it go."""
    held: list[Any] = []
    page.route(path, lambda route: held.append(route))  # noqa: PLW0108 -- a bound method cannot be marked
    return held


@pytest.mark.parametrize(
    ("path", "post", "keys", "told"),
    [
        ("/queue/{growth-notes.test}", "**/decide", ("a", "a"), "Approved growth-notes.test"),
        ("/inbox/1", "**/answer", ("Control+Enter", "Control+Enter"), "Your answer waits in the outbox"),
    ],
)
def test_a_form_that_is_pressed_twice_is_sent_once(
    house: Served, chromium: Any, path: str, post: str, keys: tuple[str, ...], told: str
) -> None:
    """And nobody is told that it was not sent."""
    with browse(chromium, house) as page:
        # The next item does not come: the form goes the long way.
        page.route("**/next", lambda route: route.fulfill(status=204))
        page.goto(house.url + path.replace("{growth-notes.test}", str(house.ids[DOMAINS[0]])))
        ready(page)
        if "inbox" in path:
            page.get_by_label("Answer").fill(TEXT)
            page.wait_for_timeout(900)
        page.route(post, lambda route: (page.wait_for_timeout(400), route.continue_()))
        for key in keys:
            page.keyboard.press(key)
        page.get_by_text(told).first.wait_for()
        assert len([url for url in page.posts if url.endswith(post[2:])]) == 1
        assert page.locator("#problems").count() == 0
        assert len(queued(house)) == 1


@pytest.mark.parametrize(("keys", "where"), [(("z",), "did=undone"), (("g", "t"), r"^http://[^/]+/$")])
def test_what_follows_an_approval_waits_until_it_has_arrived(
    house: Served, chromium: Any, keys: tuple[str, ...], where: str
) -> None:
    """`z` takes back this decision and no other; leaving loses none."""
    with browse(chromium, house) as page:
        at_first(page, house)
        page.keyboard.press("a")
        until(lambda: len(queued(house)) == 1)
        followed(page)
        second = item(page)
        held = slow(page, "**/decide")
        page.keyboard.press("a")
        until(lambda: item(page) != second)
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(500)
        assert len(held) == 1
        assert queued(house) == [DOMAINS[0]], "nothing was done before its time"
        assert "/queue/" in page.url
        held[0].continue_()
        page.wait_for_url(re.compile(where))
        assert queued(house) == ([DOMAINS[0]] if keys == ("z",) else [DOMAINS[0], second])
        if keys == ("z",):
            assert item(page) == second


def test_a_page_that_is_left_at_once_still_sends_its_decision(house: Served, chromium: Any) -> None:
    """By an address that is typed, where nothing can be held back."""
    with browse(chromium, house, allowed=(*ALLOWED, "ERR_ABORTED")) as page:
        at_first(page, house)
        page.evaluate("() => { document.querySelector('[data-key=a]').click(); location.assign('/me'); }")
        page.wait_for_url("**/me")
        until(lambda: queued(house) == [DOMAINS[0]])


@pytest.mark.parametrize("keys", [("s", "1"), ("h", "1"), ("Shift+S",)])
def test_what_was_typed_right_before_a_skip_is_there_after_undo(
    house: Served, chromium: Any, keys: tuple[str, ...]
) -> None:
    with browse(chromium, house) as page:
        at_first(page, house)
        page.locator("#f-body_text").fill(TEXT)
        page.keyboard.press("Escape")
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_url(lambda url: f"/queue/{house.ids[DOMAINS[0]]}" not in url)
        page.keyboard.press("z")
        page.wait_for_url(re.compile("did=undone"))
        assert item(page) == DOMAINS[0]
        assert page.locator("#f-body_text").input_value() == TEXT


@pytest.mark.parametrize("keys", [("s", "1"), ("a",)])
def test_a_text_that_nobody_touched_is_kept_by_no_refusal(house: Served, chromium: Any, keys: tuple[str, ...]) -> None:
    """It is the draft as it is saved: kept beside it, it would stand in the way of whatever the draft becomes."""
    with browse(chromium, house, allowed=("503 (Serv",)) as page:
        at_first(page, house)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/keep") else None)
        page.route("**/queue/*/skip", lambda route: route.fulfill(status=503, body="<p>No.</p>"))
        page.route("**/queue/*/decide", lambda route: route.fulfill(status=503, body="<p>No.</p>"))
        for key in keys:
            page.keyboard.press(key)
        card = page.locator("#cards .notice")
        card.wait_for()
        assert card.get_by_role("link", name="Go back to it").is_visible()
        page.wait_for_timeout(300)
        assert (sent, kept(house)) == ([], [])


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, "<main><div class='card'><h1>Something went wrong here</h1></div></main>", "Something went wrong here"),
        (502, "", "502"),
    ],
)
def test_a_form_that_broke_is_not_sent_again_by_itself(
    house: Served, chromium: Any, status: int, body: str, words: str
) -> None:
    with browse(chromium, house, allowed=(f"{status} (", f"Code {status}")) as page:
        at_first(page, house)
        sent: list[str] = []
        page.route("**/choose", lambda route: sent.append("POST") or route.fulfill(status=status, body=body))
        page.locator("#f-body_text").fill(TEXT)
        page.get_by_role("button", name="Write it again").click()
        problem = page.locator("#problems")
        problem.wait_for()
        assert words in problem.inner_text()
        page.wait_for_timeout(300)
        assert (sent, page.locator("#f-body_text").input_value()) == (["POST"], TEXT)
        assert page.evaluate("document.activeElement.id") == "problems"
