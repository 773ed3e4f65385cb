"""What changed between two looks at a site's data, and which losses the data cannot prove; on both databases."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from app.clock import FixedClock
from app.db.work import Database
from app.domain.said import Sentence
from app.gaps import changes, imports, service
from app.models import ChangeKind
from app.sites import service as sites
from tests.support import exports


class Desk:
    """A site with two competitors; each `look` imports new lists of who links to whom."""

    def __init__(self, db: Database, tmp_path: Path) -> None:
        self.db, self.folder, self.files = db, tmp_path / "snapshots", tmp_path
        self.days = (f"2026-{month:02}-{day:02}" for month, day in itertools.product(range(5, 12), (1, 15)))
        with db.work() as uow:
            site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
            self.site_id = site.id
            for rival in ("alpha.example", "beta.example"):
                sites.add_competitor(uow, site.id, rival)

    def export(
        self,
        target: str,
        domains: Iterable[str],
        day: str,
        lost: Iterable[str] = (),
        *,
        scope: str = "-refdomains-subdomains",
    ) -> Path:
        place = self.files / f"{target}{scope}_{day}_10-00-00.csv"
        with place.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Domain", "DR", "Links to target", "Lost"])
            writer.writerows([domain, 40, 3, ""] for domain in domains)
            writer.writerows([domain, 40, 0, "2026-04-01"] for domain in lost)
        return place

    def look(self, day: str | None = None, *, lost: Iterable[str] = (), **links: Iterable[str]) -> dict[str, set[str]]:
        day = day or next(self.days)
        paths = [
            self.export(f"{name}.example", domains, day, lost if name != "us" else ())
            for name, domains in links.items()
        ]
        service.import_and_refresh(self.db, self.site_id, paths, folder=self.folder, actor="test")
        return self.last()

    def last(self) -> dict[str, set[str]]:
        with self.db.read() as uow:
            newest = changes.refreshes_of(uow, self.site_id)[0]
            found = [one for one in changes.changes_of(uow, self.site_id, limit=10_000) if one.refresh_id == newest.id]
            grouped: dict[str, set[str]] = {}
            for one in found:
                grouped.setdefault(one.kind.value, set()).add(one.domain)
            assert {kind: len(domains) for kind, domains in grouped.items()} == newest.counts
            self.held, self.why = newest.held_back, newest.held_back_why
        return grouped


@pytest.fixture
def desk(db: Database, tmp_path: Path) -> Desk:
    return Desk(db, tmp_path)


def test_each_kind_of_change_is_told_once(desk: Desk) -> None:
    first = desk.look(
        us=["ours.test", "turns.test", "fades.test"],
        alpha=["stays.test", "grows.test", "wins.test", "ends.test", "told.test", "turns.test"],
        beta=["stays.test"],
    )
    assert first == {}
    second = desk.look(
        us=["ours.test", "wins.test"],
        alpha=["stays.test", "grows.test", "wins.test", "turns.test", "new.test"],
        beta=["stays.test", "grows.test"],
        lost=["told.test"],
    )
    assert second == {
        "new-gap": {"new.test"},
        "stronger": {"grows.test"},
        "closed": {"wins.test"},
        "gone": {"ends.test", "told.test"},
        "lost-ground": {"turns.test"},
        "lost-link": {"fades.test"},
    }
    assert desk.held == 0
    with desk.db.read() as uow:
        [one] = changes.changes_of(uow, desk.site_id, kind=ChangeKind.STRONGER)
    assert (one.before["overlap"], one.after["overlap"], one.tier) == (1, 2, 1)
    # A link that the tool has called lost and sees again is a gap again, and told like any other.
    third = desk.look(
        us=["ours.test", "wins.test"],
        alpha=["stays.test", "grows.test", "wins.test", "turns.test", "new.test", "told.test"],
        beta=["stays.test", "grows.test"],
    )
    assert third == {"new-gap": {"told.test"}}


def test_the_same_files_and_older_ones_change_nothing(desk: Desk) -> None:
    lists = {"us": ["ours.test"], "alpha": ["a.test", "b.test"], "beta": ["a.test"]}
    desk.look("2026-06-01", **lists)
    desk.look("2026-06-01", **lists)
    desk.look("2026-05-01", us=[], alpha=["a.test"], beta=["c.test"])
    with desk.db.read() as uow:
        assert len(changes.refreshes_of(uow, desk.site_id)) == 1
        assert changes.changes_of(uow, desk.site_id) == []


def test_lists_are_compared_once_while_others_can_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.look(us=["ours.test"], alpha=["stays.test", "new.test"], beta=["stays.test"])
    common, looks = changes._common, []

    def looking(*given: Any) -> Any:
        # Within the transaction of the computation this would wait for its end.
        with desk.db.work() as uow:
            sites.get(uow, desk.site_id).name = f"Us {len(looks)}"
        looks.append(given)
        return common(*given)

    monkeypatch.setattr(changes, "_common", looking)
    assert desk.look(us=["ours.test"], alpha=["stays.test"], beta=["stays.test", "more.test"])["new-gap"] == {
        "more.test"
    }
    assert len(looks) == 1
    # Where another computation was recorded meanwhile, it is that one which counts.
    monkeypatch.setattr(changes, "is_last", lambda *_: False)
    monkeypatch.setattr(changes, "_common", lambda *given: (looks.append(given), common(*given))[1])
    desk.look(us=["ours.test"], alpha=["stays.test"], beta=["stays.test"])
    assert len(looks) == 3


def test_a_list_that_is_cut_or_gone_invents_no_loss(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.look(us=["ours.test", "turns.test"], alpha=["a.test", "b.test", "turns.test"], beta=["a.test", "c.test"])
    with desk.db.work() as uow:
        for one in service.newest(uow, desk.site_id):
            assert not one.capped
    original = imports.store

    def capped(*args: object, **kwargs: object) -> imports.Imported:
        done = original(*args, **kwargs)  # type: ignore[arg-type]
        for one in done.snapshots:
            one.capped = one.target in ("us.example", "alpha.example")
        return done

    monkeypatch.setattr(imports, "store", capped)
    # b.test and turns.test are missing from cut lists, c.test from a whole one; new.test is there for all to see.
    found = desk.look(us=["ours.test"], alpha=["a.test", "new.test", "turns.test"], beta=["a.test"])
    assert found == {"new-gap": {"new.test"}, "gone": {"c.test"}}
    assert desk.held == 2
    assert desk.why == [
        "the list of alpha.example is cut at its tool's limit (alpha.example-refdomains-subdomains_2026-05-15_10-00-00.csv)",
        "the list of us.example is cut at its tool's limit (us.example-refdomains-subdomains_2026-05-15_10-00-00.csv)",
    ]
    assert all(isinstance(one, Sentence) for one in desk.why), "a page says it in its reader's language"


def test_a_list_whose_limit_is_not_known_is_doubted_where_it_looks_cut(desk: Desk) -> None:
    whole = [f"d{n}.test" for n in range(1_500)]
    desk.look(us=["ours.test"], alpha=whole, beta=["c.test", "d1400.test"])
    with desk.db.read() as uow:
        assert {one.capped for one in service.newest(uow, desk.site_id)} == {None}
    # Nobody has published where this tool ends an export, and a thousand rows are where tools do.
    assert desk.look(us=["ours.test"], alpha=whole[:1_000], beta=["d1400.test"]) == {"gone": {"c.test"}}
    assert desk.held == 499
    assert desk.why == [
        "the list of alpha.example has 1,000 rows, a round number at which it may be cut"
        " (alpha.example-refdomains-subdomains_2026-05-15_10-00-00.csv)"
    ]
    assert desk.look(us=["ours.test"], alpha=whole[:611], beta=["d1400.test"]) == {}
    assert desk.held == 389
    assert "has 611 rows instead of 1,000, so it may be cut or filtered" in desk.why[0]
    # What shrinks as lists do is believed.
    assert desk.look(us=["ours.test"], alpha=whole[:609], beta=["d1400.test"]) == {"gone": {"d609.test", "d610.test"}}
    assert desk.held == 0


@pytest.mark.parametrize(
    "scope",
    [
        "-refdomains-exact",
        "-refdomains-domain",
        "-refdomains-subdomains-dofollow",
        "-blog-refdomains-subdomains",
        "-refdomains",
    ],
)
def test_a_list_of_another_scope_invents_no_loss(desk: Desk, scope: str) -> None:
    whole = [f"d{n}.test" for n in range(43)]
    desk.look("2026-05-01", us=whole, alpha=["a.test"])

    def look(day: str, domains: Iterable[str], scope: str = "-refdomains-subdomains") -> dict[str, set[str]]:
        us = desk.export("us.example", domains, day, scope=scope)
        service.import_and_refresh(desk.db, desk.site_id, [us], folder=desk.folder, actor="test")
        return desk.last()

    assert look("2026-06-01", whole[:40], scope) == {}
    assert (desk.held, len(desk.why)) == (3, 1)
    assert desk.why[0].startswith("the list of us.example may be of another scope than the list before it")
    # Nor does the way back, and two lists of one scope are believed again.
    assert look("2026-07-01", whole[:38]) == {}
    assert look("2026-08-01", whole[:36]) == {"lost-link": {"d36.test", "d37.test"}}
    assert look("2026-09-01", whole[:31]) == {"lost-link": {f"d{n}.test" for n in range(31, 36)}}
    assert look("2026-10-01", whole[:26]) == {}


def test_a_sample_proves_no_loss_and_a_whole_list_does_beside_it(desk: Desk) -> None:
    def console(day: str, sites: Iterable[str]) -> Path:
        rows = [(f"https://{name}/", day) for name in sites]
        return exports.search_console_links(desk.files / f"us.example-Latest links-{day}.csv", rows)

    def graph(day: str, sites: Iterable[str]) -> Path:
        place = desk.files / f"alpha.example-refdomains-web-graph_{day}.csv"
        lines = [f"{name},,{n},{n},5" for n, name in enumerate(sites, 1)]
        place.write_text("\n".join(["Linking domain,authority,Harmonic position,n,Hosts", *lines]) + "\n")
        return place

    def look(*paths: Path) -> dict[str, set[str]]:
        service.import_and_refresh(desk.db, desk.site_id, paths, folder=desk.folder, actor="test")
        return desk.last()

    look(console("2026-05-01", ["ours.test", "unlucky.test", "both.test"]), graph("2026-05-01", ["a.test", "b.test"]))
    assert look(console("2026-06-01", ["ours.test"]), graph("2026-06-01", ["b.test"])) == {}
    assert desk.held == 3
    assert desk.why == [
        "the list of alpha.example shows a sample of the links only (alpha.example-refdomains-web-graph_2026-06-01.csv)",
        "the list of us.example shows a sample of the links only (us.example-Latest links-2026-06-01.csv)",
    ]
    # Beside a sample, a whole list proves what it had itself.
    us = desk.export("us.example", ["ours.test", "told.test"], "2026-07-01")
    look(us, console("2026-07-01", ["ours.test", "unlucky.test"]))
    us = desk.export("us.example", ["ours.test"], "2026-08-01")
    assert look(us, console("2026-08-01", ["ours.test"])) == {"lost-link": {"told.test"}}
    assert desk.held == 1


def test_a_competitor_that_is_taken_off_has_not_lost_its_links(desk: Desk) -> None:
    desk.look(us=["ours.test"], alpha=["a.test"], beta=["a.test", "b.test"])
    with desk.db.work() as uow:
        beta = next(one for one in sites.competitors(uow, desk.site_id) if one.domain == "beta.example")
        sites.remove_competitor(uow, desk.site_id, beta.id)
    assert desk.look(us=["ours.test"], alpha=["a.test", "new.test"]) == {"new-gap": {"new.test"}}
    assert desk.held == 1


def test_changes_are_those_of_a_slow_reference(desk: Desk, clock: FixedClock) -> None:
    rng = random.Random(3)
    domains = [f"d{n}.test" for n in range(40)]

    def lists() -> dict[str, set[str]]:
        # Nobody may be without any link: a list without rows is a list without data.
        return {
            # And no list may shrink so that it looks cut.
            name: {*rng.sample(domains, rng.randint(20, 24)), f"{name}-only.test"}
            for name in ("us", "alpha", "beta")
        }

    before = lists()
    desk.look(**before)
    for _ in range(4):
        after = lists()
        found = desk.look(**after)
        expected: dict[str, set[str]] = {}
        for domain in {*domains, "us-only.test", "alpha-only.test", "beta-only.test"}:
            (was_us, *was), (is_us, *now) = ([domain in one[name] for name in one] for one in (before, after))
            was_gap, is_gap = not was_us and any(was), not is_us and any(now)
            kind = None
            if was_gap and is_us:
                kind = "closed"
            elif was_us and not is_us:
                kind = "lost-ground" if any(now) else "lost-link"
            elif is_gap and not was_us and not any(was):
                kind = "new-gap"
            elif is_gap and was_gap and sum(now) > sum(was):
                kind = "stronger"
            elif was_gap and not is_us and not any(now):
                kind = "gone"
            if kind:
                expected.setdefault(kind, set()).add(domain)
        assert found == expected
        before = after
    assert len(list((desk.folder / "states").iterdir())) == 2
