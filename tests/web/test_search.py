"""Search and palette: what is found, within the role's rights; and the same by keys, with what a screen reader is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app.db.work import Database
from app.domain.pipeline import Stage
from app.models import Role
from app.reports import search, today
from tests.conftest import START
from tests.support.campaign import Campaign
from tests.support.http import House
from tests.support.screen import Served, browse, ready
from tests.support.world import a_contact, a_mailbox, a_page, a_prospect, a_site

DOMAINS = ("growth-notes.test", "growth.test", "the-growth.test", "a_b.test", "axb.test", "zeta.test")


def stocked(house: Any) -> None:
    db = getattr(house, "db", house)
    with db.work() as uow:
        site = a_site(uow)
        a_page(uow, site, title="The growth workbook")
        for domain in DOMAINS:
            prospect = a_prospect(uow, site, domain, stage=Stage.CHECKED_MENTION, tier=1)
            a_contact(
                uow,
                prospect,
                f"dana@{domain}" if domain == "zeta.test" else None,
                name="Growth Hacker" if domain == "zeta.test" else "Dana Ruiz",
            )


def test_beginnings_come_first_then_what_lies_inside(db: Database) -> None:
    stocked(db)
    with db.read() as uow:

        def names(text: str, **more: Any) -> list[str]:
            return [row["domain"] for row in search.domains(uow, text, **more)]

        assert names("growth") == ["growth.test", "growth-notes.test", "the-growth.test"]
        assert names("GROWTH.test") == ["growth.test", "the-growth.test"]
        assert names("gr") == ["growth.test", "growth-notes.test"]
        assert names("growth.test", limit=1) == ["growth.test"]
        # The signs that a pattern has of its own are letters here.
        assert names("a_b") == ["a_b.test"]
        assert names("%") == names("") == names("nothing-like-it") == []
        assert {row["name"] for row in search.people(uow, "growth h")} == {"Growth Hacker"}
        assert {row["email"] for row in search.people(uow, "dana@zeta")} == {"dana@zeta.test"}
        assert len(search.people(uow, "Dana", limit=3)) == 3
        assert search.people(uow, "%") == []
    assert search.cleaned("  https://www.growth.test/a?b=c ") == "growth.test"
    assert search.cleaned("http://[") == "http://["
    assert search.cleaned("a\0  b") == "a b"


def groups(page: str) -> dict[str, list[str]]:
    found = {}
    for section in re.findall(r'<section aria-labelledby="group.*?</section>', page, re.DOTALL):
        name = re.search(r"<h2[^>]*>([^<]+)", section)
        assert name
        found[name[1]] = re.findall(r"<strong>([^<]+)", section)
    return found


def test_a_role_finds_what_it_may_open(house: House) -> None:
    stocked(house)
    lead = groups(house.browser(Role.LEAD).get("/search?q=growth").text)
    assert lead == {
        "Domains": ["growth.test", "growth-notes.test", "the-growth.test"],
        "People": ["Growth Hacker"],
        "Your pages": ["The growth workbook"],
    }
    assert "People" not in groups(house.browser(Role.VIEWER).get("/search?q=growth").text)
    operator = groups(house.browser(Role.OPERATOR).get("/search?q=operator").text)
    assert operator == {"Users": ["Operator"]}
    assert groups(house.browser(Role.OPERATOR).get("/search?q=audit").text) == {"Go to": ["Audit"]}
    assert groups(house.browser(Role.LEAD).get("/search?q=operator").text) == {}
    # Without a text, what can be gone to; each of it opens.
    for role in Role:
        browser = house.browser(role)
        page = browser.get("/search").text
        for href in re.findall(r'<a href="([^"]+)" data-hit', page):
            assert browser.get(href).status_code == 200, (role, href)
    nothing = house.browser(Role.LEAD).get("/search?q=%3Cb%3Enothing").text
    assert "No match for &lt;b&gt;nothing." in nothing


def test_today_shows_what_is_due_and_ready(house: House) -> None:
    with house.db.work() as uow:
        site = a_site(uow)
        made = Campaign(uow, site, a_mailbox(uow))
        for tier, count in ((1, 2), (3, 1)):
            for _ in range(count):
                made.prospect(tier=tier, stage=Stage.CHECKED_MENTION)
        for hours in (-3, 3):
            made.prospect(
                tier=2,
                stage=Stage.CHECKED_MENTION,
                snoozed_until=START + timedelta(hours=hours),
                domain=f"nap{hours}.test",
            )
        late = made.pitch(made.prospect(domain="late.test"), START - timedelta(days=2))
        made.reply(late, START - timedelta(days=1), due=START - timedelta(hours=1))
        soon = made.pitch(made.prospect(domain="soon.test"), START - timedelta(days=2))
        made.reply(soon, START - timedelta(days=1), due=START + timedelta(hours=1))
        made.link(made.prospect(), START, lost_at=START)
    with house.db.read() as uow:
        assert today.ready_by_tier(uow) == {1: 2, 2: 1, 3: 1}
        assert [row["domain"] for row in today.woken(uow)] == ["nap-3.test"]
        assert (today.late(uow).count, [row["domain"] for row in today.late(uow).first]) == (1, ["late.test"])
    page = house.browser(Role.LEAD).get("/").text
    tiles = {
        words.strip(): figure for figure, words in re.findall(r"<strong[^>]*>([^<]+)</strong>([^<]+)</a></li>", page)
    }
    assert tiles == {
        "replies due": "2", "ready in tier 1": "2", "ready in tier 2": "1", "ready in tier 3": "1",
        "sent today": "0/1,000", "links lost": "1", "links changed": "0",
    }  # fmt: skip
    assert "1 message waits too long" in page
    assert page.index("late.test") < page.index("soon.test")
    # Late ones are shown as a matter of the lead's only; a viewer sees no mail at all.
    assert "waits too long" not in house.browser(Role.OUTREACH).get("/").text
    viewer = house.browser(Role.VIEWER).get("/").text
    assert "late.test" not in viewer
    assert "links lost" in viewer


def test_live_counts_are_those_of_the_navigation_and_keep_no_session_alive(house: House) -> None:
    stocked(house)
    browser = house.browser(Role.OUTREACH)
    assert browser.get("/live").json() == {"/queue": "6", "/outbox": "", "/inbox": "", "/links": "", "/notices": ""}
    assert set(house.browser(Role.VIEWER).get("/live").json()) == {"/links", "/notices"}
    house.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    with house.db.read() as uow:
        from sqlalchemy import select

        from app.models import UserSession

        before = set(uow.session.execute(select(UserSession.seen_at)).scalars())
        browser.get("/live")
        assert set(uow.session.execute(select(UserSession.seen_at)).scalars()) == before
    browser.get("/")
    with house.db.read() as uow:
        assert set(uow.session.execute(select(UserSession.seen_at)).scalars()) != before


@pytest.mark.browser
def test_the_palette_by_keys(served_module: Served, chromium: Any) -> None:
    stocked(served_module)
    with browse(chromium, served_module, Role.LEAD) as page:
        page.goto(served_module.url + "/pipeline")
        ready(page)
        page.keyboard.press("/")
        field = page.locator("#palette input")
        field.wait_for(state="visible")
        page.keyboard.press("Escape")
        assert not page.locator("#palette").is_visible()
        page.keyboard.press("Control+k")
        field.wait_for(state="visible")
        page.keyboard.type("growth")
        page.locator("#palette [role=option]", has_text="growth-notes.test").wait_for()
        assert page.locator("#palette [role=status]").inner_text() == "5 matches"
        chosen = page.locator('#palette [role=option][aria-selected="true"]')
        assert chosen.inner_text().startswith("growth.test")
        assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
        page.keyboard.press("ArrowUp")
        assert chosen.inner_text().startswith("The growth workbook")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        with page.expect_navigation(url=re.compile(r"/prospects/\d+$")):
            page.keyboard.press("Enter")
        assert "growth-notes.test" in page.title()
        page.keyboard.press("Control+k")
        page.keyboard.type("nothing at all")
        page.locator("#palette [role=status]", has_text="No match for nothing at all.").wait_for()
        assert field.get_attribute("aria-activedescendant") is None
        page.keyboard.press("Control+k")
        assert not page.locator("#palette").is_visible()


@pytest.mark.browser
def test_one_stream_for_all_tabs_and_polling_without_one(served_module: Served, chromium: Any) -> None:
    """U30: of three tabs one holds a stream; where streams are refused, the counts are asked for."""
    with browse(chromium, served_module, Role.LEAD) as page:
        streams: list[str] = []
        page.context.on(
            "request",
            lambda request: (
                streams.append(request.url)
                if request.url.endswith("/live") and request.resource_type == "eventsource"
                else None
            ),
        )
        tabs = [page, page.context.new_page(), page.context.new_page()]
        for tab in tabs:
            tab.goto(served_module.url + "/pipeline")
            ready(tab)
        for tab in tabs:
            tab.wait_for_timeout(700)
        assert len(streams) == 1, streams
    with browse(chromium, served_module, Role.LEAD, allowed=("",)) as page:
        page.route(
            "**/live",
            lambda route: (
                route.fulfill(status=503)
                if route.request.resource_type == "eventsource"
                else route.fulfill(json={"/queue": "77"})
            ),
        )
        page.goto(served_module.url + "/pipeline")
        ready(page)
        page.locator('nav a[href="/queue"] .count', has_text="77").wait_for(timeout=15_000)
