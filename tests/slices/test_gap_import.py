"""Exports into snapshots and prospects, on both databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
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
from app.gaps import changes, imports, repository, service
from app.gaps.progress import Watch
from app.models import AuditEvent, Prospect, Snapshot, SnapshotRole
from app.sites import service as sites
from tests.support import exports
from tests.support.gap import compute_gap

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


def counting(db: Database, site_id: int) -> list[Snapshot]:
    with db.read() as uow:
        return service.newest(uow, site_id)


def run(
    db: Database, site_id: int, paths: list[Path], folder: Path, **options: Any
) -> tuple[list[imports.Imported], dict[str, int]]:
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
        percentile=both.authority_percentile,
        first_seen=both.first_seen,
        winnability=both.winnability,
        fit=both.fit,
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
        percentile=both.authority_percentile,
        first_seen=both.first_seen,
        winnability=both.winnability,
        fit=both.fit,
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


def test_a_file_without_a_date_in_its_name_is_dated_by_its_rows(
    db: Database, tmp_path: Path, clock: FixedClock
) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"

    def named(name: str, *rows: tuple[str, str]) -> Path:
        path = tmp_path / name / "alpha.example-backlinks_refdomains.csv"
        path.parent.mkdir()
        cells = [{"Domain": domain, "Domain ascore": "30", "Backlinks": "2", "Last seen": day} for domain, day in rows]
        return exports.semrush_refdomains(path, cells)

    us = exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("x.test", 1, 1)])
    # A day that is still to come is a slip of the tool, and no day of an export.
    new = named("new", ("a.test", "2026-05-19"), ("b.test", "2026-05-20"), ("c.test", "2999-01-01"))
    [_, made], _ = run(db, site_id, [us, new], folder)
    assert str(made.snapshots[0].as_of) == "2026-05-20"
    assert made.snapshots[0].report["as_of"] == "2026-05-20"
    assert "dated by the latest link that its tool has seen, 2026-05-20" in made.snapshots[0].report["notes"][0]
    old = named("old", ("a.test", "2024-01-05"))
    run(db, site_id, [old], folder)
    with db.read() as uow:
        assert [one.id for one in service.newest(uow, site_id)] == [1, 2]
        assert len(changes.refreshes_of(uow, site_id)) == 1
        with compute_gap(uow, site_id, folder=folder) as analysis:
            assert analysis.summary["files"][1]["as_of"] == "2026-05-20"
    # A person knows better, of a new file and of one that is there already.
    run(db, site_id, [old], folder, as_of=date(2026, 5, 30))
    with db.read() as uow:
        assert [one.id for one in service.newest(uow, site_id)] == [1, 3]
    [late], _ = run(db, site_id, [named("late", ("b.test", "2026-05-29"))], folder, as_of=date(2026, 5, 31))
    with db.read() as uow:
        assert [one.id for one in service.newest(uow, site_id)] == [1, late.snapshots[0].id]
    with pytest.raises(BadInput, match="2999-01-01 is still to come"):
        run(db, site_id, [old], folder, as_of=date(2999, 1, 1))


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


def test_a_known_file_brings_what_was_not_taken_from_it(db: Database, tmp_path: Path) -> None:
    """The same bytes may hold a column of a competitor that came later, the links of another target, or be read in another way."""
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    targets = ["us.example", "alpha.example", "gamma.example"]
    matrix = exports.semrush_gap(
        tmp_path / "m_2026-05-01.csv", targets, [("linked.test", 40, [1, 1, 0]), ("g.test", 20, [0, 0, 2])]
    )
    [first], counts = run(db, site_id, [matrix], folder)
    assert ([one.target for one in first.snapshots], counts["gaps"]) == (["us.example", "alpha.example"], 0)
    with db.work() as uow:
        sites.add_competitor(uow, site_id, "gamma.example")
    [second], counts = run(db, site_id, [matrix], folder)
    assert ([one.target for one in second.snapshots], second.again, counts["gaps"]) == (targets, False, 1)
    [third], _ = run(db, site_id, [matrix], folder)
    assert ([one.id for one in third.snapshots], third.again) == ([one.id for one in second.snapshots], True)
    # An empty list of ours has the bytes of an empty list of theirs.
    empty = exports.semrush_refdomains(tmp_path / "beta.example-backlinks_refdomains.csv", [])
    run(db, site_id, [empty], folder)
    [ours], _ = run(db, site_id, [empty], folder, target="old-us.example")
    assert ([one.target for one in ours.snapshots], ours.again) == (["old-us.example"], False)
    assert "the same bytes are imported as the links of beta.example" in ours.snapshots[0].report["notes"][-1]
    # A mapping that was wrong is corrected by the right one; what nobody says anything of stays as it was said.
    table = tmp_path / "beta.csv"
    table.write_text("mine,theirs\nhttps://wrong.test/a,https://right.test/b\n")
    for column, gap in (("mine", "wrong.test"), ("theirs", "right.test")):
        [read], _ = run(db, site_id, [table], folder, target="beta.example", mapping={"source": column})
        assert read.again is False
        with db.read() as uow:
            assert [one.id for one in service.newest(uow, site_id) if one.format == "generic"] == [read.snapshots[0].id]
            with compute_gap(uow, site_id, folder=folder) as analysis:
                assert gap in {row["domain"] for row in analysis.rows()}
                assert not {"wrong.test", "right.test"} - {gap} & {row["domain"] for row in analysis.rows()}
    [same], _ = run(db, site_id, [table], folder)
    assert (same.snapshots[0].id, same.again) == (read.snapshots[0].id, True)
    with db.read() as uow:
        assert len(list(folder.glob("*.parquet"))) == len(
            {one.path for one in repository.snapshots(uow.session, site_id)}
        )


def test_an_import_is_taken_back(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder = tmp_path / "snapshots"
    paths = world(tmp_path)
    run(db, site_id, paths, folder)
    wrong = tmp_path / "list.csv"
    exports.semrush_refdomains(wrong, [{"Domain": "ours.test", "Domain ascore": "30", "Backlinks": "2"}])
    [told], counts = run(db, site_id, [wrong], folder, target="alpha.example")
    assert counts["gaps"] == 3
    [told_right], _ = run(db, site_id, [wrong], folder, target="us.example")
    assert told_right.snapshots[0].target == "us.example"
    removed, not_yet, _counts = service.remove_import(db, told.snapshots[0].id, folder=folder, actor="test")
    assert (removed.filename, not_yet) == ("list.csv", None)
    with db.read() as uow:
        assert len(repository.snapshots(uow.session, site_id)) == 4
        refresh = changes.refreshes_of(uow, site_id)[0]
        # What a list no longer says is no link that was lost.
        assert set(refresh.counts) <= {"closed"}
        shown = uow.session.execute(select(AuditEvent).where(col(AuditEvent.verb) == "snapshot.removed")).scalar_one()
        assert (shown.name, shown.actor) == ("list.csv", "test")
        # The other import of the same bytes still needs the rows.
        assert len(list(folder.glob("*.parquet"))) == 4
        own = [one.id for one in service.newest(uow, site_id) if one.target == "us.example"]
    told_why = [service.remove_import(db, number, folder=folder, actor="test").not_yet for number in own]
    missing = "There is no export of our own links (us.example, old-us.example) yet; import one, from Search Console for example."
    assert told_why == [None, missing]
    assert len(list(folder.glob("*.parquet"))) == 2
    with pytest.raises(NotFound):
        service.remove_import(db, own[0], folder=folder, actor="test")
    [back], _counts = run(db, site_id, [paths[0]], folder)
    assert back.again is False


class _Beside(Watch):
    """Does something when the gap is computed and before it is written."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.acts = [act]

    def compute(self, engine: object, rows: int) -> None: ...

    def read(self, rows: int) -> None: ...

    def taken_back(self, uow: UnitOfWork) -> None: ...

    def last(self) -> None:
        if self.acts:
            self.acts.pop()()


def test_what_is_imported_while_another_import_is_taken_back_counts(db: Database, tmp_path: Path) -> None:
    with db.work() as uow:
        site_id = make_site(uow)
    folder, paths = tmp_path / "snapshots", world(tmp_path)
    imported, _ = run(db, site_id, paths, folder)
    wrong = imported[2].snapshots[0].id
    late = exports.ahrefs_backlinks(
        tmp_path / "alpha.example-backlinks-subdomains_2026-05-03_10-00-00.csv",
        [
            link("https://late.test/", "https://alpha.example/"),
            link("https://both.test/best", "https://alpha.example/a"),
        ],
    )
    beside = _Beside(lambda: run(db, site_id, [late], folder))
    _row, not_yet, counts = service.remove_import(db, wrong, folder=folder, actor="test", watch=beside)
    assert (not_yet, counts["gaps"]) == (None, 2)
    with db.read() as uow:
        found = prospects(uow, site_id)
        assert uow.session.get(Snapshot, wrong) is None
    assert [(name, found[name].gap_state) for name in ("both.test", "late.test")] == [
        ("both.test", None),
        ("late.test", None),
    ]
    assert found["one.test"].gap_state is not None
    # The other way round: a list that is taken back while an import is computed is not counted any more.
    late_id = next(one.id for one in counting(db, site_id) if one.as_of == date(2026, 5, 3))
    service.refresh(
        db,
        site_id,
        folder=folder,
        actor="test",
        watch=_Beside(lambda: service.remove_import(db, late_id, folder=folder, actor="test")),
    )
    with db.read() as uow:
        found = prospects(uow, site_id)
    assert found["late.test"].gap_state is not None
    assert found["one.test"].gap_state is None


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
                "choose it, or give --target (our own: us.example, old-us.example; competitors: alpha.example, beta.example)",
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
            compute_gap(uow, site_id, folder=folder),
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
    with pytest.raises(BadInput, match=r"alpha\.example-backlinks.* again"):
        service.refresh(db, site_id, folder=folder, actor="test")
    # Another import is taken back all the same, and it is said why the gap stays as it is.
    removed, not_yet, _counts = service.remove_import(db, imported[2].snapshots[0].id, folder=folder, actor="test")
    gone = folder / imported[1].snapshots[0].path
    assert not_yet == f"the snapshot file {gone} is gone; import {imported[1].snapshots[0].filename} again"
    with db.read() as uow:
        assert uow.session.get(Snapshot, removed.id) is None


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
    counts, _ = service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")
    assert counts["updated"] == 0


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
