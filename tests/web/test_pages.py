"""The pages by HTTP: what they show, what they refuse, and what they cost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.models import (
    BlockingEvent,
    Inbound,
    Mailbox,
    Outbound,
    Prospect,
    Role,
    Site,
    Suppression,
    SuppressionKind,
    Triage,
    UserSession,
)
from app.prospects import repository, suppression
from app.prospects import service as prospects
from app.web import keymap
from tests.support.desk import DOMAINS, QUOTE, furnish
from tests.support.http import House
from tests.web.test_access import csrf_of


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return furnish(house, more=60)


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/")), **data})


def draft_form(page: str) -> dict[str, str]:
    hidden = dict(re.findall(r'name="(pitch|version)" value="(\d+)"', page))
    subject = re.search(r'name="subject" value="([^"]*)"', page)
    body = re.search(r'<textarea[^>]* name="body_text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert subject
    assert body
    import html

    return {**hidden, "subject": html.unescape(subject[1]), "body_text": html.unescape(body[1])}


class Counter:
    """Counts the statements that both engines execute."""

    def __init__(self, house: House) -> None:
        self.statements: list[str] = []
        for engine in (house.db.engine, house.db.read_engine):
            event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        if statement != "BEGIN":
            self.statements.append(statement)

    def during(self, browser: Any, path: str) -> list[str]:
        self.statements.clear()
        assert browser.get(path).status_code == 200
        return list(self.statements)


def test_the_queue_and_the_inbox_cost_a_fixed_number_of_statements(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    browser.get("/")
    counter = Counter(house)
    queue = counter.during(browser, "/queue")
    assert len(queue) <= 8, "\n".join(queue)
    assert len(counter.during(browser, f"/queue/{ids[DOMAINS[1]]}?did=skipped&about={ids[DOMAINS[0]]}")) <= 8
    assert len(counter.during(browser, "/inbox")) <= 8
    inbox = counter.during(browser, "/inbox/1")
    assert len(inbox) <= 8, "\n".join(one[:150] + " ... " + one[one.find("FROM") :][:200] for one in inbox)
    assert not any(
        "OFFSET" in statement.upper().replace("OFFSET 0", "") for statement in queue if "LIMIT" not in statement
    )
    page = browser.get("/queue").text
    assert len(page) <= 60_000
    more = re.search(r'href="(/queue\?after=[^"]+)"', page)
    assert more
    again = counter.during(browser, more[1].replace("&amp;", "&"))
    assert sum("rank_key" in statement and "LIMIT" in statement for statement in again) == 1


def test_the_lane_is_walked_once_in_order(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    first = browser.get("/queue").text
    more = re.search(r'href="(/queue\?after=[^"]+)"', first)
    assert more
    second = browser.get(more[1].replace("&amp;", "&")).text
    numbers = [re.findall(r'<li data-row="(\d+)"', page) for page in (first, second)]
    assert len(numbers[0]) == 50
    assert len(numbers[0] + numbers[1]) == len(set(numbers[0] + numbers[1])) == 65
    tiers = [int(tier) for page in (first, second) for tier in re.findall(r'<span class="hidden">Tier (\d)', page)]
    assert 'Queue <span class="count">65</span>' in first
    assert set(re.findall(r'class="hidden">Tier (\d)', browser.get("/queue?tier=2").text)) == {"2"}
    assert tiers
    for nonsense in ("after=x", "after=%00.1", "tier=x", "tier=99999999999999", "site=-1", "did=approved&about=x"):
        assert browser.get(f"/queue?{nonsense}").status_code == 200, nonsense


def test_evidence_is_shown_and_unknown_is_a_dash(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    mention = browser.get(f"/queue/{ids[DOMAINS[0]]}").text
    assert QUOTE in mention
    assert "Mentions you without a link" in mention
    unknown = browser.get(f"/queue/{ids[DOMAINS[2]]}").text
    assert "<dt>Authority</dt><dd>–</dd>" in unknown
    assert "<dt>Dofollow</dt><dd>–</dd>" in unknown
    unchecked = browser.get(f"/queue/{ids[DOMAINS[3]]}").text
    assert "Could not check: robots.txt forbids it" in unchecked
    assert "Not found" not in unchecked
    assert browser.get("/queue/9999").status_code == 404


def test_approve_and_next_then_undo(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    start = post(browser, "/queue/start", tier="1")
    number = int(start.headers["location"].removesuffix("?tier=1").split("/")[-1])
    assert number == ids[DOMAINS[0]]
    form = draft_form(browser.get(f"/queue/{number}").text)
    # A browser sends CRLF, and nothing was edited.
    form["body_text"] = form["body_text"].replace("\n", "\r\n")
    done = post(browser, f"/queue/{number}/decide", do="approve", **form)
    assert done.status_code == 303
    following = done.headers["location"]
    assert not following.startswith(f"/queue/{number}?")
    page = browser.get(following).text
    assert f"Approved {DOMAINS[0]}" in page
    assert "<textarea" in page, "the next draft is ready"
    with house.db.read() as uow:
        row = uow.session.execute(select(Outbound).where(Outbound.prospect_id == number)).scalar_one()
        assert (row.state, row.approved_by) == (OutboundState.QUEUED, "outreach@acme.test")
    assert str(number) not in re.findall(r'<li data-row="(\d+)"', browser.get("/queue").text)
    again = post(browser, f"/queue/{number}/decide", do="approve", **form)
    assert again.status_code == 409
    pitch = form["pitch"]
    assert f"/pitches/{pitch}/undo" in browser.get("/outbox").text
    undone = post(browser, f"/pitches/{pitch}/undo")
    assert undone.headers["location"].startswith(f"/queue/{number}?")
    assert "Nothing waits." in browser.get("/outbox").text
    assert post(browser, f"/pitches/{pitch}/undo").status_code == 409


def test_a_refused_approval_keeps_the_text_and_changes_nothing(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    form = draft_form(browser.get(f"/queue/{number}").text)
    words = "word " * 160 + "<b>&amp;"
    refused = post(browser, f"/queue/{number}/decide", **{**form, "do": "approve", "body_text": words})
    assert refused.status_code == 409
    assert "Message must be under 150 words" in refused.text
    assert "word word" in refused.text
    assert "&lt;b&gt;&amp;amp;" in refused.text
    after = draft_form(browser.get(f"/queue/{number}").text)
    assert after == form
    with house.db.read() as uow:
        waiting = select(func.count()).select_from(Outbound).where(Outbound.prospect_id == number)
        assert uow.session.execute(waiting).scalar_one() == 0
    stale = post(browser, f"/queue/{number}/decide", **{**form, "do": "save", "version": "0", "subject": "Other"})
    assert stale.status_code == 409
    assert 'value="Other"' in stale.text


def test_choose_skip_confirm_and_add_a_contact(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    form = draft_form(browser.get(f"/queue/{number}").text)
    chosen = post(
        browser, f"/queue/{number}/choose", pitch=form["pitch"], version=form["version"], angle="coverage-gap"
    )
    assert chosen.status_code == 303
    assert draft_form(browser.get(f"/queue/{number}").text)["subject"] != form["subject"]
    other = post(browser, f"/queue/{ids[DOMAINS[1]]}/choose", pitch=form["pitch"], version=form["version"])
    assert other.status_code == 409
    assert post(browser, f"/queue/{number}/choose", pitch="x", version="y").status_code == 422
    assert post(browser, f"/queue/{number}/skip", reason="bored").status_code == 422
    assert post(browser, f"/queue/{number}/skip", reason="unwinnable").status_code == 303
    unchecked, nobody = ids[DOMAINS[3]], ids[DOMAINS[4]]
    assert post(browser, f"/queue/{unchecked}/confirm").status_code == 303
    # No fact speaks for an angle there, so the machine writes nothing by itself; a person may ask for it.
    assert "There is no draft for this prospect yet." in browser.get(f"/queue/{unchecked}").text
    assert post(browser, f"/queue/{unchecked}/draft").status_code == 303
    assert "<textarea" in browser.get(f"/queue/{unchecked}").text
    assert post(browser, f"/queue/{nobody}/draft").status_code == 303
    assert "There is nobody to write to" in browser.get(f"/queue/{nobody}?check=1").text
    wrong = post(browser, f"/queue/{nobody}/contact", email="dana", name="Dana")
    assert wrong.status_code == 422
    assert 'value="dana"' in wrong.text
    script = post(browser, f"/queue/{nobody}/contact", email="d@cloud-journal.test", source_url="javascript:alert(1)")
    assert script.status_code == 422
    assert (
        post(browser, f"/queue/{nobody}/contact", email="dana@cloud-journal.test", name="Dana Ruiz").status_code == 303
    )
    assert "Hi Dana" in draft_form(browser.get(f"/queue/{nobody}").text)["body_text"]
    with house.db.read() as uow:
        assert uow.session.get(Prospect, number).stage is Stage.LOST


@pytest.mark.parametrize(
    ("button", "state"), [("treat-as-sent", OutboundState.SENT), ("send-again", OutboundState.QUEUED)]
)
def test_a_person_decides_what_is_unsure(house: House, ids: dict[str, int], button: str, state: OutboundState) -> None:
    browser = house.browser(Role.OUTREACH)
    page = browser.get("/outbox?tab=ambiguous").text
    path = re.search(rf'action="(/outbox/\d+/{button})"', page)
    assert path
    assert post(browser, path[1]).status_code == 303
    assert post(browser, path[1]).status_code == 409
    with house.db.read() as uow:
        found = uow.session.execute(
            select(Outbound.state).where(Outbound.prospect_id == ids["unsure.test"])
        ).scalar_one()
        assert found is state


def test_what_stays_unsure_is_counted_on_its_tab_and_told_on_the_first_page(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    with house.db.work() as uow:
        row = uow.session.execute(select(Outbound).where(Outbound.state == OutboundState.AMBIGUOUS)).scalar_one()
        row.committed_at, row_id = uow.now(), row.id
    assert 'Unsure <span class="count">1</span>' in browser.get("/outbox").text
    assert "waits for your decision" not in browser.get("/").text, "the machine still looks for it"
    with house.db.work() as uow:
        uow.session.get_one(Outbound, row_id).committed_at = uow.now() - timedelta(days=1)
    today = browser.get("/").text
    assert "1 mail waits for your decision" in today
    assert "unsure.test" in today
    browser.post(f"/outbox/{row_id}/treat-as-sent", data={"csrf": csrf_of(browser.get("/"))})
    assert "waits for your decision" not in browser.get("/").text
    assert 'class="count">1</span></a>' not in browser.get("/outbox?tab=ambiguous").text.partition("Unsure")[2][:60]


def test_a_waiting_mail_says_why_and_until_when(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    number = ids[DOMAINS[0]]
    post(browser, f"/queue/{number}/decide", do="approve", **draft_form(browser.get(f"/queue/{number}").text))
    assert "it can still be undone" in browser.get("/outbox").text
    with house.db.work() as uow:
        uow.session.execute(select(Mailbox)).scalar_one().active = False
    assert "its mailbox is switched off" in browser.get("/outbox").text


def test_received_mail_is_text_and_is_decided(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    page = browser.get("/inbox/2").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>bold" not in page
    with house.db.work() as uow:
        prospects.block(uow, ids["sent.test"], Blocking.POSSIBLE_REPLY, inbound_id=2)
    assert "This may be their reply" in browser.get("/inbox/2").text
    assert post(browser, "/inbox/2/dismiss").status_code == 303
    assert post(browser, "/inbox/1/dismiss").status_code == 409
    with house.db.work() as uow:
        assert uow.session.execute(select(BlockingEvent.cleared_by)).scalar_one() == "outreach@acme.test"
        uow.session.get(Inbound, 1).prospect_id = None
    assert "Domain of the prospect" in browser.get("/inbox/1?tab=unmatched").text
    assert post(browser, "/inbox/1/reply", prospect_id="x").status_code == 422
    nobody = post(browser, "/inbox/1/reply", prospect_id="99999")
    assert (nobody.status_code, 'href="#f-prospect_id"' in nobody.text) == (422, True)
    assert "Never write to" in browser.get("/inbox/1?tab=unmatched").text
    with house.db.work() as uow:
        uow.session.get(Inbound, 1).kind = "bounce"
    assert "Never write to" not in browser.get("/inbox/1?tab=unmatched").text
    assert post(browser, "/inbox/1/suppress").status_code == 409
    with house.db.work() as uow:
        uow.session.get(Inbound, 1).kind = "reply"
    assert post(browser, "/inbox/1/reply", prospect_id="https://www.sent.test/page").status_code == 303
    assert post(browser, "/inbox/1/class", **{"class": "sold"}).status_code == 422
    assert post(browser, "/inbox/1/class", **{"class": "interested"}).status_code == 303
    assert post(browser, "/inbox/1/handled").status_code == 303


def test_a_prospect_is_named_by_its_domain_or_by_whatever_lies_on_it(house: House, ids: dict[str, int]) -> None:
    with house.db.work() as uow:
        uow.session.get_one(Prospect, ids["sent.test"]).domain = "xn--bcher-kva.example"
        uow.session.flush()
        for given in (
            "xn--bcher-kva.example", " Bücher.Example ", "https://www.bücher.example/a?b=https://other.test", "blog.bücher.example",
            "dana@bücher.example", "https://dana@bücher.example/x@y",
        ):  # fmt: skip
            assert repository.newest_of_domain(uow.session, given) == ids["sent.test"], given
        for given in ("bücher", "example", "", "@", "no domain", "https://"):
            assert repository.newest_of_domain(uow.session, given) is None, given


def test_what_is_late_says_so_in_a_sign_and_in_words(house: House, ids: dict[str, int]) -> None:
    """U23: the badge of the list and that of the open message; colour alone says nothing."""
    now = house.clock.now()
    with house.db.work() as uow:
        uow.session.get_one(Triage, 1).due_at = now - timedelta(hours=2)
        uow.session.get_one(Triage, 2).due_at = now + timedelta(minutes=40)
    page = house.browser(Role.OUTREACH).get("/inbox/1").text
    badges = re.findall(
        r'<span class="tag (bad|tier3)">(<span aria-hidden="true">!</span>|<svg class="clock".*?</svg>) ([^<]+)</span>',
        page,
    )
    assert [(tone, "!" in sign, words) for tone, sign, words in badges] == [
        ("bad", True, "late 2 hours"),
        ("tier3", False, "due in 40 minutes"),
        ("bad", True, "late 2 hours"),
    ]


def test_the_timeline_tells_all_to_staff_and_no_mail_to_viewers(house: House, ids: dict[str, int]) -> None:
    path = f"/prospects/{ids['sent.test']}"
    page = house.browser(Role.OUTREACH).get(path).text
    assert "Happy to add it" in page
    assert "Pitch approved" in page
    viewer = house.browser(Role.VIEWER).get(path).text
    assert "Happy to add it" not in viewer
    assert "Pitch approved" in viewer
    assert "Give up" not in viewer
    browser = house.browser(Role.OUTREACH)
    assert post(browser, f"{path}/give-up", reason="declined").status_code == 303
    assert post(browser, f"{path}/reopen", why="").status_code == 409
    assert post(browser, f"{path}/reopen", why="a new editor").status_code == 303


def test_everything_on_one_domain_stands_on_its_page(house: House, ids: dict[str, int]) -> None:
    number = ids[DOMAINS[0]]
    path, outreach, viewer = f"/prospects/{number}", house.browser(Role.OUTREACH), house.browser(Role.VIEWER)
    page = outreach.get(path).text
    assert "<dt>Competitors linked</dt><dd>alpha.test, beta.test, gamma.test</dd>" in page
    assert 'Authority</dt><dd>71 <span class="muted">Ahrefs, percentile 90.5 in your lists</span>' in page
    assert '<dt>Author</dt><dd>Ada Example <span class="muted">tool said</span></dd>' in page
    assert "<dt>Traffic</dt><dd>42,000</dd>" in page
    assert "<dt>Anchor</dt><dd>onboarding templates</dd>" in page
    assert f'Dana Ruiz<br><span class="mono">dana@{DOMAINS[0]}' in page
    assert f"https://{DOMAINS[0]}/about" in page, "where the address was seen"
    assert "suppressed" not in page.lower()
    assert "put away" not in page
    reading = viewer.get(path).text
    assert "<dt>Traffic</dt><dd>42,000</dd>" in reading
    assert f"dana@{DOMAINS[0]}" not in reading, "addresses belong to the mail"
    assert "<dt>Authority</dt><dd>–</dd>" in outreach.get(f"/prospects/{ids[DOMAINS[2]]}").text
    assert "Nobody yet." in outreach.get(f"/prospects/{ids[DOMAINS[4]]}").text
    with house.db.work() as uow:
        keys: dict[str, Any] = {"reason": "unsubscribed", "source": "reply", "actor": "ana"}
        suppression.suppress(uow, house.container.vault, f"dana@{DOMAINS[0]}", kind=SuppressionKind.ADDRESS, **keys)
        site = uow.session.get_one(Site, uow.session.get_one(Prospect, number).site_id)
        site.archived_at = uow.now()
    page = outreach.get(path).text
    assert "this address must not be written to: unsubscribed (reply," in page
    assert "everybody at" not in page
    assert "Its site is put away" in page
    with house.db.work() as uow:
        suppression.suppress(uow, house.container.vault, DOMAINS[0], kind=SuppressionKind.DOMAIN, **keys)
    assert f"<strong>Suppressed:</strong> everybody at {DOMAINS[0]}" in outreach.get(path).text
    assert f"everybody at {DOMAINS[0]}" not in viewer.get(path).text


def test_links_that_could_not_be_checked_are_not_called_lost(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    assert "gone.test" in browser.get("/links?tab=unknown").text
    assert "gone.test" not in browser.get("/links?tab=lost").text
    assert post(browser, "/links/1/check").status_code == 303


def test_one_click_opt_out_needs_no_cookie_and_does_nothing_else(house: House, ids: dict[str, int]) -> None:
    with house.db.read() as uow:
        token = uow.session.execute(select(Outbound.token).where(Outbound.prospect_id == ids["sent.test"])).scalar_one()
    stranger = house.stranger()
    for _ in range(50):
        assert "Do not write to me again" in stranger.get(f"/u/{token}").text
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(Suppression)).scalar_one() == 0
    done = stranger.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}, headers={"Origin": "https://mail.test"})
    assert (done.status_code, "set-cookie" in done.headers) == (200, False)
    with house.db.read() as uow:
        assert uow.session.execute(select(Suppression.value)).scalar_one() == "dana@sent.test"
        assert uow.session.get(Prospect, ids["sent.test"]).stage is Stage.LOST
    assert stranger.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    # A token that is not ours does nothing.
    wrong = stranger.post("/u/nosuchtoken", data={"List-Unsubscribe": "One-Click"})
    assert (wrong.status_code, "not known" in wrong.text) == (404, True)
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(Suppression)).scalar_one() == 1


def test_the_second_of_two_who_approve_meets_the_first_ones_thread_and_keeps_the_text(
    house: House, ids: dict[str, int]
) -> None:
    """U13, U14: a crafted POST after a colleague's approval sends nothing, says who wrote, and shows the text again."""
    first, second = house.browser(Role.OUTREACH), house.browser(Role.LEAD)
    number = ids[DOMAINS[0]]
    form = draft_form(first.get(f"/queue/{number}").text)
    assert post(first, f"/queue/{number}/decide", do="approve", **form).status_code == 303
    mine = {**form, "body_text": "A text that took me an hour."}
    assert post(second, f"/queue/{number}/keep", **mine).status_code == 204
    refused = post(second, f"/queue/{number}/decide", do="approve", **mine)
    assert refused.status_code == 409
    assert "A text that took me an hour." in refused.text
    assert "A text that took me an hour." in second.get(f"/queue/{number}").text
    assert "A text that took me an hour." not in first.get(f"/queue/{number}").text
    with house.db.read() as uow:
        rows = select(Outbound.approved_by).where(Outbound.prospect_id == number)
        assert list(uow.session.execute(rows).scalars()) == ["outreach@acme.test"]
    assert post(second, f"/queue/{number}/forget").status_code == 303
    assert "A text that took me an hour." not in second.get(f"/queue/{number}").text


def test_a_message_that_lies_open_keeps_no_session_alive(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OUTREACH)
    form = {"csrf": csrf_of(browser.get("/inbox/1"))}

    def seen() -> set[Any]:
        with house.db.read() as uow:
            return set(uow.session.execute(select(UserSession.seen_at)).scalars())

    house.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    before = seen()
    assert browser.post("/inbox/1/here", data=form).json() == {"words": ""}
    assert seen() == before, "its page asks by itself, whoever sits before it"
    browser.post("/inbox/1/keep", data={**form, "body_text": "Thanks"})
    assert seen() != before


def test_g_and_a_letter_lead_to_each_page(house: House) -> None:
    """The letters of the keyboard map, which the page of keys names, too."""
    page = house.browser(Role.LEAD).get("/keys").text
    letters = dict(re.findall(r'<a href="(/\w*)"[^>]*data-key="g (\w)"', page))
    assert letters == {
        "/": "t", "/queue": "q", "/outbox": "o", "/inbox": "i", "/pipeline": "p", "/gap": "a", "/links": "l", "/reports": "r",
    }  # fmt: skip
    named = {keys[2:] for keys, _words in keymap.EVERYWHERE if keys.startswith("g ")}
    assert named == set(letters.values())


def test_a_number_of_an_address_that_makes_no_sense_asks_for_nothing(house: House, ids: dict[str, int]) -> None:
    browser = house.browser(Role.OPERATOR)
    numbers = ("9" * 5000, "2147483648", "-1", "x", "0", "")
    for path in (
        "/inbox?tab=done&before=", "/inbox?text=", "/inbox?did=final&about=", "/inbox?did=answered&sent=",
        "/queue?did=final&about=", "/queue?site=", "/queue?after=1.", "/queue/skipped?about=1&before=", "/outbox?before=",
        "/reports?site=", "/imports?before=", "/gap?after=1.", "/gap/changes?before=", "/sequences/paused?after=",
        "/links?before=", "/suppression?before=", "/pipeline?after=prospect.1.",
    ):  # fmt: skip
        assert [browser.get(path + number).status_code for number in numbers] == [200] * 6, path
    traffic = [browser.get("/gap?traffic=" + number).status_code for number in numbers]
    assert traffic == [422, 422, 422, 422, 200, 200]
