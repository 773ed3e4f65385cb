"""Every page of one domain that links to a competitor: out of the lists that count, the best first, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.event import listen

from app.db.work import Database
from app.gaps import domain_pages, service
from app.sites import service as sites
from tests.support import exports

link = exports.link
A, B = "https://alpha.example/x", "https://beta.example/y"


def furnish(db: Database, tmp_path: Path) -> int:
    """Two competitors: `good.test` links to both from several pages and hosts."""
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        sites.add_competitor(uow, site.id, "alpha.example")
        sites.add_competitor(uow, site.id, "beta.example")
        number = site.id
    files = [
        exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [
                link("https://good.test/weak", A, UR="3", Anchor="Alpha"),
                link("https://blog.good.test/strong", A, UR="60", Anchor="the tool", Referring_page_title="Ten tools"),
                link("https://good.test/nofollow", A, UR="90", Nofollow="true"),
                link("https://good.test/gone", A, UR="99", Lost="2026-04-01 00:00:00"),
                link("https://notgood.test/a", A),
                link("https://dev.to/jane/post", A),
                link("https://dev.to/joe/post", A),
            ],
        ),
        exports.ahrefs_backlinks(
            tmp_path / "beta.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [link("https://good.test/weak", B, UR="3", Anchor="Beta")],
        ),
    ]
    service.import_and_refresh(db, number, files, folder=tmp_path / "snapshots", actor="test")
    return number


def pages(db: Database, site: int, tmp_path: Path, domain: str, **more: Any) -> list[dict[str, Any]]:
    with db.read() as look:
        lists = domain_pages.lists_of(look, site)
    return domain_pages.pages_of(lists, tmp_path / "snapshots", domain, **more)


def test_every_page_of_a_domain_the_best_first(db: Database, tmp_path: Path) -> None:
    site = furnish(db, tmp_path)
    rows = pages(db, site, tmp_path, "good.test")
    assert [(row["number"], row["page"]) for row in rows] == [
        (1, "https://blog.good.test/strong"),
        (2, "https://good.test/weak"),
        (3, "https://good.test/nofollow"),
    ]
    best, weak, _ = rows
    assert (best["title"], best["competitors"], best["followed"]) == ("Ten tools", ["alpha.example"], "true")
    assert weak["competitors"] == ["alpha.example", "beta.example"]
    assert "page rating 60" in best["reason"]
    assert all(0 <= row["score"] <= 100 and isinstance(row["parts"], list) for row in rows)
    assert len(pages(db, site, tmp_path, "good.test", most=2)) == 2


def test_the_lists_are_named_without_their_reports(db: Database, tmp_path: Path) -> None:
    site = furnish(db, tmp_path)
    asked: list[str] = []
    listen(db.read_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with db.read() as look:
        assert len(domain_pages.lists_of(look, site).files) == 2
    assert any("FROM snapshot" in one for one in asked)
    assert not [one for one in asked if "snapshot.report" in one]


def test_a_tenant_has_its_own_pages(db: Database, tmp_path: Path) -> None:
    site = furnish(db, tmp_path)
    assert [row["page"] for row in pages(db, site, tmp_path, "dev.to/jane")] == ["https://dev.to/jane/post"]
    assert pages(db, site, tmp_path, "none.test") == []


def test_files_that_are_gone_name_no_page(db: Database, tmp_path: Path) -> None:
    site = furnish(db, tmp_path)
    for one in (tmp_path / "snapshots").rglob("*.parquet"):
        one.unlink()
    assert pages(db, site, tmp_path, "good.test") == []
