"""The queue in a real browser: the keys, what they must never do, play mode, undo, gates, holds, and the count of words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.pipeline import Stage
from app.models import Decision, DomainLease, Outbound, Prospect, Role
from app.pitches import service as pitches
from app.prospects import intake, leases
from app.team import users
from tests.support.brokers import until
from tests.support.desk import DOMAINS
from tests.support.screen import Served, browse, ready, wide
from tests.support.world import a_site
from tests.web.conftest import Copies

pytestmark = pytest.mark.browser
VECTORS = json.loads((Path(__file__).parents[1] / "domain/data/pitch-words.json").read_text("utf-8"))["vectors"]


@pytest.fixture
def house(copies: Copies, tmp_path: Path) -> Iterator[Served]:
    with copies(tmp_path) as made:
        yield made


def queued(house: Served) -> int:
    """How many mails were approved here: the furniture's own two are of other states."""
    with house.db.read() as uow:
        rows = select(func.count()).select_from(Outbound).where(Outbound.state == "QUEUED")
        return int(uow.session.execute(rows).scalar_one())


def item(page: Any) -> str:
    return str(page.locator("#desk").get_attribute("data-domain"))


def followed(page: Any) -> None:
    """Wait until the next item is here, and the moment after an advance is over."""
    page.wait_for_selector("#desk[data-followed]", state="attached")
    page.wait_for_timeout(420)


def at_first(page: Any, house: Served) -> None:
    page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
    ready(page)
    page.wait_for_selector(".checks .ok >> text=Every check has passed")
    followed(page)


def test_good_drafts_take_one_key_each_and_undo_brings_the_item_back(house: Served, chromium: Any) -> None:
    """U05, U06, U15: from any page to the first approval in three keys, then one for each; `z` goes back to the place."""
    with house.db.work() as uow:
        for number in list(house.ids.values()):
            prospect = uow.session.get(Prospect, number)
            if prospect.stage.value == "checked-mention" and prospect.domain.startswith("site-"):
                pitches.propose(uow, number)
    keys = 0
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/links")
        ready(page)
        page.keyboard.press("g")
        page.keyboard.press("q")
        keys += 2
        page.wait_for_selector("#desk")
        ready(page)
        seen = []
        for number in range(8):
            followed(page)
            seen.append(item(page))
            page.keyboard.press("a")
            keys += 1
            until(lambda: item(page) != seen[-1])
            until(lambda: queued(house) == number + 1)
            # Focus, title and the live region follow; nothing was loaded anew.
            assert page.evaluate("document.activeElement.id") == "item-title"
            assert item(page) in page.title()
            assert f"/queue/{page.locator('#desk').get_attribute('data-item')}" in page.url
        assert keys == 10
        assert len(set(seen)) == 8
        until(lambda: item(page) in page.locator("#said").inner_text())
        assert page.locator("#toast").inner_text().startswith(f"Approved {seen[-1]}")
        page.keyboard.press("z")
        page.wait_for_url(re.compile("did=undone"))
        assert item(page) == seen[-1]
        assert queued(house) == 7
        # The outbox takes back, too, and the page after a reload.
        page.goto(f"{house.url}/outbox")
        page.get_by_role("button", name=f"Undo {seen[0]}").click()
        page.wait_for_url(re.compile("did=undone"))
        assert item(page) == seen[0]
        assert queued(house) == 6


def test_a_row_without_a_draft_takes_one_key_more(house: Served, chromium: Any) -> None:
    """Whoever picks a row out of the list goes on with the same key: the draft is written, looked at, and approved."""
    number = next(number for name, number in house.ids.items() if name.startswith("site-"))
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/queue/{number}")
        ready(page)
        domain = item(page)
        page.get_by_text("There is no draft for this prospect yet.").wait_for()
        page.keyboard.press("a")
        page.wait_for_selector(".checks .ok >> text=Every check has passed")
        assert (item(page), queued(house)) == (domain, 0)
        followed(page)
        page.keyboard.press("a")
        until(lambda: queued(house) == 1)
        assert item(page) != domain


def test_a_decision_shows_the_next_item_at_once(house: Served, chromium: Any) -> None:
    """An advance waits for nothing: the next item stands while the decision is still on its way. The time is printed."""
    with browse(chromium, house) as page:
        at_first(page, house)
        waiting: list[Any] = []
        page.route("**/decide", lambda route: waiting.append(route))  # noqa: PLW0108 -- a bound method cannot be marked
        page.evaluate(
            """() => { window.took = null; document.addEventListener("keydown", () => {
            const begun = performance.now(); new MutationObserver(() => { window.took ??= performance.now() - begun; })
            .observe(document.querySelector(".split"), { childList: true }); }, { capture: true, once: true }); }"""
        )
        page.keyboard.press("a")
        until(lambda: item(page) != DOMAINS[0])
        assert len(waiting) == 1, "the answer to the decision was not waited for"
        print(f"advance: {page.evaluate('window.took'):.1f} ms")  # noqa: T201
        # A second `a` in the moment after an advance is a slip.
        page.keyboard.press("a")
        waiting[0].continue_()
        until(lambda: queued(house) == 1)


def test_skip_with_a_digit_snooze_with_a_digit_and_not_me(house: Served, chromium: Any) -> None:
    with browse(chromium, house) as page:
        at_first(page, house)
        done = []
        for keys, path in ((("s", "2"), "/skip"), (("h", "1"), "/snooze"), (("Shift+S",), "/leave")):
            before = item(page)
            done.append(before)
            followed(page)
            for key in keys:
                page.keyboard.press(key)
            until(lambda: item(page) != before)
            until(lambda: any(url.endswith(path) for url in page.posts))
            until(lambda: before in page.locator("#toast").inner_text())
        for domain in reversed(done):
            page.keyboard.press("z")
            until(lambda: item(page) == domain and "did=undone" in page.url)
            ready(page)
        assert item(page) == DOMAINS[0]
        # A skip without a reason is no skip.
        page.keyboard.press("s")
        page.keyboard.press("9")
        page.keyboard.press("Escape")
        assert item(page) == DOMAINS[0]
        assert queued(house) == 0


def decisions(page: Any) -> list[str]:
    return [url for url in page.posts if not url.endswith(("/hold", "/keep")) and "/next" not in url]


def test_control_and_enter_on_a_button_of_a_menu_press_that_button(house: Served, chromium: Any) -> None:
    """And never what stands beside the menu: the mail is not approved."""
    with browse(chromium, house) as page:
        at_first(page, house)
        first = item(page)
        page.keyboard.press("s")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(300)
        assert (queued(house), item(page)) == (0, first)
        assert page.locator("details[data-menu='s']").get_attribute("open") is None
        for key, name in (("s", "Weak site"), ("h", "Tomorrow")):
            first = item(page)
            page.keyboard.press(key)
            page.locator(f"details[data-menu='{key}'] button", has_text=name).first.focus()
            page.keyboard.press("Control+Enter")
            until(lambda first=first: page.wait_for_timeout(50) is None and item(page) != first)
            followed(page)
            assert queued(house) == 0, name
    with house.db.read() as uow:
        kinds = [one.value for one in uow.session.execute(select(Decision.kind).order_by(Decision.id)).scalars()]
    assert kinds == ["skip", "snooze"]


@pytest.mark.parametrize("script", [True, False])
def test_enter_in_the_subject_keeps_the_text_and_approves_nothing(house: Served, chromium: Any, script: bool) -> None:
    with browse(chromium, house, script=script) as page:
        where = f"{house.url}/queue/{house.ids[DOMAINS[1]]}"
        page.goto(where)
        page.locator("#f-subject").fill("Another subject for your list")
        with page.expect_response(lambda answer: answer.request.method == "POST" and "/decide" in answer.url):
            page.locator("#f-subject").press("Enter")
        page.goto(where)
        assert page.locator("#f-subject").input_value() == "Another subject for your list"
        assert queued(house) == 0


def test_typing_decides_nothing(house: Served, chromium: Any) -> None:
    """U07: every printable key in every field, a held key, Alt and AltGr, and a composition."""
    with browse(chromium, house) as page:
        at_first(page, house)
        printable = [chr(code) for code in range(32, 127)]
        for field in page.locator("#desk input:not([type=hidden]), #desk textarea, #desk select").all():
            if not field.is_visible():
                continue
            field.focus()
            for key in printable if field.evaluate("e => e.tagName === 'TEXTAREA'") else "asz1hmocxSA?gq":
                page.keyboard.press(key)
            page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        for options in ("repeat: true", "altKey: true", "isComposing: true", "keyCode: 229", "modifierAltGraph: true"):
            page.evaluate(
                f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: 'a', bubbles: true, {options}}}))"
            )
        assert decisions(page) == []
        assert queued(house) == 0
        # A key that is held down comes again and again, and counts once.
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[1]]}")
        followed(page)
        for _ in range(5):
            page.keyboard.down("a")
        page.keyboard.up("a")
        until(lambda: queued(house) == 1)
        page.locator("#toast").wait_for()
        page.clock.install()
        page.clock.run_for(3_600_000)
        assert page.locator("#toast").is_visible(), "the way back stays until it is no more"
        assert queued(house) == 1


def test_unbound_keys_send_nothing_and_keys_can_be_switched_off(house: Served, chromium: Any) -> None:
    """U08, U09."""
    with browse(chromium, house) as page:
        at_first(page, house)
        bound = set("acozmhs?gjk1234567890/")
        for code in range(33, 127):
            if chr(code).lower() not in bound:
                page.keyboard.press(chr(code))
        for key in ("F2", "Delete", "Backspace", "PageDown", "Home", "ArrowDown", "Space", "Tab"):
            page.keyboard.press(key)
        assert decisions(page) == []
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        page.get_by_role("button", name="Switch single keys off").click()
        page.wait_for_selector("html[data-keys=off]", state="attached")
    with browse(chromium, house) as page:
        at_first(page, house)
        for key in "azsh1ocm":
            page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert decisions(page) == []
        page.locator("#f-body_text").focus()
        page.keyboard.press("Control+Enter")
        until(lambda: queued(house) == 1)


@pytest.mark.parametrize(
    ("subject", "body", "target"),
    [
        ("Line", "word " * 160, "#f-body_text"),
        ("Hello {{ name }}", None, "#f-body_text"),
        (None, "Look at [page] please", "#f-body_text"),
        (None, "Hi, see https://acme.test/ now", "#f-body_text"),
        ("x" * 130, None, "#f-subject"),
    ],
)
def test_a_refusal_is_explained_where_it_can_be_mended(
    house: Served, chromium: Any, subject: str | None, body: str | None, target: str
) -> None:
    """U18: a summary with the focus, a title that says Error, a link that reaches the field, and nothing lost."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
        ready(page)
        if subject:
            page.locator("#f-subject").fill(subject)
        if body:
            page.locator("#f-body_text").fill(body)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#problems, #cards .notice")
        if page.locator("#cards .notice").count():
            # What only the server could see comes back as a card; its link leads to the item with its text.
            page.locator("#cards a").click()
            ready(page)
            if body:
                assert page.locator("#f-body_text").input_value().strip() == body.strip()
            page.get_by_role("button", name="Approve and next").click()
            page.wait_for_selector("#problems, #cards .notice")
        if page.locator("#problems").count():
            assert page.title().startswith("Error:")
            assert page.evaluate("document.activeElement.id") == "problems"
            page.locator(f"#problems a[href='{target}']").first.click()
            assert page.evaluate("'#' + document.activeElement.id") == target
        assert queued(house) == 0


def test_browser_and_server_count_the_same_words(house: Served, chromium: Any) -> None:
    """U16: one file of vectors for both."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/keys")
        ready(page)
        counted = page.evaluate(
            """async (vectors) => { const { countWords } = await import(new URL("page.js", document.querySelector("script[type=module]").src));
            return vectors.map((one) => countWords(one.text, one.opt_out)); }""",
            VECTORS,
        )
    assert [(one["name"], found) for one, found in zip(VECTORS, counted, strict=True)] == [
        (one["name"], one["words"]) for one in VECTORS
    ]


def test_the_count_follows_the_text_and_is_said_once(house: Served, chromium: Any) -> None:
    """U17."""
    with browse(chromium, house) as page:
        page.goto(f"{house.url}/queue/{house.ids[DOMAINS[0]]}")
        ready(page)
        page.evaluate(
            """() => { window.heard = []; new MutationObserver(() => { const text = document.querySelector("#said").textContent;
            if (text) window.heard.push(text); }).observe(document.querySelector("#said"), { childList: true, characterData: true, subtree: true }); }"""
        )
        page.locator("#f-body_text").fill("")
        page.locator("#f-body_text").press_sequentially("one two three", delay=20)
        assert page.locator("#words .figure").inner_text() == "3 words, 146 left"
        assert page.evaluate("window.heard") == []
        until(lambda: page.evaluate("window.heard.length") == 1)
        assert page.evaluate("window.heard") == ["3 words, 146 left"]
        assert page.locator("#words meter").get_attribute("aria-label") == "Words"
        page.locator("#f-body_text").fill("w " * 150)
        assert page.locator("#words .figure").inner_text() == "150 words, 1 too many"


def test_a_hold_ends_with_a_warning_and_the_text_is_kept(house: Served, chromium: Any) -> None:
    """U13: a warning a minute before, ten extensions by any key, then a colleague may take it; no letter of the text is lost."""
    number, ours = house.ids[DOMAINS[0]], "A text of mine."
    with (
        browse(chromium, house, email="ana@acme.test") as page,
        browse(chromium, house, email="ben@acme.test") as other,
    ):
        page.clock.install()
        asked: set[Any] = set()
        page.on("request", lambda request: asked.add(request) if request.url.endswith("/hold") else None)
        page.on("requestfinished", lambda request: asked.discard(request))  # noqa: PLW0108 -- a method of C cannot be a handler
        page.goto(f"{house.url}/queue/{number}")
        page.wait_for_selector("#desk[data-followed]", state="attached")
        until(lambda: "You hold this domain until" in page.locator("#hold").inner_text())
        with page.expect_response("**/keep"):
            page.locator("#f-body_text").fill(ours)
            page.clock.run_for(1_000)
        other.goto(f"{house.url}/queue/{number}")
        ready(other)
        until(lambda: "Ana works on this domain" in other.locator("#hold").inner_text())
        other.get_by_role("button", name="Approve and next").click()
        other.wait_for_selector("#problems, #cards .notice")
        assert queued(house) == 0
        # With the page in sight and somebody at work, it is renewed without a word.
        line = page.locator("#hold")
        held = line.inner_text()
        house.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
        page.clock.run_for(75_000)
        until(lambda: line.inner_text() != held)
        # It asked more than once in that time, and counts from the last answer.
        until(lambda: page.evaluate("true") and not asked)
        warning = page.locator("#hold-warning")
        page.evaluate("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
        for _ in range(10):
            page.clock.run_for(500_000)
            assert not warning.is_visible(), "the warning comes not long before the end"
            page.clock.run_for(40_000)
            assert warning.is_visible(), "a minute is left"
            house.clock.advance(timedelta(minutes=9))  # type: ignore[attr-defined]
            held = line.inner_text()
            page.keyboard.press("Shift")
            # The page counts anew from the moment at which it has the answer.
            until(lambda: line.inner_text() != held)
            assert line.inner_text().startswith("You hold this domain until")
            assert not warning.is_visible()
        page.clock.run_for(620_000)
        assert page.locator("#f-body_text").input_value() == ours
        house.clock.advance(timedelta(minutes=11))  # type: ignore[attr-defined]
        at_first(other, house)
        assert ours in other.locator("details:has-text('colleague') .paper").text_content()
        other.keyboard.press("a")
        until(lambda: queued(house) == 1)
        # Ana comes back to a window of yesterday: nothing is sent twice, and her text stands on the page that says so.
        page.locator("#f-body_text").focus()
        with page.expect_response("**/decide") as refused, page.expect_response("**/keep"):
            page.keyboard.press("Control+Enter")
        assert refused.value.status == 409
        page.locator("#cards a").click()
        page.get_by_text(ours).wait_for()
        assert queued(house) == 1


def test_who_is_relieved_of_a_domain_is_told_by_whom(house: Served, chromium: Any) -> None:
    """Also on a page that was given the domain because it was free: from its first hold on it is that person's."""
    with browse(chromium, house, email="ana@acme.test") as page:
        page.clock.install()
        page.goto(house.url + "/queue")
        page.wait_for_selector("#desk[data-followed]", state="attached")
        until(lambda: "You hold this domain until" in page.locator("#hold").inner_text())
        shown = item(page)
        with house.db.work() as uow:
            number = int(page.locator("#desk").get_attribute("data-item"))
            leases.take_over(uow, number, holder="user:99", name="Lea", reason="I know them")
        page.clock.run_for(80_000)
        until(lambda: "Taken over by Lea: I know them." in page.locator("#hold").inner_text())
        assert item(page) == shown


def test_a_page_that_answers_a_refused_form_does_not_send_it_again(house: Served, chromium: Any) -> None:
    """It shows the best free one, as the list does; where somebody else was first, the list is asked for anew, and by GET."""
    sent: list[str] = []
    with browse(chromium, house) as page:
        page.goto(house.url + "/queue")
        page.wait_for_selector("#desk[data-followed]", state="attached")
        page.route(
            "**/hold",
            lambda route: route.fulfill(json={"mine": False, "seconds": 0, "words": "Held by Lea."}),
            times=1,
        )
        page.on("request", lambda request: sent.append(request.method) if request.is_navigation_request() else None)
        page.evaluate(
            """() => {
                const form = document.createElement("form");
                form.method = "post";
                form.action = "/queue/undo";
                form.append(document.querySelector("input[name=csrf]").cloneNode());
                document.body.append(form);
                form.submit();
            }"""
        )
        until(lambda: page.wait_for_timeout(50) is None and len(sent) > 1)
        assert sent == ["POST", "GET"]


def test_four_states_of_the_mention_are_four_sentences(house: Served, chromium: Any) -> None:
    """U19: what was not seen is never called absent."""
    with house.db.work() as uow:
        fresh = uow.session.get(Prospect, house.ids["site-000.test"])
        fresh.mention = None
    said = {}
    with browse(chromium, house) as page:
        for name in (DOMAINS[0], DOMAINS[1], DOMAINS[3], "site-000.test"):
            page.goto(f"{house.url}/queue/{house.ids[name]}")
            said[name] = page.locator("#mention p").first.inner_text()
            if name in (DOMAINS[3], "site-000.test"):
                assert "no mention" not in page.locator("#desk").inner_text().lower()
                assert "not found" not in page.locator("#mention").inner_text().lower()
    assert len(set(said.values())) == 4
    assert said[DOMAINS[3]].startswith("Could not check")
    assert said["site-000.test"] == "Not checked yet"


def test_narrow_pages_have_the_decision_at_the_bottom(house: Served, chromium: Any) -> None:
    with browse(chromium, house, width=360) as page:
        page.goto(f"{house.url}/queue")
        ready(page)
        assert page.locator("#rows").is_visible()
        assert not page.locator("#item-title").is_visible()
        page.locator("#rows a").first.click()
        page.wait_for_load_state()
        ready(page)
        bar = page.locator(".actions.main").bounding_box()
        assert bar["height"] <= 64
        assert bar["y"] + bar["height"] >= 899
        page.locator("details[data-menu=s] > summary").click()
        page.get_by_role("button", name="Weak site").click()
        until(lambda: item(page) != DOMAINS[0])


def test_the_loop_works_without_script(house: Served, chromium: Any) -> None:
    """U11 as far as the queue goes: take, approve, undo, skip, put aside, leave, by forms alone; the count stands there, too."""
    with browse(chromium, house, script=False) as page:
        page.goto(house.url)
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/inbox/*")
        page.goto(house.url + "/queue")
        assert re.fullmatch(r"\d+ words, \d+ left", page.locator("#words .figure").inner_text())
        page.get_by_role("button", name="Approve and next").click()
        assert page.get_by_role("status").inner_text().startswith(f"Approved {DOMAINS[0]}")
        page.get_by_role("button", name="Undo").click()
        assert item(page) == DOMAINS[0]
        page.locator("details[data-menu=h] > summary").click()
        page.get_by_role("button", name="Tomorrow").click()
        assert page.get_by_role("status").inner_text().startswith("Put growth-notes.test aside")
        page.get_by_role("button", name="Not me").click()
        assert page.get_by_role("status").inner_text().startswith("Left")
        page.get_by_role("button", name="Undo").click()
        page.locator("#rows a").nth(1).click()
        assert page.locator("#desk").is_visible()


def test_two_browsers_that_claim_at_once_never_show_one_domain(house: Served, chromium: Any) -> None:
    """U12: two sites, in each the same domains under other names; both people press their keys at the same moment, again and again."""
    with house.db.work() as uow:
        for host in ("blog", "shop"):
            site = a_site(uow, name=host, domains=[f"{host}-of-ours.test"])
            for number in range(16):
                made = intake.take(uow, site.id, f"{host}.pair-{number:02}.test", actor="test").prospect
                made.stage, made.rank_key = Stage.CHECKED_MENTION, f"0-{number:02}-{host}"
    names = ("ana", "ben")
    with (
        browse(chromium, house, email="ana@acme.test") as ana,
        browse(chromium, house, email="ben@acme.test") as ben,
    ):
        both = (ana, ben)
        for page in both:
            page.goto(house.url + "/pipeline")
            ready(page)
        for key in ("g", "q"):
            for page in both:
                page.keyboard.press(key)
        seen: list[tuple[str, str]] = []
        for _ in range(6):
            for page in both:
                followed(page)
            if not seen:
                # Both saw the first one free, and one of them was later: that page takes the next by itself.
                until(lambda: item(ana) != item(ben))
                for page in both:
                    ready(page)
                    followed(page)
            shown = (item(ana), item(ben))
            assert shown[0] != shown[1]
            with house.db.read() as uow:
                found = uow.session.execute(select(DomainLease.domain, DomainLease.holder)).all()
                held = {row.domain: row.holder for row in found}
                people = {name: f"user:{users.by_email(uow, name + '@acme.test').id}" for name in names}
            assert [held[domain] for domain in shown] == [people[name] for name in names]
            seen.append(shown)
            # The other site offers the same domain: its holder may be given it once more.
            numbers = [page.locator("#desk").get_attribute("data-item") for page in both]
            for key in ("s", "1"):
                for page in both:
                    page.keyboard.press(key)
            for page, before in zip(both, numbers, strict=True):
                page.wait_for_selector(f"#desk:not([data-item='{before}'])", state="attached")
        assert all(domain.startswith("pair-") for shown in seen for domain in shown), "the contended ones come first"


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
@pytest.mark.parametrize("width", [320, 360, 768, 1024])
def test_the_bar_and_its_menus_stay_on_the_page(house: Served, chromium: Any, width: int, locale: str) -> None:
    """Every control of the bar, and what its menus open, in both languages: what is beyond the page cannot be reached by a finger."""
    inside = """(one) => { const box = one.getBoundingClientRect();
    return box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight; }"""
    with browse(chromium, house, Role.LEAD, width=width, locale=locale) as page:
        for path in (f"/queue/{house.ids[DOMAINS[0]]}", "/inbox/1"):
            page.goto(house.url + path)
            ready(page)
            bar = page.locator(".actions.main").first
            for control in bar.locator("button, summary").all():
                if control.is_visible():
                    assert control.evaluate(inside), (path, control.inner_text())
            for menu in bar.locator("details").all():
                if menu.is_visible():
                    menu.locator("summary").click()
                    assert menu.locator("> :is(form, div)").first.evaluate(inside), (path, menu.inner_text())
                    assert wide(page) == 0, path
                    menu.locator("summary").click()
