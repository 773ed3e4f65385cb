"""Ratings of several tools in one list: one scale after the other by authority, and by its own scale in score and rank."""

from __future__ import annotations

from pathlib import Path

from app.db.work import Database
from app.gaps.analyze import analyze
from app.reports import gap
from tests.support import exports
from tests.support.ratings import percentile
from tests.support.world import a_prospect, a_site

#: As the list is to show them: a 90 of one tool is never set beside the 40 of another.
ROWS = [
    ("ahrefs", 40.5),
    ("ahrefs", 12.0),
    ("ahrefs", 0.0),
    ("semrush", 90.0),
    ("semrush", 12.0),
    ("dataforseo", 99.0),
    ("common-crawl", 100.0),
    ("another-tool", 77.0),
    (None, None),
]


def test_scales_stand_one_after_the_other(db: Database) -> None:
    with db.work() as uow:
        site = a_site(uow)
        for number, (provider, authority) in sorted(enumerate(ROWS), key=lambda row: row[0] * 5 % len(ROWS)):
            a_prospect(
                uow, site, f"site-{number}.test", authority=authority, authority_provider=provider, overlap=1, tier=1
            )
    asked = gap.Filter(site_id=1, order="authority")
    seen, after = [], None
    with db.read() as uow:
        while rows := gap.listing(uow, asked, after=after, limit=2):
            seen += [(row["authority_provider"], row["authority"]) for row in rows]
            after = gap.position(rows[-1], "authority")
    assert seen == ROWS


def test_each_rating_counts_by_its_place_on_its_own_scale(tmp_path: Path) -> None:
    """A strong site by a tool of low figures stands before a middling one by a tool of high figures."""
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    low = exports.semrush_refdomains(
        tmp_path / "low.csv",
        [{"Domain": f"low{n}.test", "Domain ascore": str(n), "Backlinks": "1"} for n in (5, 10, 20, 40)],
    )
    high = exports.ahrefs_refdomains(
        tmp_path / "high.csv", [{"Domain": f"high{n}.test", "DR": str(n), "Links to target": "1", "Dofollow links": "", "Lost": ""} for n in (60, 70, 80)]
    )  # fmt: skip
    with analyze([ours], [("a.example", low), ("a.example", high)], own_domains=["us.example"]) as analysis:
        rows = {row["domain"]: row for row in analysis.rows()}
    assert {name: row["authority_percentile"] for name, row in rows.items() if row["tier"]} == {
        "low5.test": percentile(5, [5, 10, 20, 40]), "low10.test": 37.5, "low20.test": 62.5, "low40.test": 87.5,
        "high60.test": 16.7, "high70.test": 50.0, "high80.test": 83.3,
    }  # fmt: skip
    assert rows["low40.test"]["score"] > rows["high80.test"]["score"] > rows["low20.test"]["score"]
    assert rows["high60.test"]["score"] < rows["low10.test"]["score"]
