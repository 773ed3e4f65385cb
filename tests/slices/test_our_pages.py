"""Our sites and pages: two people who save, what is put away, and looks at a page of ours by the guarded client."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.pipeline import Stage
from app.errors import BadInput, Conflict, Stale
from app.fetch.memory import MemoryFetcher, page, redirect
from app.models import Prospect
from app.pitches import facts
from app.reports import prospects as reports
from app.sites import looking, pages, service
from tests.support.world import a_page, a_prospect, a_site

SITE = {
    "name": "Acme",
    "domains": ["acme.test", "old-acme.test"],
    "brand_names": ["Acme"],
    "language": None,
    "country": None,
    "min_authority": None,
    "min_traffic": None,
    "sender_name": None,
    "sender_role": None,
    "postal_address": None,
}
PAGE = {"topic": None, "summary": None, "published_on": None, "angle": None}
HEAD = """<html><head><title>Onboarding guide</title><meta name="description" content="Forty questions.">
<meta property="article:published_time" content="2026-02-03T10:00:00Z"><meta property="article:section" content="Onboarding">
"""


def test_the_second_of_two_who_save_is_told_what_differs(db: Database) -> None:
    with db.work() as uow:
        site = service.create(uow, **SITE)
    with db.work() as uow:
        first = service.change(uow, site.id, 1, **{**SITE, "min_authority": 30.0, "country": "de"})
        assert (first.version, first.country) == (2, "DE")
    with pytest.raises(Stale) as told, db.work() as uow:
        service.change(uow, site.id, 1, **{**SITE, "brand_names": ["Acme", "ACME Inc"]})
    differs = {one.field: (one.theirs, one.yours) for one in told.value.changes}
    assert differs == {
        "brand_names": (["Acme"], ["Acme", "ACME Inc"]),
        "country": ("DE", None),
        "min_authority": (30.0, None),
    }
    with db.work() as uow:
        assert service.change(uow, site.id, told.value.version, **{**SITE, "name": "Acme 2"}).version == 3
        # What is saved as it is makes no version, and so no conflict for the next.
        assert service.change(uow, site.id, 3, **{**SITE, "name": "Acme 2"}).version == 3


def test_a_domain_is_ours_or_a_competitors(db: Database) -> None:
    with db.work() as uow:
        site = service.create(uow, **SITE)
        service.add_competitor(uow, site.id, "rival.test")
    with pytest.raises(BadInput, match="own domain"), db.work() as uow:
        service.add_competitor(uow, site.id, "blog.old-acme.test")
    with pytest.raises(BadInput, match=r"rival\.test is a competitor"), db.work() as uow:
        service.change(uow, site.id, 1, **{**SITE, "domains": ["acme.test", "www.rival.test"]})
    with pytest.raises(BadInput) as told, db.work() as uow:
        service.change(
            uow, site.id, 1, **{**SITE, "domains": [], "brand_names": [" "], "language": "x", "country": "d1"}
        )
    assert [one.field for one in told.value.problems] == ["domains", "brand_names", "language", "country"]


def test_a_site_that_is_put_away_shows_nowhere_and_comes_back(db: Database) -> None:
    with db.work() as uow:
        site = a_site(uow)
        a_prospect(uow, site, stage=Stage.CHECKED_MENTION)

    def waits() -> int:
        with db.read() as look:
            found = select(func.count()).select_from(Prospect).where(*reports.waiting(look.now()))
            return int(look.session.execute(found).scalar_one())

    assert waits() == 1
    with db.work() as uow:
        service.archive(uow, site.id)
    with db.read() as look:
        assert (waits(), service.list_sites(look), len(service.list_sites(look, archived=True))) == (0, [], 1)
    with db.work() as uow:
        other = service.create(uow, **{**SITE, "name": "Other", "domains": site.domains})
    with pytest.raises(Conflict, match="belongs to the site Other"), db.work() as uow:
        service.restore(uow, site.id)
    with db.work() as uow:
        service.change(uow, other.id, 1, **{**SITE, "name": "Other", "domains": ["other.test"]})
        service.restore(uow, site.id)
    assert waits() == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (HEAD + '<link rel="canonical" href="https://acme.test/guide/"></head><body>x</body></html>', looking.OK),
        (page("https://acme.test/guide", "gone", status=404), looking.STATUS),
        (redirect("https://acme.test/guide", "https://acme.test/new"), looking.REDIRECTS),
        (HEAD + '<meta name="robots" content="noindex, follow"></head></html>', looking.NOINDEX),
        (page("https://acme.test/guide", HEAD, headers={"x-robots-tag": "noindex"}), looking.NOINDEX),
        (HEAD + '<link rel="canonical" href="https://acme.test/other"></head></html>', looking.CANONICAL),
        (None, looking.UNREACHABLE),
    ],
)
def test_a_look_names_what_speaks_against_a_page(answer: object, state: str) -> None:
    known = {"https://acme.test/guide": answer, "https://acme.test/new": HEAD}
    fetcher = MemoryFetcher({url: one for url, one in known.items() if one is not None})  # type: ignore[misc]
    found = looking.look(fetcher, "https://acme.test/guide")
    assert (found.state, found.sentence is None) == (state, state == looking.OK)
    if state == looking.OK:
        told = (found.title, found.topic, found.summary, found.published_on)
        assert told == ("Onboarding guide", "Onboarding", "Forty questions.", date(2026, 2, 3))


def test_a_page_is_looked_at_again_and_its_finding_kept(db: Database, clock: FixedClock) -> None:
    with db.work() as uow:
        site = service.create(uow, **SITE)
        made = service.add_page(uow, site.id, "https://acme.test/guide", title="Guide")
        assert pages.due(uow.session, uow.now()) == [made.id]
        with pytest.raises(Conflict, match="on the list already"):
            service.add_page(uow, site.id, "https://acme.test/guide#part", title="Again")
        with pytest.raises(BadInput, match="homepage"):
            service.add_page(uow, site.id, "https://acme.test/", title="Home")
    pages.check_page(db, MemoryFetcher({"https://acme.test/guide": HEAD}), made.id)
    with db.read() as look:
        assert (service.get_page(look, made.id).check_state, pages.due(look.session, look.now())) == (looking.OK, [])
    clock.advance(timedelta(days=7))
    with db.read() as look:
        assert pages.due(look.session, look.now()) == [made.id]
    pages.check_page(db, MemoryFetcher({}), made.id)
    with db.work() as uow:
        assert service.get_page(uow, made.id).check_state == looking.UNREACHABLE
        moved = service.change_page(uow, made.id, 1, url="https://acme.test/new", title="Guide", **PAGE)
        assert (moved.check_state, pages.due(uow.session, uow.now())) == (None, [made.id])
        service.archive_page(uow, site.id, made.id)
        assert pages.due(uow.session, uow.now()) == []
    with pytest.raises(Stale), db.work() as uow:
        service.change_page(uow, made.id, 1, url="https://acme.test/new", title="Other", **PAGE)


def test_a_page_of_one_angle_is_offered_by_no_other(db: Database) -> None:
    with db.work() as uow:
        site = a_site(uow)
        kept = a_page(uow, site, url="https://acme.test/a", title="Onboarding for teams", angle="unlinked-mention")
        free = a_page(uow, site, url="https://acme.test/b", title="Payroll")
        prospect = a_prospect(uow, site, best_page_title="Onboarding for teams")
        found = facts.gather(uow, prospect)
        assert found.fit is not None
        assert found.fit.page.id == free.id
        by_hand = facts.gather(uow, prospect, page_id=kept.id)
        assert by_hand.fit is not None
        assert by_hand.fit.page.id == kept.id
