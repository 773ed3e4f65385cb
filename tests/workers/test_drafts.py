"""The queue opens with a draft: after a mention check that lets a prospect be pitched, and after a lost link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.pipeline import Stage
from app.models import Pitch
from app.prospects import service as prospects
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.world import VAULT, a_contact, a_page, a_prospect, a_site
from workers import contacts as search
from workers import links, mentions


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            prospect = a_prospect(uow, site, best_page=PAGE, mention_due_at=uow.now(), known_pages=[PAGE])
            a_contact(uow, prospect)
        yield made


def drafts(db: Database) -> list[str]:
    with db.read() as look:
        return [pitch.angle for pitch in look.session.exec(select(Pitch))]


def test_a_check_that_lets_pitch_leaves_a_draft(at: Desk) -> None:
    at.serve("<p>We learned this from Acme in May.</p>")
    mentions.check(at, 1)  # type: ignore[arg-type]
    mentions.check(at, 1)  # type: ignore[arg-type]
    assert drafts(at.db) == ["unlinked-mention"]


def test_a_page_that_could_not_be_checked_leaves_none(at: Desk) -> None:
    at.serve("<p>fault</p>", status=500)
    mentions.check(at, 1)  # type: ignore[arg-type]
    assert drafts(at.db) == []


def test_a_site_that_links_already_leaves_none_and_its_loss_leaves_a_reclamation(at: Desk, clock: FixedClock) -> None:
    at.serve(f"<p>Use {LINK}.</p>")
    mentions.check(at, 1)  # type: ignore[arg-type]
    assert drafts(at.db) == []
    at.serve("<p>Nothing here.</p>")
    for _ in range(2):
        clock.advance(timedelta(days=1))
        links.check(at, 1)  # type: ignore[arg-type]
    with at.db.read() as look:
        assert prospects.get(look, 1).stage is Stage.CHECKED_MENTION
    assert drafts(at.db) == ["link-reclamation"]


def test_a_draft_to_nobody_is_addressed_when_somebody_is_found(
    db: Database, settings: Settings, clock: FixedClock
) -> None:
    """The check leaves the draft, the search for contacts ends after it: what a person finds can be approved as it stands."""
    with desk(db, settings, clock) as at:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, mention_due_at=uow.now(), known_pages=[PAGE])
        at.serve('<p>We learned this from Acme in May.</p><p>By <a href="mailto:dana@editor.test">Dana Ruiz</a></p>')
        mentions.check(at, 1)  # type: ignore[arg-type]
        with db.read() as look:
            pitch = look.session.exec(select(Pitch)).one()
            assert (pitch.angle, pitch.contact_id) == ("unlinked-mention", None)
        deps = SimpleNamespace(db=at.db, settings=at.settings, fetcher=at.fetcher, vault=VAULT)
        search.find(deps, 1)  # type: ignore[arg-type]
        search.find(deps, 1)  # type: ignore[arg-type]
        with db.read() as look:
            pitch = look.session.exec(select(Pitch)).one()
            assert pitch.contact_id is not None
            assert pitch.angle == "unlinked-mention"
