"""A link that stands as it was, in an address that is written otherwise or on a page of ours that was put away: nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.pipeline import Stage
from app.links import service
from app.models import Link, LinkState, Page, StageEvent
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.world import a_page, a_prospect, a_site

DAY = timedelta(days=1)
OURS = "https://acme.test/guides/onboarding"


@pytest.fixture
def won(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, stage=Stage.PITCHED)
        made.serve(f"<p>Use {LINK} today.</p>")
        assert service.look_for_link(made, 1).seen
        yield made


def look(at: Desk, clock: FixedClock, *, days: int = 1) -> tuple[LinkState | None, str | None, list[str]]:
    for _ in range(days):
        clock.advance(DAY)
        state = service.check_link(at, 1)
    with at.db.read() as seen:
        events = seen.session.exec(select(StageEvent.event).where(StageEvent.event == "link_changed")).all()
        return state, seen.session.exec(select(Link)).one().trouble, list(events)


@pytest.mark.parametrize("href", [f"{OURS}?ref=editor.test", f"{OURS}/?via=a&utm_source=b", OURS.replace("//", "///")])
def test_another_spelling_of_its_address_is_no_change(won: Desk, clock: FixedClock, href: str) -> None:
    won.serve(f"<p>Use <a href='{href}'>the guide</a> today.</p>")
    assert look(won, clock) == (LinkState.LIVE, None, [])


def test_a_page_of_ours_that_is_put_away_is_a_page_all_the_same(won: Desk, clock: FixedClock) -> None:
    with won.db.work() as uow:
        uow.session.execute(update(Page).values(archived_at=uow.now()))
    assert look(won, clock) == (LinkState.LIVE, None, [])


def test_a_page_of_ours_that_has_another_address_now_changes_no_link(won: Desk, clock: FixedClock) -> None:
    with won.db.work() as uow:
        uow.session.execute(update(Page).values(url="https://acme.test/new"))
    assert look(won, clock) == (LinkState.LIVE, None, [])
    won.serve("<p>Use <a href='https://acme.test/'>the guide</a> today.</p>")
    assert look(won, clock) == (LinkState.CHANGED, "target", ["link_changed"])


def test_a_user_name_before_our_host_is_neither_a_link_nor_a_loss(won: Desk, clock: FixedClock) -> None:
    won.serve("<p>Use <a href='https://me@acme.test/guides/onboarding'>the guide</a> today.</p>")
    assert look(won, clock, days=3) == (LinkState.UNKNOWN, "unreadable", [])
    assert not service.look_for_link(won, 1).seen
