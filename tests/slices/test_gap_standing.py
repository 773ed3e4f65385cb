"""Prospects that newer lists show to be no gap any more: where they stand, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.gap import LINKED_BY_DATA, GapState
from app.gaps import kept, service, standing
from app.gaps.analyze import Analysis
from app.mentions import service as mentions
from app.models import Prospect
from app.reports import gap as report
from app.sites import service as sites
from tests.support import exports

link = exports.link
US, THEM = "https://us.example/x", "https://alpha.example/x"


def make_site(db: Database) -> int:
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        sites.add_competitor(uow, site.id, "alpha.example")
        return int(site.id)


def files(tmp_path: Path, day: int, ours: Sequence[str], theirs: Sequence[str], **cells: str) -> list[Path]:
    """Both lists of a day: the pages that link to us (one a day does anyway), and those that link to the competitor."""
    name = f"{{}}-backlinks-subdomains_2026-05-{day:02d}_10-00-00.csv"
    return [
        exports.ahrefs_backlinks(
            tmp_path / name.format("us.example"), [link(url, US) for url in [f"https://own.test/{day}", *ours]]
        ),
        exports.ahrefs_backlinks(tmp_path / name.format("alpha.example"), [link(url, THEM, **cells) for url in theirs]),
    ]


def look(db: Database, tmp_path: Path, site_id: int, day: int, *lists: Sequence[str], **cells: str) -> None:
    """Import both lists of a day."""
    paths = files(tmp_path, day, *lists, **cells)
    service.import_and_refresh(db, site_id, paths, folder=tmp_path / "snapshots", actor="test")


def found(uow: UnitOfWork, domain: str) -> Prospect:
    return uow.session.execute(select(Prospect).where(col(Prospect.domain) == domain)).scalar_one()


def view(uow: UnitOfWork, site_id: int, name: str) -> list[str]:
    return [row["domain"] for row in report.listing(uow, report.Filter(site_id, view=name))]


OLD = ["https://a.test/1", "https://b.test/1", "https://c.test/1"]


def test_what_links_to_us_now_and_what_links_to_nobody_leave_the_open_gaps(db: Database, tmp_path: Path) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, [], OLD)
    with db.read() as uow:
        assert view(uow, site_id, "open") == ["a.test", "b.test", "c.test"]
        ranked = found(uow, "a.test").rank_key
    look(db, tmp_path, site_id, 8, ["https://a.test/about-us"], [OLD[0], OLD[2]])
    with db.read() as uow:
        a, b, c = (found(uow, f"{name}.test") for name in "abc")
        assert (a.gap_state, b.gap_state, c.gap_state) == (GapState.LINKED, GapState.GONE, None)
        assert a.gap_seen == {
            "page": "https://a.test/about-us",
            "target": US,
            "file": "us.example-backlinks-subdomains_2026-05-08_10-00-00.csv",
            "as_of": "2026-05-08",
        }
        assert b.gap_seen is None
        assert a.rank_key[0] == b.rank_key[0] == "8"  # behind every tier
        assert c.rank_key < a.rank_key
        assert mentions.pages_of(a) == ("https://a.test/about-us", "https://a.test/1")
        assert a.mention_due_at == db.clock.now()
        assert view(uow, site_id, "open") == ["c.test"]
        assert sorted(view(uow, site_id, "closed")) == ["a.test", "b.test"]
    look(db, tmp_path, site_id, 15, [], [*OLD, "https://c.test/2"])  # other bytes than on day 1
    with db.read() as uow:
        a, b = found(uow, "a.test"), found(uow, "b.test")
        assert (a.gap_state, a.gap_seen, b.gap_state) == (None, None, None)
        assert a.rank_key == ranked
        assert sorted(view(uow, site_id, "open")) == ["a.test", "b.test", "c.test"]


def test_the_tools_own_word_that_a_link_is_lost_is_enough(db: Database, tmp_path: Path) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, [], OLD[:1])
    look(db, tmp_path, site_id, 8, [], OLD[:1], Lost="2026-05-07 00:00:00")
    with db.read() as uow:
        assert (found(uow, "a.test").gap_state, found(uow, "a.test").removed_by) == (GapState.GONE, ["lost"])
        assert view(uow, site_id, "closed") == ["a.test"]


@pytest.mark.parametrize("cut", ["alpha.example", "us.example"])
def test_a_cut_list_proves_nothing_by_what_it_lacks(db: Database, tmp_path: Path, cut: str) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, ["https://a.test/us"], OLD[1:])
    look(db, tmp_path, site_id, 2, [], OLD)
    look(db, tmp_path, site_id, 3, ["https://a.test/us"], OLD)
    paths = files(tmp_path, 8, [], OLD[:1])
    with db.work() as uow:
        for path in paths:
            for one in service.import_file(uow, site_id, path, folder=tmp_path / "snapshots", actor="test").snapshots:
                one.capped = one.target == cut
    service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")
    with db.read() as uow:
        states = found(uow, "a.test").gap_state, found(uow, "b.test").gap_state
    assert states == ((None, None) if cut == "alpha.example" else (GapState.LINKED, GapState.GONE))


def test_a_list_without_pages_names_the_file(db: Database, tmp_path: Path) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, [], OLD)
    path = exports.semrush_refdomains(
        tmp_path / "us.example-backlinks_refdomains.csv",
        [{"Domain": "a.test", "Domain ascore": "30", "Backlinks": "2"}],
    )
    db.clock.advance(timedelta(days=2))  # type: ignore[attr-defined]
    service.import_and_refresh(db, site_id, [path], folder=tmp_path / "snapshots", actor="test")
    with db.read() as uow:
        a = found(uow, "a.test")
        assert a.gap_state is GapState.LINKED
        assert a.gap_seen is not None
        assert a.gap_seen["file"] == path.name
        assert "page" not in a.gap_seen
        assert mentions.pages_of(a) == ("https://a.test/1",)


def test_a_person_who_has_looked_takes_it_back_for_good(db: Database, tmp_path: Path) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, [], OLD)
    look(db, tmp_path, site_id, 8, ["https://a.test/about-us"], OLD)
    with db.work() as uow:
        kept.keep_row(uow, site_id, "a.test", rule=LINKED_BY_DATA, actor="dana")
    for day in (9, 15):
        with db.read() as uow:
            a = found(uow, "a.test")
            assert (a.gap_state, a.gap_seen, a.rank_key[0]) == (None, None, "1"), day
        look(db, tmp_path, site_id, day, ["https://a.test/about-us"], OLD)


def test_others_write_while_our_own_files_are_read_once_more(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_id = make_site(db)
    look(db, tmp_path, site_id, 1, [], OLD)
    honest, asked = standing._places, []

    def while_reading(analysis: Analysis, domains: Sequence[str]) -> dict[str, dict[str, Any]]:
        with db.work() as uow:
            asked.append(found(uow, "a.test").gap_state)
            sites.add_competitor(uow, site_id, "beta.example")
        return honest(analysis, domains)

    monkeypatch.setattr(standing, "_places", while_reading)
    look(db, tmp_path, site_id, 8, ["https://a.test/about-us"], OLD)
    assert asked == [GapState.LINKED], "it is kept from a pitch before it is known where the link is"
    with db.read() as uow:
        assert (found(uow, "a.test").gap_seen or {})["page"] == "https://a.test/about-us"
