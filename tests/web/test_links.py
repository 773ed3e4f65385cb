"""The pages of links: what could not be checked is never lost, the strip says in words what it draws, and what is won back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.delivery import OutboundState
from app.domain.link_watch import Day, DayState, Trouble
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.models import Link, LinkCheck, LinkState, Outbound, Pitch, PitchState, Role
from app.web import i18n
from app.web.pages.links import strip_words
from tests.conftest import START
from tests.support.campaign import Campaign
from tests.support.http import House
from tests.support.world import a_mailbox, a_page, a_site
from tests.web.test_pages import post

DAY = timedelta(days=1)


@pytest.fixture
def watched(house: House) -> House:
    """A live, a changed and an unreadable link; one that was removed, and one whose page is gone."""
    with house.db.work() as uow:
        site = a_site(uow)
        a_page(uow, site)
        made = Campaign(uow, site, a_mailbox(uow))
        states = (
            ("live.test", LinkState.LIVE, None),
            ("changed.test", LinkState.CHANGED, Trouble.NOFOLLOW),
            ("unsure.test", LinkState.UNKNOWN, Trouble.BLOCKED),
            ("removed.test", LinkState.LOST, Trouble.REMOVED),
            ("gone.test", LinkState.LOST, Trouble.PAGE_GONE),
        )
        for domain, state, trouble in states:
            lost = state is LinkState.LOST
            prospect = made.prospect(
                domain=domain,
                stage=Stage.CHECKED_MENTION if lost else Stage.WON,
                mention=MentionVerdict.NO_MENTION if lost else None,
            )
            made.pitch(prospect, START - 200 * DAY)
            link = made.link(prospect, START - 100 * DAY)
            link.state, link.trouble, link.target_url = state, trouble, "https://acme.test/guides/onboarding"
            link.dofollow = state is not LinkState.CHANGED
            link.check_due_at = START + DAY
            if lost:
                link.last_seen_at, link.first_missing_at, link.lost_at = START - 3 * DAY, START - 2 * DAY, START - DAY
            verdict = {LinkState.UNKNOWN: "could-not-check", LinkState.LOST: "no-mention"}.get(state, "linked")
            uow.session.add(
                LinkCheck(
                    link_id=link.id, verdict=verdict, good_fetch=state is not LinkState.UNKNOWN, state=state.value,
                    trouble=trouble, at=START - DAY,
                )
            )  # fmt: skip
    return house


def row_of(page: str, domain: str) -> str:
    return next(row for row in re.findall(r"<tr [^>]*data-link.*?</tr>", page, re.DOTALL) if domain in row)


def test_the_list_says_how_each_link_stands(watched: House) -> None:
    page = watched.browser(Role.OUTREACH).get("/links").text
    counts = dict(re.findall(r'<a href="/links\?tab=(\w+)"[^>]*>[^<]*<span class="count">(\d+)', page))
    assert counts == {"all": "5", "changed": "1", "lost": "2", "unknown": "1", "live": "1"}
    assert "next look" in page
    unsure = row_of(page, "unsure.test")
    assert "could not check" in unsure
    assert "lost" not in re.sub(r"https?://\S+", "", unsure)
    assert "does not let us look" in unsure
    assert re.search(r"nofollow.*was dofollow", row_of(page, "changed.test"), re.DOTALL)
    assert "page live, link removed" in row_of(page, "removed.test")
    assert "/links/lost#link-" in row_of(page, "removed.test")
    only = watched.browser(Role.VIEWER).get("/links?tab=unknown").text
    assert re.findall(r'<th scope="row"><a href="/prospects/\d+">([^<]+)', only) == ["unsure.test"]
    assert '<form method="post" action="/links/' not in only
    assert post(watched.browser(Role.OUTREACH), "/links/3/check", tab="unknown").headers["location"] == (
        "/links?tab=unknown&did=asked"
    )


def test_a_strip_says_in_words_what_it_draws(watched: House) -> None:
    """U27 for the strip: each form as often as its words say."""
    page = watched.browser(Role.VIEWER).get("/links").text
    for domain, form, words in (
        ("live.test", 'class="live"', "live on 1 day, no look on 29 days"),
        ("unsure.test", 'class="unknown"', "could not check on 1 day, no look on 29 days"),
        ("removed.test", 'class="lost"', "lost on 1 day, no look on 29 days"),
    ):
        row = row_of(page, domain)
        assert f'aria-label="{words}"><title>{words}</title>' in row
        assert (row.count(form), row.count('class="none"')) == (1, 29), domain
    i18n.read_by("en")
    days = [Day(START.date(), state) for state in (DayState.MISSING, DayState.CHANGED, DayState.CHANGED)]
    assert strip_words(days) == "changed on 2 days, not seen on 1 day"
    assert strip_words([]) == ""


def test_a_lost_link_is_asked_for_in_the_old_thread_through_the_same_gates(watched: House) -> None:
    browser = watched.browser(Role.OUTREACH)
    page = browser.get("/links/lost").text
    gone, removed = (
        re.search(rf'<li class="mail"(?:(?!<li).)*{name}.*?</li>', page, re.DOTALL)
        for name in ("gone.test", "removed.test")
    )
    assert gone
    assert removed
    assert "Nothing to recover: the page is gone." in gone[0]
    assert "<form" not in gone[0]
    assert "@removed.test" in removed[0]
    action = re.search(r'action="(/links/lost/\d+/draft)"', removed[0])
    assert action
    assert post(browser, action[1]).status_code == 303
    page = browser.get("/links/lost").text
    fields: dict[str, Any] = dict(re.findall(r'name="(link|pitch|version)" value="(\d+)"', page))
    approve = re.search(r'action="(/links/lost/\d+/approve)"', page)
    assert approve
    # A viewer sees neither the words of the draft nor a button.
    plain = watched.browser(Role.VIEWER).get("/links/lost").text
    assert "/approve" not in plain
    # Nor whom it goes to.
    assert "@removed.test" not in plain
    assert "Dana" not in plain
    assert "No contact known" not in plain
    assert "<details" not in plain.partition("<main")[2]
    # A draft of somebody else's, or none, is refused; so is one that was changed meanwhile.
    assert post(browser, approve[1], **{**fields, "pitch": "1"}).status_code == 422
    assert post(browser, approve[1], **{**fields, "version": "7"}).status_code == 409
    done = post(browser, approve[1], **fields)
    assert done.headers.get("location") == "/links/lost?did=approved", done.text[done.text.index("problem") :][:700]
    assert "asked for it" in browser.get("/links/lost?did=approved").text
    with watched.db.read() as uow:
        pitch = uow.session.get_one(Pitch, int(fields["pitch"]))
        waiting = uow.session.execute(select(Outbound).where(Outbound.state == OutboundState.QUEUED)).scalar_one()
        link = uow.session.get_one(Link, int(fields["link"]))
    assert (pitch.state, pitch.angle) == (PitchState.APPROVED, "link-reclamation")
    assert waiting.prospect_id == link.prospect_id
    assert waiting.subject.startswith("Re: ")


def test_a_refused_recovery_says_why_and_sends_nothing(watched: House) -> None:
    browser = watched.browser(Role.LEAD)
    page = browser.get("/links/lost").text
    action = re.search(r'action="(/links/lost/(\d+)/draft)"', page)
    assert action
    post(browser, action[1])
    address = re.search(r"&lt;(dana[^&]+@removed\.test)&gt;", page)
    assert address
    assert post(browser, "/suppression", kind="address", value=address[1], reason="asked").status_code == 303
    fields = dict(re.findall(r'name="(link|pitch|version)" value="(\d+)"', browser.get("/links/lost").text))
    refused = post(browser, f"/links/lost/{action[2]}/approve", **fields)
    assert refused.status_code == 409
    assert "There is a problem" in refused.text
    assert "<details open>" in refused.text
    with watched.db.read() as uow:
        assert uow.session.execute(select(Outbound).where(Outbound.state == OutboundState.QUEUED)).first() is None
