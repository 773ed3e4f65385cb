"""Domains of the web graph are claims: local sites are read until one really links to a competitor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.verification import Verification
from app.gaps import service, verify
from app.jobs import Job, RecordingDispatcher
from app.mentions import repository as mentions_repository
from app.mentions import service as mentions
from app.models import Prospect
from app.prospects import intake
from app.settings import Settings
from app.sites import service as sites
from tests.support.editorial import Desk, desk
from tests.support.webserver import WebServer, redirect

LINK = '<p>We use <a rel="nofollow" href="https://rival.test/x">Rival</a>.</p>'
HEAD = "Linking domain,Authority,Harmonic position,Hosts\n"


def look(site: WebServer, at: Desk, budget: int = 12, domain: str = "editor.test") -> verify.Outcome:
    return verify.look(at.fetcher, domain, ["rival.test"], budget)


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        made.serve("<p>Welcome.</p>", "/")
        yield made


def asked(outcome: verify.Outcome) -> list[str]:
    return [line["url"].removeprefix("https://").removeprefix("http://") for line in outcome.pages]


@pytest.fixture
def plain(at: Desk) -> Desk:
    """The local site has no TLS: https breaks, as with many small sites, and http is tried."""
    return at


def test_the_front_page_is_enough(plain: Desk) -> None:
    plain.serve(f"<title>Notes</title>{LINK}", "/")
    outcome = look(plain.site, plain)
    assert (outcome.verdict, outcome.page, outcome.title) == (
        Verification.VERIFIED,
        "http://editor.test/",
        "Notes",
    )
    assert outcome.link is not None
    assert (outcome.link.anchor, outcome.link.rel, outcome.link.follow) == ("Rival", ("nofollow",), False)
    assert asked(outcome) == ["editor.test/", "editor.test/"]  # https, then http


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/feed",
            "<rss><channel><item><link>http://editor.test/p/9</link><description>see https://rival.test/"
            "</description></item></channel></rss>",
        ),
        ("/sitemap.xml", "<urlset><url><loc>http://editor.test/p/9</loc></url></urlset>"),
        ("/", '<a href="/p/9">Nine</a> <a href="http://elsewhere.test/p/9">away</a> <a href="/p/9.jpg">picture</a>'),
    ],
)
def test_the_link_is_found_where_feed_sitemap_or_front_page_lead(plain: Desk, path: str, body: str) -> None:
    plain.serve(body, path)
    plain.serve(LINK, "/p/9")
    outcome = look(plain.site, plain)
    assert (outcome.verdict, outcome.page) == (Verification.VERIFIED, "http://editor.test/p/9")


def test_a_sitemap_of_sitemaps_is_followed_on_the_site_alone(plain: Desk) -> None:
    index = "<sitemapindex><sitemap><loc>http://{}/posts.xml</loc></sitemap></sitemapindex>"
    plain.serve(index.format("editor.test"), "/sitemap.xml")
    plain.serve("<urlset><url><loc>http://editor.test/rival-review</loc></url></urlset>", "/posts.xml")
    plain.serve(LINK, "/rival-review")
    assert look(plain.site, plain).page == "http://editor.test/rival-review"
    plain.serve(index.format("go.test"), "/sitemap.xml")
    assert look(plain.site, plain).verdict is Verification.NOT_FOUND


def test_the_likely_page_comes_first_and_the_budget_holds(plain: Desk) -> None:
    links = "".join(f'<a href="/page-{n}">page {n}</a>' for n in range(40))
    plain.serve(f'{links}<a href="/rival-alternatives">Rival alternatives</a>', "/")
    plain.serve("<p>Nothing.</p>", "/rival-alternatives")
    outcome = look(plain.site, plain, budget=8)
    assert (outcome.verdict, len(outcome.pages)) == (Verification.NOT_FOUND, 8)
    assert asked(outcome)[5] == "editor.test/rival-alternatives"
    assert outcome.read == 2  # the others are gone


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://rival.test/widget.js"></script><img src="https://rival.test/pic.png"><p>Rival</p>',
        f'<div style="display:none">{LINK}</div>',
        "<!-- <a href='https://rival.test/'>Rival</a> -->",
        '<a href="https://notrival.test/">Rival</a>',
    ],
)
def test_what_is_no_visible_link_verifies_nothing(plain: Desk, html: str) -> None:
    plain.serve(html, "/")
    assert look(plain.site, plain).verdict is Verification.NOT_FOUND


@pytest.mark.parametrize("fault", ["robots", "status", "away", "scripts"])
def test_what_cannot_be_read_could_not_be_checked(plain: Desk, fault: str) -> None:
    if fault == "robots":
        plain.site.routes["/robots.txt"] = "User-agent: *\nDisallow: /\n"
    elif fault == "status":
        plain.serve("fault", "/", status=503)
    elif fault == "away":
        plain.site.routes["/"] = redirect("http://go.test/parked")
        plain.serve(LINK, "/parked")
    else:
        plain.serve('<div id="root"></div><script src="/app.js"></script>', "/")
    outcome = look(plain.site, plain)
    assert outcome.verdict is Verification.COULD_NOT_CHECK
    assert outcome.page is None


@pytest.fixture
def found(at: Desk, tmp_path: Path) -> Desk:
    """A site whose one competitor the graph knows three domains of."""
    with at.db.work() as uow:
        site = sites.create(uow, name="Acme", domains=["acme.test"], brand_names=["Acme"])
        sites.add_competitor(uow, site.id, "rival.test")
    graph = tmp_path / "rival.test-refdomains-cc-main-2026-may-jun-jul_2026-07-01.csv"
    graph.write_text(HEAD + "editor.test,60.0,10,1\nold.test,50.0,100,1\ngone.test,,,1\n")
    ours = tmp_path / "acme.test-refdomains-cc-main-2026-may-jun-jul_2026-07-01.csv"
    ours.write_text(HEAD + "friend.test,40.0,1000,1\n")
    service.import_and_refresh(at.db, 1, [ours, graph], folder=tmp_path, actor="test")
    return at


def prospects(at: Desk) -> dict[str, Prospect]:
    with at.db.read() as uow:
        return {row.domain: row for row in uow.session.exec(select(Prospect))}


def test_only_what_was_verified_goes_on(found: Desk, clock: FixedClock, dispatcher: RecordingDispatcher) -> None:
    before = prospects(found)
    assert {row.verification for row in before.values()} == {Verification.TO_VERIFY}
    with found.db.read() as uow:
        assert list(mentions_repository.due(uow.session, clock.now())) == []
        ids = list(verify.due(uow.session, clock.now()))
    assert len(ids) == 3
    found.site.routes["/"] = lambda handler: handler.give(
        LINK if handler.headers["Host"] == "editor.test" else '<p><a href="/blog/">Hello.</a></p>'
    )
    found.stopping.set()
    assert verify.verify(found, before["old.test"].id) is None, "a search that was broken off says nothing"
    found.stopping.clear()
    with found.db.read() as uow:
        assert list(verify.due(uow.session, clock.now())) == ids, "and is taken up again at once"
    verdicts = {row.domain: verify.verify(found, row.id) for row in before.values()}
    assert verdicts == {
        "editor.test": Verification.VERIFIED,
        "old.test": Verification.NOT_FOUND,
        "gone.test": Verification.COULD_NOT_CHECK,
    }
    after = prospects(found)
    assert verify.verify(found, after["old.test"].id) is None  # not due any more
    seen = after["editor.test"]
    assert (seen.best_page, seen.target, seen.anchor, seen.dofollow) == (
        "http://editor.test/",
        "https://rival.test/x",
        "Rival",
        False,
    )
    assert seen.verified is not None
    assert (seen.verified["rel"], seen.verified["read"]) == (["nofollow"], 1)
    with found.db.read() as uow:
        assert list(mentions_repository.due(uow.session, clock.now())) == [seen.id]
    assert (Job.MENTIONS_CHECK, seen.id) in dispatcher.rung
    assert all(job is not Job.MENTIONS_CHECK or number == seen.id for job, number in dispatcher.rung)


def test_a_person_takes_a_domain_on_without_a_link(found: Desk, clock: FixedClock) -> None:
    rows = prospects(found)
    with found.db.work() as uow:
        mentions.request(uow, rows["old.test"].id)
        intake.take(uow, 1, "gone.test", actor="ana")
    after = prospects(found)
    assert after["old.test"].verification is after["gone.test"].verification is Verification.ACCEPTED
    with found.db.read() as uow:
        due = mentions_repository.due(uow.session, clock.now())
        assert set(due) == {rows["old.test"].id, rows["gone.test"].id}


def test_a_newer_graph_keeps_what_was_verified_and_a_tools_file_lets_go(found: Desk, tmp_path: Path) -> None:
    found.serve(LINK, "/")
    rows = prospects(found)
    assert verify.verify(found, rows["editor.test"].id) is Verification.VERIFIED
    service.refresh(found.db, 1, folder=tmp_path, actor="test")
    seen = prospects(found)["editor.test"]
    assert (seen.verification, seen.best_page) == (Verification.VERIFIED, "http://editor.test/")
    with found.db.work() as uow:
        row: Any = uow.session.get_one(Prospect, rows["old.test"].id)
        row.best_page = "http://old.test/named-by-a-tool"
        verify.mark(uow, 1, [])
    old = prospects(found)["old.test"]
    assert (old.verification, old.verify_due_at) == (None, None)
    assert old.mention_due_at is not None
