"""Lists that prove no loss by what they lack: tabs and filters, no date, parts of one export; on both databases."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from app.db.work import Database
from app.errors import BadInput
from app.gaps import changes, imports, service
from app.gaps.analyze import analyze
from app.models import Prospect
from app.sites import service as sites
from tests.support import exports

US, RIVAL = "us.example", "alpha.example"


class Desk:
    """A site with a competitor, and what each import of files did to it."""

    def __init__(self, db: Database, tmp_path: Path) -> None:
        self.db, self.files = db, tmp_path
        with db.work() as uow:
            site = sites.create(uow, name="Us", domains=[US], brand_names=["Us"])
            self.site_id = site.id
            sites.add_competitor(uow, site.id, RIVAL)

    def look(self, *paths: Path, days: int = 1) -> dict[str, int]:
        """Import on a later day: the changes that are told."""
        self.db.clock.advance(timedelta(days=days))  # type: ignore[attr-defined]
        _done, self.counts, self.summary = service.import_and_refresh(
            self.db, self.site_id, paths, folder=self.files / "snapshots", actor="test"
        )
        with self.db.read() as uow:
            last = changes.refreshes_of(uow, self.site_id)[0]
            self.held, self.why = last.held_back, last.held_back_why
            return dict(last.counts)

    def closed(self) -> list[str]:
        with self.db.read() as uow:
            found = uow.session.execute(select(Prospect)).scalars()
            return sorted(one.domain for one in found if one.gap_state is not None)

    def matrix(self, ours: Sequence[str], theirs: Sequence[str], day: str = "") -> Path:
        rows = [(name, 20, [int(name in ours), int(name in theirs)]) for name in sorted({*ours, *theirs})]
        return exports.semrush_gap(self.files / f"{US}-backlinks_matrix{day}.csv", [US, RIVAL], rows)

    def domains(self, target: str, names: Iterable[str], suffix: str = "") -> Path:
        rows = [{"Domain": name, "Domain ascore": "20", "Backlinks": "2"} for name in names]
        return exports.semrush_refdomains(self.files / f"{target}-backlinks_refdomains{suffix}.csv", rows)

    def pages(self, target: str, names: Iterable[str], stamp: str, **cells: str) -> Path:
        rows = [exports.link(f"https://{name}/p", f"https://{target}/", **cells) for name in names]
        return exports.ahrefs_backlinks(self.files / f"{target}-backlinks-subdomains_{stamp}.csv", rows)


@pytest.fixture
def desk(db: Database, tmp_path: Path) -> Desk:
    return Desk(db, tmp_path)


def sites_named(count: int, start: int = 0) -> list[str]:
    return [f"d{number}.test" for number in range(start, start + count)]


def test_what_is_to_be_said_of_a_file_is_said_once_however_many_competitors_it_has(desk: Desk) -> None:
    others = ["beta.example", "gamma.example"]
    with desk.db.work() as uow:
        for other in others:
            sites.add_competitor(uow, desk.site_id, other)
    desk.look(exports.semrush_gap(desk.files / "m.csv", [US, RIVAL, *others], [("all.test", 60, [0, 1, 2, 3])]))
    assert [note for note in desk.summary["notes"] if "does not say which tab or filter" in note] == [
        "m.csv does not say which tab or filter it was made from: not seen in it is no proof of no link"
    ]


def test_another_tab_of_a_gap_file_loses_nothing(desk: Desk) -> None:
    everything = sites_named(61)
    desk.look(desk.matrix(ours=everything[:21], theirs=everything[21:]))
    assert desk.look(desk.matrix(ours=[], theirs=everything[50:])) == {}
    assert (desk.held, desk.closed()) == (50, [])
    assert any("does not say which tab or filter it was made from" in why for why in desk.why)
    # Not even with the next list, when nothing is compared with it any more.
    desk.look(desk.domains(RIVAL, everything[21:], "_2026-06-09"))
    assert desk.closed() == []


def test_a_column_of_ours_without_a_link_is_told(desk: Desk) -> None:
    path = desk.matrix(ours=[], theirs=sites_named(3))
    desk.look(path)
    told = f"{path.name}: no row of it links to {US}. Such files often list only what links to others"
    assert [note for note in desk.summary["notes"] if note.startswith(told)]
    with analyze([], [(None, path)], own_domains=[US]) as analysis:
        assert [note for note in analysis.summary["notes"] if note.startswith(told)]
    path = desk.matrix(ours=["o.test"], theirs=sites_named(3))
    with analyze([], [(None, path)], own_domains=[US]) as analysis:
        assert not [note for note in analysis.summary["notes"] if "no row of it links" in note]


def test_a_file_without_any_date_loses_nothing_and_says_so(desk: Desk) -> None:
    theirs = sites_named(51)
    desk.look(desk.domains(US, ["ours.test"], "_2026-06-01"), desk.domains(RIVAL, theirs, "_2026-06-01"))
    old = desk.domains(RIVAL, theirs[:48])  # a few less, so that nothing but its day is in doubt
    assert desk.look(old) == {}
    assert (desk.held, desk.closed()) == (3, [])
    assert desk.why == [f"the list of {RIVAL} has no date, so it may be older than the list before it ({old.name})"]
    assert [note for note in desk.summary["notes"] if f"{old.name} has no date, in its name or in its rows" in note]
    # The doubt stays while the list does.
    desk.look(desk.domains(US, ["ours.test", "more.test"], "_2026-06-05"))
    assert desk.closed() == []
    # Whoever says of which day it is, is believed.
    desk.look(desk.domains(RIVAL, theirs[:47], "_2026-06-20"))
    assert desk.closed() == ["d47.test", "d48.test", "d49.test", "d50.test"]
    assert not [note for note in desk.summary["notes"] if "has no date" in note]


def test_a_file_below_the_lowest_limit_of_its_tool_is_no_whole_list(desk: Desk) -> None:
    ours = sites_named(150)
    theirs = sites_named(3, start=1000)
    desk.look(desk.domains(US, ours, "_2026-06-01"), desk.domains(RIVAL, theirs, "_2026-06-01"))
    assert desk.look(desk.domains(US, ours[:100], "_2026-06-09")) == {}
    assert desk.held == 50
    assert "has 100 rows, a round number" in desk.why[0]
    assert desk.look(desk.domains(US, ours[:75], "_2026-06-12")) == {}
    assert "has 75 rows instead of 100" in desk.why[0]


def test_parts_of_one_export_count_together(desk: Desk) -> None:
    both = ["both.test"]
    followed, others = sites_named(31), sites_named(30, start=100)
    first = desk.pages(RIVAL, [*followed, *both], "2026-06-05_10-00-00")
    second = desk.pages(RIVAL, [*others, *both], "2026-06-05_10-05-00", Nofollow="true")
    desk.look(desk.pages(US, ["ours.test"], "2026-06-05_09-00-00"), first)
    assert desk.look(second) == {"new-gap": 30}
    assert (desk.held, desk.closed()) == (0, [])
    with desk.db.read() as uow:
        rows = {one.domain: one for one in uow.session.execute(select(Prospect)).scalars()}
        snapshots = service.newest(uow, desk.site_id)
        assert service.standing_before(uow, desk.site_id, snapshots) == {}
    assert len(rows) == 62
    # A link that stands in both is one link, as the part says it that came last.
    assert (rows["both.test"].links, rows["both.test"].dofollow) == (1, False)
    assert (rows["d0.test"].dofollow, rows["d100.test"].dofollow) == (True, False)
    assert [note for note in desk.summary["notes"] if f"{first.name}, {second.name} are of one day" in note]
    # Next month the first part comes alone, and then the other.
    assert desk.look(desk.pages(RIVAL, [*both, *followed], "2026-07-02_10-00-00"), days=31) == {}
    assert (desk.held, desk.closed()) == (30, [])


def test_another_part_on_another_day_loses_nothing(desk: Desk) -> None:
    first, second = sites_named(31), sites_named(33, start=100)
    desk.look(desk.pages(US, ["ours.test"], "2026-06-05_09-00-00"), desk.pages(RIVAL, first, "2026-06-05_23-59-00"))
    assert desk.look(desk.pages(RIVAL, second, "2026-06-06_00-05-00")) == {"new-gap": 33}
    assert (desk.held, desk.closed()) == (31, [])
    assert desk.why == [
        f"the list of {RIVAL} has 0 of the 31 sites that the look before has shown, so it may be another part of the links"
    ]
    desk.look(desk.pages(US, ["ours.test", "more.test"], "2026-06-07_09-00-00"))
    assert desk.closed() == []
    # What the tool itself calls lost is in the list.
    desk.look(desk.pages(RIVAL, second, "2026-06-16_00-05-00", Lost="2026-06-10 00:00:00"))
    assert desk.closed() == sorted([*first, *second])


def test_each_list_in_a_file_of_search_console_is_read(desk: Desk) -> None:
    path = desk.files / f"{US}-links-2026-06-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Latest links.csv", "Linking page,Last crawled\nhttps://a.test/1,2026-05-30\n")
        archive.writestr("Top linking sites.csv", "Site,Linking pages,Target pages\na.test,2,1\nonly.test,1,1\n")
    theirs = desk.pages(RIVAL, ["a.test", "only.test", "gap.test"], "2026-06-01_10-00-00")
    desk.look(path, theirs)
    with desk.db.read() as uow:
        assert [one.domain for one in uow.session.execute(select(Prospect)).scalars()] == ["gap.test"]
        lists = {one.format: one.filename for one in service.newest(uow, desk.site_id) if one.target == US}
    assert lists == {
        "search-console-links": path.name,
        "search-console-sites": f"{path.name}: Top linking sites.csv",
    }
    desk.look(path)
    with desk.db.read() as uow:
        assert len(service.newest(uow, desk.site_id)) == 3
    with analyze([path], [(RIVAL, theirs)], own_domains=[US]) as analysis:
        assert (analysis.summary["gaps"], len(analysis.summary["files"])) == (1, 3)


def test_whose_properties_a_tool_shows_is_said_by_its_name(tmp_path: Path) -> None:
    audit = tmp_path / "audit.csv"
    audit.write_text("Source URL,Target URL,Toxic Score\nhttps://a.test/,https://alpha.example/,3\n")
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("o.test", 1, 1)])
    with analyze([ours], [(RIVAL, audit)], own_domains=[US]) as analysis:
        [note] = [one for one in analysis.summary["notes"] if "shows only properties that you own" in one]
    assert note.startswith("audit.csv: Semrush, Backlink Audit shows")


def test_the_lists_of_a_page_are_asked_for_without_their_reports(desk: Desk) -> None:
    paths = [desk.domains(RIVAL, sites_named(3 + n), f"_2026-06-0{n}") for n in range(1, 5)]
    desk.look(desk.domains(US, ["ours.test"], "_2026-06-01"), *paths)
    asked: list[str] = []
    with desk.db.read() as uow:
        found = imports.snapshots(uow, [2, 3, 4, 99])
        event.listen(desk.db.read_engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        newer = service.standing_before(uow, desk.site_id, found)
    assert {number: one.filename for number, one in newer.items()} == dict.fromkeys([2, 3, 4], paths[3].name)
    assert [one for one in asked if "FROM snapshot" in one]
    assert not [one for one in asked if "snapshot.report" in one]


@pytest.mark.parametrize("said", [{}, {"mine.csv": "generic"}, {"ours.csv": "search-console-sites"}])
def test_a_table_of_ones_own_stands_beside_files_of_a_tool(tmp_path: Path, said: dict[str, str]) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("Wer;Wohin\nhttps://a.test/x;https://alpha.example/\n")
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("o.test", 1, 1)])
    formats: dict[Path | None, str] = {tmp_path / name: format for name, format in said.items()}
    mapping = {"source": "Wer", "target_url": "Wohin"}
    with analyze([ours], [(RIVAL, mine)], own_domains=[US], formats=formats, mapping=mapping) as analysis:
        assert [one["format"] for one in analysis.summary["files"]] == ["search-console-sites", "generic"]
        assert analysis.summary["gaps"] == 1
    wrong = {"source": "Niemand"}
    with (
        pytest.raises(BadInput, match="there is no column 'Niemand'"),
        analyze([ours], [(RIVAL, mine)], own_domains=[US], mapping=wrong),
    ):
        pass
