"""A page that answers 200 inside the full layout of its site and does not show its article: no link is lost by that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.link_watch import Trouble
from app.domain.pipeline import Stage
from app.links import repository, service
from app.models import Link, LinkCheck, LinkState
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.world import a_page, a_prospect, a_site

DAY = timedelta(days=1)
MENU = "<nav>" + "<a href='/m'>menu entry</a> " * 120 + "</nav>"
FOOT = "<footer>" + "<a href='/f'>footer link</a> " * 60 + "</footer>"
TEASER = "<h1>Onboarding</h1><p>" + "Careful words about onboarding people well. " * 8 + "</p>"
HALF = "<h1>Onboarding</h1><p>" + "Careful words about onboarding people well. " * 30 + "</p>"
BODY = "<h1>Onboarding</h1><p>" + "Careful words about onboarding people well. " * 70 + "%s</p>"
NOT_FREE = '<script type="application/ld+json">{"@type":"Article","isAccessibleForFree":%s}</script>'
WALLS = {
    "paywall": TEASER + "<h2>Subscribe to continue reading</h2><p>Already a subscriber? Log in.</p>",
    "paywall in German": TEASER + "<h2>Weiterlesen mit Plus</h2><p>Jetzt 1 Monat kostenlos testen.</p>",
    "long teaser": HALF + "<h2>Already a subscriber?</h2>",
    "long teaser in French": HALF + "<p>Pour lire la suite, abonnez-vous.</p>",
    "long teaser that says so to search engines": NOT_FREE % "false" + HALF,
    "sign in": "<title>Log in - The Ledger</title><h1>Log in</h1><form>Email <input> Password <input></form>",
    "please sign in": "<title>Welcome</title><p>Please sign in to your account to view this page.</p>",
    "no article": "<h1>Onboarding</h1><div id=content></div><p>Loading article</p>",
    "fault": "<h1>Something went wrong</h1><p>Please try again later.</p>",
    "error": "<title>Oops</title><h1>Oops! An error occurred</h1><p>Our team has been notified.</p>",
    "error of the server": "<title>Internal Server Error</title><h1>Internal Server Error</h1>",
    "cookies": "<h1>We value your privacy</h1><p>Accept cookies to continue to the article.</p>",
    "articles used up": "<h1>You have reached your limit of free articles</h1><p>Subscribe now.</p>",
}
ARTICLES = {
    "unchanged": BODY % "",
    "unchanged, with a login beside it": BODY % "" + "<aside>Already a subscriber? Please log in.</aside>",
    "unchanged, and sold": NOT_FREE % "false" + BODY % "",
    "shorter": HALF,
    "shorter, and free": NOT_FREE % "true" + HALF,
}


@pytest.fixture
def won(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    """A link in the middle of a large layout."""
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, stage=Stage.PITCHED)
        serve(made, BODY % LINK)
        assert service.look_for_link(made, 1).seen
        yield made


def serve(at: Desk, body: str) -> None:
    at.serve(f"<html lang=en>{MENU}{body}{FOOT}")


def two_days(at: Desk, clock: FixedClock, body: str) -> Link:
    for _ in range(2):
        clock.advance(DAY)
        serve(at, body)
        service.check_link(at, 1)
    with at.db.read() as look:
        return look.session.exec(select(Link)).one()


@pytest.mark.parametrize("body", WALLS.values(), ids=WALLS)
def test_a_wall_inside_a_large_layout_proves_nothing(won: Desk, clock: FixedClock, body: str) -> None:
    link = two_days(won, clock, body)
    assert (link.state, link.trouble, link.first_missing_at) == (LinkState.UNKNOWN, Trouble.UNREADABLE, None)


@pytest.mark.parametrize("body", ARTICLES.values(), ids=ARTICLES)
def test_a_link_that_was_taken_out_of_its_article_is_lost(won: Desk, clock: FixedClock, body: str) -> None:
    link = two_days(won, clock, body)
    assert (link.state, link.trouble) == (LinkState.LOST, Trouble.REMOVED)


def test_looks_that_counted_no_words_outside_of_links_are_read_as_before(won: Desk, clock: FixedClock) -> None:
    clock.advance(DAY)
    with won.db.work() as uow:
        first = uow.session.exec(select(LinkCheck)).one()
        facts = {name: value for name, value in first.facts.items() if name != "own_words"}
        old = {"verdict": first.verdict, "good_fetch": True, "state": first.state, "facts": facts, "at": uow.now()}
        link = uow.session.exec(select(Link)).one()
        other = Link(**link.model_dump(exclude={"id", "source_url"}), source_url=f"{PAGE}?old")
        uow.session.add(other)
        uow.session.flush()
        uow.session.add(LinkCheck(link_id=other.id, **old))
        other_id = other.id
    with won.db.read() as look:
        assert repository.words_when_seen(look.session, 1) == (605, 421)
        assert repository.words_when_seen(look.session, other_id) == (605, None)
    for _ in range(2):
        clock.advance(DAY)
        serve(won, BODY % "")
        state = service.check_link(won, other_id)
    assert state is LinkState.LOST
