"""Pages that are "unchanged" (304): believed for a while, for a link that stands, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.link_watch import Trouble
from app.domain.pipeline import Stage
from app.links import service
from app.models import Link, LinkCheck, LinkState, PageMemory, Site
from app.models import Page as OurPage
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.world import a_page, a_prospect, a_site

DAY = timedelta(days=1)
TAG = {"ETag": '"v1"', "Last-Modified": "Mon, 01 Jun 2026 08:00:00 GMT"}


class Page:
    """The editor's page: what it says, its headers, and the statuses that it answered with. `stubborn`: 304, whatever it says."""

    def __init__(self, at: Desk) -> None:
        self.html = f"<p>Use {LINK}.</p>"
        self.headers = dict(TAG)
        self.stubborn = False
        self.statuses: list[int] = []
        at.site.routes["/blog/checklist"] = self

    def __call__(self, handler: Any) -> None:
        asked = handler.headers.get("If-None-Match")
        unchanged = asked is not None and (self.stubborn or asked == self.headers.get("ETag"))
        self.statuses.append(304 if unchanged else 200)
        if unchanged:
            assert handler.headers.get("If-Modified-Since") == TAG["Last-Modified"]
        handler.give("" if unchanged else self.html, status=self.statuses[-1], headers=self.headers)


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, stage=Stage.PITCHED)
        yield made


@pytest.fixture
def page(at: Desk, clock: FixedClock) -> Page:
    """The link is won, and has been looked at once since, in full."""
    made = Page(at)
    assert service.look_for_link(at, 1).seen
    look(at, clock)
    assert made.statuses == [200, 200]
    return made


def look(at: Desk, clock: FixedClock, days: int = 1) -> LinkState | None:
    clock.advance(days * DAY)
    return service.check_link(at, 1)


def last_facts(at: Desk) -> dict[str, Any]:
    with at.db.read() as uow:
        newest = select(LinkCheck).order_by(LinkCheck.id.desc()).limit(1)
        return dict(uow.session.execute(newest).scalar_one().facts)


def test_an_unchanged_page_keeps_its_link_with_all_that_was_seen(at: Desk, clock: FixedClock, page: Page) -> None:
    read_at, before = clock.now(), last_facts(at)
    assert look(at, clock) is LinkState.LIVE
    after = last_facts(at)
    assert page.statuses[2:] == [304]
    assert after.pop("unchanged_since") == read_at.isoformat()
    assert (before.pop("status"), after.pop("status")) == (200, 304)
    assert after == before
    with at.db.read() as uow:
        link = uow.session.exec(select(Link)).one()
    assert (link.last_seen_at, link.anchor, link.dofollow) == (clock.now(), "the onboarding guide", True)


def test_a_new_state_of_the_page_is_read(at: Desk, clock: FixedClock, page: Page) -> None:
    page.html, page.headers["ETag"] = f"<p>See {LINK.replace('<a ', '<a rel=nofollow ')}.</p>", '"v2"'
    assert look(at, clock) is LinkState.CHANGED
    # What is in doubt is read in full until it is clear.
    assert look(at, clock) is LinkState.CHANGED
    assert page.statuses[2:] == [200, 200]


def test_a_server_that_says_unchanged_for_ever_freezes_nothing(at: Desk, clock: FixedClock, page: Page) -> None:
    page.html, page.stubborn = "<p>We took it out.</p>", True
    states = [look(at, clock) for _ in range(8)]
    # Seven days after the last full look it is read again, and then each day: lost on two good fetches.
    assert page.statuses[2:] == [304] * 6 + [200] * 2
    assert states == [LinkState.LIVE] * 7 + [LinkState.LOST]


def test_unchanged_with_another_robots_header_is_not_believed(at: Desk, clock: FixedClock, page: Page) -> None:
    page.headers["X-Robots-Tag"] = "noindex"
    assert look(at, clock) is LinkState.CHANGED
    assert page.statuses[2:] == [304, 200]


def test_robots_txt_is_asked_before_unchanged(at: Desk, clock: FixedClock, page: Page) -> None:
    at.site.routes["/robots.txt"] = "User-agent: *\nDisallow: /\n"
    assert look(at, clock, 2) is LinkState.UNKNOWN
    assert page.statuses[2:] == []


def test_what_counts_as_ours_is_asked_anew(at: Desk, clock: FixedClock, page: Page) -> None:
    with at.db.work() as uow:
        uow.session.exec(select(OurPage)).one().archived_at = uow.now()
        uow.session.exec(select(Site)).one().domains = ["acme.example"]
    assert look(at, clock) is LinkState.LIVE
    with at.db.read() as read:
        link = read.session.exec(select(Link)).one()
    assert link.trouble is Trouble.REMOVED  # the link leads to a page that is none of ours any more
    assert page.statuses[2:] == [200]


def test_a_server_that_names_no_state_is_read_each_time(at: Desk, clock: FixedClock) -> None:
    page = Page(at)
    page.headers = {}
    assert service.look_for_link(at, 1).seen
    assert [look(at, clock) for _ in range(2)] == [LinkState.LIVE] * 2
    assert page.statuses == [200] * 3
    with at.db.read() as uow:
        assert uow.session.exec(select(PageMemory)).all() == []


def test_a_304_that_nobody_asked_for_could_not_be_checked(at: Desk, clock: FixedClock) -> None:
    page = Page(at)
    page.headers = {}
    assert service.look_for_link(at, 1).seen
    at.serve("", status=304)
    assert look(at, clock) is LinkState.UNKNOWN
