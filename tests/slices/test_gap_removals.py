"""What leaves the list and why, what can be won, and the closer looks at a finished gap."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.domain.sisters import likeness
from app.domain.winnability import Evidence, judge
from app.errors import BadInput
from app.gaps import closeup, sisters
from app.gaps.analyze import analyze
from app.gaps.words import common_names, seller, winnability_rules
from app.keys import name_of
from tests.support import exports
from tests.support.growth import LINEAR, growth, repeated

link = exports.link
CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "gap_golden.jsonl").read_text(encoding="utf-8").splitlines()
]


def world(tmp_path: Path, rows: Sequence[dict[str, str]]) -> tuple[list[Path], list[tuple[str | None, Path]]]:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    return [ours], [("rival.example", exports.ahrefs_backlinks(tmp_path / "rival.csv", rows))]


def removed(tmp_path: Path, rows: Sequence[dict[str, str]], **options: Any) -> dict[str, str]:
    ours, rivals = world(tmp_path, rows)
    with analyze(ours, rivals, own_domains=["us.example"], **options) as analysis:
        return {row["domain"]: row["removed_by"] for row in analysis.rows() if row["tier"]}


def test_the_golden_set_is_whole() -> None:
    kinds = [case["kind"] for case in CASES]
    assert len(CASES) == 531
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "class": 90,
        "removal": 148,
        "winnability": 222,
        "sister": 30,
        "burst": 41,
    }
    assert all(case["reason"] for case in CASES)
    assert len({json.dumps({**case, "reason": ""}, sort_keys=True) for case in CASES}) == 531


def test_golden_classes(tmp_path: Path) -> None:
    """Each case is a source of its own in one world of three competitors; a class may depend on nothing else."""
    files: dict[str, list[dict[str, str]]] = {name: [] for name in ("us", "a", "b", "c")}
    cases = [case for case in CASES if case["kind"] == "class"]
    for number, case in enumerate(cases):
        for side, links in case["links"].items():
            for at, cells in enumerate(links):
                files[side].append(link(f"https://case{number}.test/{side}/{at}", f"https://{side}.example/", **cells))
    paths = {side: exports.ahrefs_backlinks(tmp_path / f"{side}.csv", rows) for side, rows in files.items()}
    rivals: list[tuple[str | None, Path]] = [(f"{side}.example", paths[side]) for side in "abc"]
    with analyze([paths["us"]], rivals, own_domains=["us.example"]) as analysis:
        found = {row["domain"]: row for row in analysis.rows()}
    wrong = []
    for number, case in enumerate(cases):
        row = found.get(f"case{number}.test", {})
        got = {name: row.get(name) for name in case["expect"]}
        if got != case["expect"]:
            wrong.append((case["reason"], got, case["expect"]))
    assert wrong == []


def test_golden_removals(tmp_path: Path) -> None:
    cases = [case for case in CASES if case["kind"] == "removal"]
    rows = [link(case["page"], "https://rival.example/", **case.get("cells", {})) for case in cases]
    ours, rivals = world(tmp_path, rows)
    with analyze(ours, rivals, own_domains=["us.example"], languages=["en"]) as analysis:
        got = {row["best_page"]: row["removed_by"] for row in analysis.rows() if row["best_page"]}
    wrong = [
        (case["page"], got.get(case["page"]), case["removed_by"])
        for case in cases
        if got.get(case["page"]) != case["removed_by"]
    ]
    assert wrong == []


@pytest.mark.parametrize("seed", ["/threads/a", "/work/a-", "a.", "1"])
def test_a_path_costs_no_square_of_its_length(seed: str) -> None:
    rules = winnability_rules()

    def run(path: str) -> object:
        return judge(Evidence(domain="site.test", page=f"https://site.test/threads/{path}"), rules)

    assert growth(run, repeated(seed), 60_000) < LINEAR


@pytest.mark.parametrize("seed", ["raises ", "raises 1 2 ", "raises $1.1", "1"])
def test_a_text_costs_no_square_of_its_length(seed: str) -> None:
    rules = winnability_rules()
    assert growth(lambda text: judge(Evidence(domain="site.test", left=text), rules), repeated(seed), 60_000) < LINEAR


def test_golden_winnability() -> None:
    wrong = []
    for case in CASES:
        if case["kind"] == "winnability":
            found = judge(Evidence(**case["evidence"]), winnability_rules(), seller())
            got = {"bucket": found.bucket, "rules": sorted(part.rule for part in found.parts)}
            if got != {"bucket": case["bucket"], "rules": sorted(case["rules"])}:
                wrong.append((case["reason"], got, found.score))
    assert wrong == []


def test_golden_sisters() -> None:
    """A name alone proves nothing: what only looks alike is told and stays."""
    wrong = []
    for case in CASES:
        if case["kind"] == "sister":
            known = sisters.houses([case["competitor"]], {case["competitor"]: case.get("listed", [])})
            linked = {case["competitor"]} if case["linked"] else set()
            seen = likeness(case["source"], name_of(case["source"]), linked, known, common_names())
            got = None if seen is None else "sister" if seen.sister else "look-alike"
            if got != case["expect"]:
                wrong.append((case["reason"], seen))
    assert wrong == []


def test_sister_brands_leave_the_list_and_look_alikes_are_told(tmp_path: Path) -> None:
    rows = [link(url, "https://theglobe.com/") for url in ("https://www.theglobe.at/x", "https://house.test/", "https://theglobe.wordpress.com/", "https://a.test/")]  # fmt: skip
    ours = exports.ahrefs_backlinks(tmp_path / "ours.csv", [link("https://theglobe.fr/", "https://us.example/")])
    first = exports.ahrefs_backlinks(
        tmp_path / "globe.csv", [*rows, link("https://theglobe.fr/", "https://theglobe.com/")]
    )
    other = exports.ahrefs_backlinks(tmp_path / "other.csv", [link("https://theglobe.net/", "https://other.example/")])
    files: list[tuple[str | None, Path]] = [("theglobe.com", first), ("other.example", other)]
    options: dict[str, Any] = {"own_domains": ["us.example"], "sisters": [("www.theglobe.com", "house.test")]}

    def found(**more: Any) -> tuple[dict[str, str], Any]:
        with analyze([ours], files, **options, **more) as analysis:
            return {row["domain"]: row["removed_by"] for row in analysis.rows()}, analysis.summary

    table, summary = found()
    assert table == {
        "a.test": "", "theglobe.net": "", "theglobe.wordpress.com": "", "theglobe.at": "sister-brand", "house.test": "sister-brand",
        "theglobe.fr": "",  # it links to us: no gap, so there is nothing to remove
    }  # fmt: skip
    assert summary["removed"] == {"sister-brand": 2}
    assert {one["seen"] for one in summary["removed_examples"]["sister-brand"]} == {
        "the name of theglobe.com, which it links to", "listed with theglobe.com",
    }  # fmt: skip
    assert summary["look_alikes"]["count"] == 2
    assert [one["domain"] for one in summary["look_alikes"]["examples"]] == ["theglobe.net", "theglobe.wordpress.com"]
    assert set(found(keep=["sister-brand"])[0].values()) == {""}
    with pytest.raises(BadInput, match=r"--sister nobody.example=x.test: nobody.example is no competitor here"):
        analyze([ours], files, own_domains=["us.example"], sisters=[("nobody.example", "x.test")]).__enter__()


def test_a_removal_is_reversible_and_says_what_it_saw(tmp_path: Path) -> None:
    rows = [
        link("https://a.test/blogroll/", Language="en"),
        link("https://b.test/x", Language="de"),
        link("https://prweb.com/x"),
        link("https://gone.test/x", Lost="2026-01-01 00:00:00"),
    ]
    # A lost link makes no gap, so it stands in no tier; among the examples it has its place.
    expected = {"a.test": "blogroll", "b.test": "", "prweb.com": "press-release"}
    assert removed(tmp_path, rows) == expected
    assert removed(tmp_path, rows, languages=["en-GB"])["b.test"] == "foreign-language"
    assert removed(tmp_path, rows, keep=["blogroll"])["a.test"] == ""
    with pytest.raises(BadInput, match=r"--keep blogrol: there is no such removal; there are .*blogroll"):
        removed(tmp_path, rows, keep=["blogrol"])
    ours, rivals = world(tmp_path, rows)
    with analyze(ours, rivals, own_domains=["us.example"]) as analysis:
        examples = analysis.summary["removed_examples"]
        assert analysis.summary["removed"].keys() == examples.keys()
        assert analysis.summary["gaps"] == 1
    assert examples["blogroll"] == [{"domain": "a.test", "seen": "path: blogroll"}]
    assert examples["press-release"] == [{"domain": "prweb.com", "seen": "host: prweb.com"}]


def test_a_family_of_link_sellers_leaves_before_tier_1(tmp_path: Path) -> None:
    names = [f"seo-anomaly-{name}.test" for name in ("one", "two", "three", "four", "five")]
    rows = [
        link(f"https://{name}/x") for name in (*names, "seo-news.test", "anomaly1.test", "site1.test", "site2.test")
    ]
    got = removed(tmp_path, rows)
    assert {name for name, rule in got.items() if rule} == set(names)
    assert set(got.values()) == {"", "link-network"}
    assert not any(removed(tmp_path, rows[1:]).values())  # four are no family


def test_copies_of_one_release_are_seen_by_their_words(tmp_path: Path) -> None:
    words = "Rival launches the first thing of its kind"
    rows = [
        link(
            f"https://copy{n}.test/x",
            "https://rival.example/launch",
            Anchor=words,
            First_seen=f"2025-03-0{1 + n % 3} 00:00:00",
        )
        for n in range(10)
    ] + [link("https://other.test/x", "https://rival.example/launch", Anchor="Rival")]
    got = removed(tmp_path, rows)
    assert {rule for name, rule in got.items() if name.startswith("copy")} == {"press-release"}
    assert got["other.test"] == ""
    slow = [{**row, "First seen": f"2025-0{1 + n % 9}-01 00:00:00"} for n, row in enumerate(rows)]
    assert not any(removed(tmp_path, slow).values())
    assert not any(removed(tmp_path, rows[1:]).values())


def test_fails_only_here_and_floors(tmp_path: Path) -> None:
    from app.gaps.summary import Floors

    rows = [
        link("https://low.test/", Domain_rating="10"),
        link("https://both.test/", Domain_rating="10", Domain_traffic="1"),
        link("https://fine.test/", Domain_rating="80"),
        link("https://none.test/", Domain_rating="", Nofollow="true"),
    ]
    ours, rivals = world(tmp_path, rows)
    with analyze(ours, rivals, own_domains=["us.example"]) as analysis:
        assert analysis.summary["filters"]["ahrefs authority >= 50"] == {"passes": 1, "fails": 2, "unknown": 1}
        assert analysis.summary["fails_only"] == {"dofollow": 1, "ahrefs authority >= 50": 1, "traffic >= 1000": 0}
    with analyze(ours, rivals, own_domains=["us.example"], floors=Floors(authority=5, traffic=1)) as analysis:
        assert analysis.summary["fails_only"] == {"dofollow": 1, "ahrefs authority >= 5": 0, "traffic >= 1": 0}


def test_pages_matrix_and_winnability(tmp_path: Path) -> None:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    a = exports.ahrefs_backlinks(
        tmp_path / "a.csv",
        [
            link("https://x.test/low", "https://a.example/", UR="1"),
            link(
                "https://x.test/high",
                "https://a.example/",
                UR="40",
                Anchor="=cmd",
                Referring_page_title="The best tools",
            ),
            link("https://x.test/gone", "https://a.example/", UR="90", Lost="2026-01-01 00:00:00"),
            link("https://ours.test/x", "https://a.example/"),
            link("https://y.test/blogroll", "https://a.example/"),
            link("https://z.test/forum/1", "https://a.example/", UGC="true"),
        ],
    )
    b = exports.ahrefs_backlinks(
        tmp_path / "b.csv",
        [link("https://x.test/high", "https://b.example/", UR="40"), link("https://w.test/", "https://b.example/")],
    )
    with analyze([ours], [("a.example", a), ("b.example", b)], own_domains=["us.example"]) as analysis:
        found = list(closeup.pages(analysis.engine, analysis.links, analysis.competitors))
        assert closeup.overlap_matrix(analysis.engine, analysis.competitors) == [[2, 1], [1, 2]]
        closeup.write_matrix(analysis.engine, analysis.competitors, tmp_path / "matrix.csv")
        assert closeup.write_pages(found, tmp_path / "pages.csv") == 4
        assert closeup.write_winnability(found, tmp_path / "win.jsonl") == 3
    assert [(row["domain"], row["number"], row["page"], row["competitors"]) for row in found][:2] == [
        ("x.test", 1, "https://x.test/high", "a.example|b.example"),
        ("x.test", 2, "https://x.test/low", "a.example"),
    ]
    assert {row["domain"] for row in found} == {"x.test", "z.test", "w.test"}
    assert found[0]["reason"] == "followed, in the content, page rating 40.0, 10 visits a month"
    assert (tmp_path / "matrix.csv").read_text() == "competitor,a.example,b.example\na.example,2,1\nb.example,1,2\n"
    with (tmp_path / "pages.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["anchor"] in ("'=cmd", "")
    scores = {one["domain"]: one for one in map(json.loads, (tmp_path / "win.jsonl").read_text().splitlines())}
    assert scores["z.test"]["bucket"] == "unlikely"
    assert {part["rule"] for part in scores["z.test"]["parts"]} == {"user-generated", "in-content"}


def test_copies_under_a_short_anchor_are_seen_by_their_address(tmp_path: Path) -> None:
    def copy(n: int, end: str, name: str = "copy") -> dict[str, str]:
        seen = f"2025-03-0{1 + n % 3} 00:00:00"
        return link(
            f"https://{name}{n}.test/{2025 + n}/{end}", "https://rival.example/", Anchor="Rival", First_seen=seen
        )

    rows = [copy(n, f"rival-launches-the-first-thing-{n}.html?id={n}") for n in range(10)]
    got = removed(tmp_path, [*rows, copy(1, "our-own-view-of-what-rival-has-launched", "own")])
    assert {rule for name, rule in got.items() if name.startswith("copy")} == {"press-release"}
    assert got["own1.test"] == ""
    assert not any(removed(tmp_path, rows[1:]).values())
    assert not any(removed(tmp_path, [copy(n, "rival") for n in range(12)]).values())  # by which many find it


def test_articles_that_differ_by_a_figure_are_no_copies(tmp_path: Path) -> None:
    def article(n: int, end: str, name: str = "paper") -> dict[str, str]:
        seen = f"2025-03-0{1 + n % 3} 00:00:00"
        return link(f"https://{name}{n}.test/{end}", "https://rival.example/", Anchor="Rival", First_seen=seen)

    rows = [article(n, f"the-{n}-rules-of-book-keeping-for-clubs") for n in range(12)]
    # The figures of a house stand before and behind the title, in whatever way its pages are made.
    ends = ("2025-03-0{n}-{title}", "{n}{n}-{title}.html", "{title}-{n}7.php", "{title}", "{title}.2{n}/")
    title = "rival-raises-12-million-for-its-books"
    copies = [article(n, ends[n % 5].format(n=n, title=title), "copy") for n in range(10)]
    got = removed(tmp_path, [*rows, *copies])
    assert {name for name, rule in got.items() if rule == "press-release"} == {f"copy{n}.test" for n in range(10)}


def test_a_straggler_is_no_copy_and_hides_none(tmp_path: Path) -> None:
    words = "Rival launches a new way to close the books"

    def copy(name: str, seen: str, **cells: str) -> dict[str, str]:
        return link(f"https://{name}.test/x", "https://rival.example/new", Anchor=words, First_seen=seen, **cells)

    rows = [copy(f"copy{n}", f"2026-02-0{1 + n % 4} 08:00:00") for n in range(12)]
    rows += [copy("late", "2026-03-20 08:00:00"), copy("undated", "")]
    # The site has linked for years; the link with these words is as new as the others.
    rows += [copy("old", "2026-02-02 08:00:00", UR="90"), link("https://old.test/about", "https://rival.example/", UR="1", First_seen="2020-01-01 00:00:00")]  # fmt: skip
    # Ten in a month are articles about the same thing.
    rows += [link(f"https://slow{n}.test/x", "https://rival.example/slow", Anchor=f"{words}, slowly", First_seen=f"2026-01-{1 + 3 * n:02d} 00:00:00") for n in range(10)]  # fmt: skip
    got = removed(tmp_path, rows)
    assert {name for name, rule in got.items() if rule == "press-release"} == {
        "old.test",
        *(f"copy{n}.test" for n in range(12)),
    }
    assert (got["late.test"], got["undated.test"]) == ("", "")


def test_a_link_in_the_frame_of_every_page_is_a_blogroll(tmp_path: Path) -> None:
    frame = {"Content": "false", "Links_in_group": "4000"}
    rows = [
        *(link(f"https://frame{n}.test/x", "https://rival.example/", Anchor="Rival", **frame) for n in range(3)),
        link("https://two.test/x", "https://rival.example/", Anchor="Rival", **frame),
        link("https://two.test/y", "https://rival.example/guide", Anchor="their guide", Content="false"),
        # The best link stands in an article: that it is in the frame, too, does no harm.
        link("https://article.test/x", "https://rival.example/", Anchor="Rival", **frame),
        link("https://article.test/y", "https://rival.example/", Anchor="Rival"),
    ]
    got = removed(tmp_path, rows)
    assert got == {f"frame{n}.test": "blogroll" for n in range(3)} | {"two.test": "", "article.test": ""}
    assert not any(removed(tmp_path, rows, keep=["blogroll"]).values())


def test_what_a_tool_says_of_a_page_reaches_the_rules(tmp_path: Path) -> None:
    rows = [
        link("https://board.test/x", "https://rival.example/", Platform="Message boards"),
        link("https://heap.test/x", "https://rival.example/", External_links="1,240"),
        link("https://gone.test/x", "https://rival.example/", Referring_page_HTTP_code="404"),
        link("https://script.test/x", "https://rival.example/", Rendered="true", Raw="false"),
        link("https://plain.test/x", "https://rival.example/"),
    ]
    ours, rivals = world(tmp_path, rows)
    with analyze(ours, rivals, own_domains=["us.example"]) as analysis:
        pages = closeup.pages(analysis.engine, analysis.links, analysis.competitors)
        found = {row["domain"]: {part.rule for part in closeup.winnability(row).parts} for row in pages}
    assert {name: rules - {"in-content"} for name, rules in found.items()} == {
        "gone.test": {"page-gone"}, "script.test": {"by-script"}, "board.test": {"user-generated"}, "heap.test": {"link-list"},
        "plain.test": set(),
    }  # fmt: skip
