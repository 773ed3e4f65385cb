"""Exports into snapshots and prospects, on both databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database, UnitOfWork
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.ranking import rank_key
from app.errors import BadInput, NotFound
from app.gaps import repository, service
from app.models import Prospect, Snapshot, SnapshotRole
from app.sites import service as sites
from tests.support import exports

link = exports.link


def make_site(uow: UnitOfWork) -> int:
    site = sites.create(uow, name="Us", domains=["us.example", "old-us.example"], brand_names=["Us"])
    sites.add_competitor(uow, site.id, "alpha.example")
    sites.add_competitor(uow, site.id, "beta.example")
    return site.id


def world(tmp_path: Path) -> list[Path]:
    return [
        exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [
                link("https://both.test/best", "https://alpha.example/a", Anchor="alpha", UR="40", Referring_page_title="Best page"),
                link("https://both.test/other", "https://alpha.example/b", UR="20", Referring_page_title="Other page"),
                link("https://both.test/gone", "https://alpha.example/b", Lost="2026-01-01 00:00:00"),
                link("https://one.test/", "https://alpha.example/", Domain_traffic="9000000000"),
                link("https://linked.test/x", "https://alpha.example/"),
                link("https://spam.test/x", "https://alpha.example/", Is_spam="true"),
            ],
        ),
        exports.semrush_refdomains(
            tmp_path / "beta.example-backlinks_refdomains.csv", [{"Domain": "both.test", "Domain ascore": "30", "Backlinks": "2"}]
        ),
    ]  # fmt: skip


def prospects(uow: UnitOfWork, site_id: int) -> dict[str, Prospect]:
    statement = (
        select(Prospect).where(col(Prospect.site_id) == site_id).order_by(col(Prospect.rank_key), col(Prospect.id))
    )
    return {one.domain: one for one in uow.session.execute(statement).scalars()}


def run(
    db: Database, site_id: int, paths: list[Path], folder: Path, **options: Any
) -> tuple[list[service.Imported], dict[str, int]]:
    imported, counts, _summary = service.import_and_refresh(db, site_id, paths, folder=folder, actor="test", **options)
    return imported, counts


def test_from_files_to_prospects(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    imported, counts = run(db, site_id, world(tmp_path), folder)
    assert counts == {"added": 2, "updated": 0, "closed": 0, "removed": 0, "gaps": 2}
    made = [one for result in imported for one in result.snapshots]
    assert [(one.role, one.target, one.format, str(one.as_of or "-")) for one in made] == [
        (SnapshotRole.OURS, "us.example", "search-console-sites", "2026-05-01"),
        (SnapshotRole.COMPETITOR, "alpha.example", "ahrefs-backlinks", "2026-05-02"),
        (SnapshotRole.COMPETITOR, "beta.example", "semrush-refdomains", "-"),
    ]
    assert (made[1].rows_read, made[1].rows_taken, made[1].rows_lost) == (6, 5, 1)
    assert made[1].report["reasons"] == {"lost": 1}
    assert all((folder / one.path).is_file() for one in made)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    with db.read() as uow:
        found = prospects(uow, site_id)
    assert list(found) == ["both.test", "one.test"]
    both = found["both.test"]
    assert (both.stage, both.tier, both.overlap, both.competitors) == (
        Stage.PROSPECT,
        1,
        2,
        ["alpha.example", "beta.example"],
    )
    assert (both.best_page, both.best_page_title, both.target, both.anchor) == (
        "https://both.test/best", "Best page", "https://alpha.example/a", "alpha",
    )  # fmt: skip
    assert both.known_pages == ["https://both.test/best", "https://both.test/other"]
    assert (both.authority, both.authority_provider, both.traffic, both.dofollow) == (40.0, "ahrefs", 5000, True)
    assert (both.language, str(both.first_seen), both.links, both.removed_by) == ("en", "2025-01-02", 4, [])
    assert both.rank_key == rank_key(
        tier=1,
        mention=None,
        overlap=2,
        competitors=2,
        dofollow=True,
        authority=40.0,
        first_seen=both.first_seen,
        winnability=both.winnability,
    )
    assert both.mention_due_at == db.clock.now()
    assert found["one.test"].traffic == 9_000_000_000


def test_each_competitor_keeps_whether_a_link_of_it_is_followed(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    paths = [
        exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [
                link("https://mixed.test/a", "https://alpha.example/a", Nofollow="true"),
                link("https://both.test/a", "https://alpha.example/a", Nofollow="true"),
                link("https://both.test/b", "https://alpha.example/a"),
                link("https://gone.test/a", "https://alpha.example/a", Lost="2026-01-01 00:00:00"),
                link("https://gone.test/b", "https://alpha.example/a", Nofollow="true"),
            ],
        ),
        exports.semrush_refdomains(
            tmp_path / "beta.example-backlinks_refdomains.csv",
            [{"Domain": name, "Domain ascore": "30", "Backlinks": "2"} for name in ("mixed.test", "unknown.test")],
        ),
    ]
    run(db, site_id, paths, tmp_path / "snapshots")
    with db.read() as uow:
        found = {name: (one.competitors, one.follow) for name, one in prospects(uow, site_id).items()}
    # A list of domains says nothing about following, and a lost link followed nobody for us.
    assert found == {
        "mixed.test": (["alpha.example", "beta.example"], "nu"),
        "both.test": (["alpha.example"], "f"),
        "gone.test": (["alpha.example"], "n"),
        "unknown.test": (["beta.example"], "u"),
    }


def test_the_same_file_twice_is_recognised(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    paths = world(tmp_path)
    first, _ = run(db, site_id, paths, tmp_path / "snapshots")
    renamed = paths[1].rename(tmp_path / "download (1).csv")
    second, counts = run(db, site_id, [paths[0], renamed, paths[2]], tmp_path / "snapshots")
    assert [result.again for result in first] == [False] * 3
    assert [result.again for result in second] == [True] * 3
    assert [one.id for result in second for one in result.snapshots] == [
        one.id for result in first for one in result.snapshots
    ]
    assert (counts["added"], counts["updated"]) == (0, 0)
    with db.read() as uow:
        assert len(repository.snapshots(uow.session, site_id)) == 3


def test_a_refresh_keeps_the_stage_and_what_people_changed(db: Database, clock: FixedClock, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    run(db, site_id, world(tmp_path), folder)
    snooze = clock.now() + timedelta(days=9)
    with db.work() as uow:
        both = prospects(uow, site_id)["both.test"]
        both.stage, both.snoozed_until, both.external_id, both.version = Stage.PITCHED, snooze, "crm-7", 4
        both.mention, both.mention_due_at = MentionVerdict.UNLINKED_MENTION, None
    before = clock.now()
    clock.advance(timedelta(days=30))
    newer = exports.ahrefs_backlinks(
        tmp_path / "alpha.example-backlinks-subdomains_2026-06-30_10-00-00.csv",
        [
            link("https://both.test/new", "https://alpha.example/a", Domain_rating="60"),
            link("https://fresh.test/", "https://alpha.example/a"),
            link("https://one.test/", "https://alpha.example/", Is_spam="true"),
        ],
    )
    _, counts = run(db, site_id, [newer], folder)
    assert counts == {"added": 1, "updated": 1, "closed": 1, "removed": 1, "gaps": 2}
    with db.read() as uow:
        found = prospects(uow, site_id)
    both = found["both.test"]
    assert (both.best_page, both.authority, both.known_pages) == (
        "https://both.test/new",
        60.0,
        ["https://both.test/new"],
    )
    assert (both.stage, both.version, both.external_id, both.snoozed_until) == (Stage.PITCHED, 4, "crm-7", snooze)
    assert (both.mention, both.mention_due_at) == (MentionVerdict.UNLINKED_MENTION, None)
    assert both.rank_key == rank_key(
        tier=1,
        mention=both.mention,
        overlap=2,
        competitors=2,
        dofollow=True,
        authority=60.0,
        first_seen=both.first_seen,
        winnability=both.winnability,
    )
    assert (both.created_at, both.updated_at) == (before, clock.now())
    # It is spam now and so no gap; its stage stays, and the reason can be seen.
    assert (found["one.test"].removed_by, found["one.test"].stage) == (["spam"], Stage.PROSPECT)
    assert found["fresh.test"].mention_due_at == clock.now()


def test_an_older_file_that_comes_late_changes_nothing(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    run(db, site_id, world(tmp_path), folder)
    older = exports.ahrefs_backlinks(
        tmp_path / "alpha.example-backlinks-subdomains_2026-01-02_10-00-00.csv",
        [link("https://old.test/", "https://alpha.example/")],
    )
    _, counts = run(db, site_id, [older], folder)
    assert counts == {"added": 0, "updated": 0, "closed": 0, "removed": 0, "gaps": 2}
    with db.read() as uow:
        assert len(repository.snapshots(uow.session, site_id)) == 4
        assert [one.as_of.isoformat() for one in service.newest(uow, site_id) if one.as_of] == [
            "2026-05-01",
            "2026-05-02",
        ]


def test_a_matrix_is_one_file_with_a_snapshot_for_each_known_target(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    matrix = exports.semrush_gap(
        tmp_path / "m.csv",
        ["us.example", "alpha.example", "beta.example", "stranger.example"],
        [("both.test", 60, [0, 1, 2, 9]), ("one.test", 50, [0, 0, 4, 0]), ("linked.test", 1, [3, 1, 0, 0])],
    )
    (result,), counts = run(db, site_id, [matrix], tmp_path / "snapshots")
    assert [(one.role.value, one.target, one.rows_taken) for one in result.snapshots] == [
        ("ours", "us.example", 1), ("competitor", "alpha.example", 2), ("competitor", "beta.example", 2),
    ]  # fmt: skip
    assert any("stranger.example" in note for note in result.snapshots[0].report["notes"])
    assert counts["added"] == 2
    with db.read() as uow:
        found = prospects(uow, site_id)
    assert {domain: (one.tier, one.competitors, one.dofollow) for domain, one in found.items()} == {
        "both.test": (1, ["alpha.example", "beta.example"], None),
        "one.test": (3, ["beta.example"], None),
    }


def test_whose_file_it_is_must_be_known(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    nameless = exports.semrush_refdomains(
        tmp_path / "export.csv", [{"Domain": "a.test", "Domain ascore": "1", "Backlinks": "1"}]
    )
    foreign = exports.ahrefs_backlinks(tmp_path / "f.csv", [link("https://a.test/", "https://stranger.example/")])
    matrix = exports.semrush_gap(tmp_path / "m.csv", ["x.example"], [("a.test", 1, [1])])
    with db.work() as uow:
        for path, options, message in (
            (
                nameless,
                {},
                "say it with --target (our own: us.example, old-us.example; competitors: alpha.example, beta.example)",
            ),
            (nameless, {"target": "stranger.example"}, "which the site does not know"),
            (nameless, {"target": "us.example", "role": "competitor"}, "us.example is our own domain, not competitor"),
            (foreign, {}, "stranger.example, which the site does not know"),
            (matrix, {}, "none of its target columns (x.example)"),
        ):
            with pytest.raises(BadInput) as caught:
                service.import_file(uow, site_id, path, folder=folder, actor="test", **options)
            assert message in caught.value.detail
        made = service.import_file(uow, site_id, nameless, folder=folder, actor="test", target="www.Alpha.example")
        assert (made.snapshots[0].target, made.snapshots[0].role) == ("alpha.example", SnapshotRole.COMPETITOR)
        with (
            pytest.raises(BadInput, match="no export of our own links"),
            service.compute_gap(uow, site_id, folder=folder),
        ):
            pass
    assert not folder.exists() or not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_file_without_a_row_is_used_again_and_a_row_without_a_file_says_so(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder, paths = tmp_path / "snapshots", world(tmp_path)
    with db.work() as uow:
        service.import_file(uow, site_id, paths[1], folder=folder, actor="test")
        uow.session.rollback()
    assert len(list(folder.iterdir())) == 1
    with db.read() as uow:
        assert repository.snapshots(uow.session, site_id) == []
    imported, _ = run(db, site_id, paths, folder)
    assert len(list(folder.glob("*.parquet"))) == 3
    (folder / imported[1].snapshots[0].path).unlink()
    with db.work() as uow, pytest.raises(NotFound, match=r"alpha\.example-backlinks.* again"):
        service.refresh_prospects(uow, site_id, folder=folder)


def test_the_report_in_the_row_names_lines(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
        path = tmp_path / "alpha.csv"
        path.write_bytes(
            b"Referring page URL,Target URL\nhttps://a.test/,https://alpha.example/\nbroken\n,https://alpha.example/\n"
        )
        service.import_file(uow, site_id, path, folder=tmp_path / "snapshots", actor="test")
    with db.read() as uow:
        (one,) = uow.session.execute(select(Snapshot)).scalars()
    assert (one.rows_read, one.rows_taken, one.rows_rejected) == (3, 1, 2)
    assert [(reject["line"], reject["reason"]) for reject in one.report["rejected"]] == [
        (3, "wrong-width"),
        (4, "no-source"),
    ]


def test_many_prospects_in_one_go(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    many = 12_000
    ours = exports.search_console_sites(tmp_path / "us.example-Top linking sites.csv", [("linked.test", 3, 1)])
    rows = [
        {"Domain": f"site-{number}.test", "Domain ascore": str(number % 100), "Backlinks": "1"}
        for number in range(many)
    ]
    alpha = exports.semrush_refdomains(tmp_path / "alpha.example-backlinks_refdomains.csv", rows)
    _, counts = run(db, site_id, [ours, alpha], tmp_path / "snapshots")
    assert counts == {"added": many, "updated": 0, "closed": 0, "removed": 0, "gaps": many}
    with db.work() as uow:
        assert service.refresh_prospects(uow, site_id, folder=tmp_path / "snapshots")["updated"] == 0


def test_the_command(db: Database, database_url: str, tmp_path: Path) -> None:
    with db.work() as uow:
        make_site(uow)
    paths = world(tmp_path)
    environment = {"GAPBRIDGE_DATABASE_URL": database_url, "GAPBRIDGE_DATA_DIR": str(tmp_path / "data")}

    def gapbridge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
        )

    done = gapbridge("gap", "import", "us.example", *paths)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Prospects: 2 added, 0 updated, 0 closed, 0 removed" in done.stdout
    again = json.loads(gapbridge("gap", "import", "us", *paths, "--json").stdout)
    assert [one["again"] for one in again["imported"]] == [True] * 3
    assert again["gap"]["gaps"] == 2
    assert len(list((tmp_path / "data" / "snapshots").glob("*.parquet"))) == 3
    missing = gapbridge("gap", "import", "nobody", *paths)
    assert (missing.returncode, "there is no site 'nobody'; there are: 1 Us" in missing.stderr) == (1, True)
