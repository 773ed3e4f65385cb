"""The gap from real formats: a golden world by hand, and any world against a slow reference that shares no code with it."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from app.cells import FORMULA_START
from app.domain import gap as rules
from app.errors import BadInput, Unavailable
from app.gaps import tables
from app.gaps.analyze import analyze
from app.gaps.engine import Engine
from app.gaps.export import write_gap
from app.gaps.keying import ask, keyed, load_suffixes, resolved
from app.gaps.tables import GAP_COLUMNS
from app.keys import registrable_domain, site_key
from tests.support import exports
from tests.support.ratings import percentile

link = exports.link


def gap_of(
    ours: Sequence[Path], competitors: Sequence[tuple[str | None, Path]], **options: Any
) -> tuple[dict[str, dict[str, Any]], Any]:
    with analyze(ours, competitors, **options) as analysis:
        rows = list(analysis.rows())
        assert [row["domain"] for row in rows] == list(dict.fromkeys(row["domain"] for row in rows))
        return {row["domain"]: row for row in rows}, analysis.summary


def test_the_golden_world(tmp_path: Path) -> None:
    ours = exports.ahrefs_backlinks(
        tmp_path / "ours.csv",
        [
            link("https://shared.test/1", "https://us.example/"),
            link("https://weak.test/1", "https://us.example/", Nofollow="true"),
            link("https://only-ours.test/1", "https://us.example/"),
            link("https://was-ours.test/1", "https://us.example/", Lost="2026-01-01 00:00:00"),
        ],
    )
    alpha = exports.ahrefs_backlinks(
        tmp_path / "alpha.csv",
        [
            link("https://www.all.test/plain", "https://alpha.example/a", Anchor="low", UR="3"),
            link("https://news.all.test/best", "https://alpha.example/b", Anchor="high", UR="30", First_seen="2024-05-06 00:00:00"),
            link("https://all.test/nofollow", "https://alpha.example/c", Anchor="no", UR="99", Nofollow="true"),
            link("https://two.test/", "https://alpha.example/", Domain_rating="90", Domain_traffic="90000"),
            link("https://one.test/", "https://alpha.example/", Nofollow="true"),
            link("https://gone.test/", "https://alpha.example/", Drop_reason="nxdomain"),
            link("https://spam.test/", "https://alpha.example/", Is_spam="true"),
            link("https://shop.us.example/", "https://alpha.example/"),
            link("https://beta.example/", "https://alpha.example/"),
            link("https://shared.test/2", "https://alpha.example/"),
            link("https://weak.test/2", "https://alpha.example/"),
            link("https://was-ours.test/2", "https://alpha.example/"),
            link("https://only-ours.test/2", "https://alpha.example/", Lost="2026-01-01 00:00:00"),
        ],
    )  # fmt: skip
    beta = exports.ahrefs_backlinks(
        tmp_path / "beta.csv",
        [
            link("https://all.test/x", "https://beta.example/", UR="1"),
            link("https://two.test/y", "https://beta.example/"),
            link("https://shared.test/3", "https://beta.example/"),
        ],
    )
    gamma = exports.semrush_refdomains(
        tmp_path / "gamma.csv", [{"Domain": "all.test", "Domain ascore": "77", "Backlinks": "5"}, {"Domain": "ungraded.test", "Domain ascore": "12", "Backlinks": "2"}]
    )  # fmt: skip
    files: list[tuple[str | None, Path]] = [("alpha.example", alpha), ("beta.example", beta), ("gamma.example", gamma)]
    rows, summary = gap_of([ours], files, own_domains=["us.example"])

    assert rows["all.test"] == {
        "domain": "all.test", "class": "best", "tier": 1, "overlap": 3, "competitors": "alpha.example|beta.example|gamma.example",
        "links": 9, "dofollow": True, "links_to_us": 0, "best_page": "https://news.all.test/best", "target": "https://alpha.example/b",
        "anchor": "high", "authority": 40.0, "authority_provider": "ahrefs", "traffic": 5000, "language": "en",
        "first_seen": rows["all.test"]["first_seen"], "score": rows["all.test"]["score"], "removed_by": "", "authority_percentile": 45.5,
    }  # fmt: skip
    assert rows["all.test"]["first_seen"].isoformat() == "2024-05-06"
    assert (rows["two.test"]["class"], rows["two.test"]["tier"], rows["two.test"]["overlap"]) == ("missing", 2, 2)
    assert (rows["one.test"]["tier"], rows["one.test"]["dofollow"], rows["one.test"]["links"]) == (3, False, 1)
    ungraded = rows["ungraded.test"]
    assert (ungraded["dofollow"], ungraded["traffic"], ungraded["best_page"], ungraded["language"]) == (
        None,
        None,
        None,
        None,
    )
    assert (ungraded["authority"], ungraded["authority_provider"], ungraded["links"]) == (12.0, "semrush", 2)
    assert rows["was-ours.test"]["class"] == "missing"  # our link there is lost, so it is a gap again
    assert {name: rows[f"{name}.test"]["class"] for name in ("shared", "weak", "only-ours")} == {
        "shared": "shared", "weak": "weak", "only-ours": "ours",
    }  # fmt: skip
    assert [rows[f"{name}.test"]["tier"] for name in ("shared", "weak", "only-ours")] == [None] * 3
    assert {domain: row["removed_by"] for domain, row in rows.items() if row["removed_by"]} == {
        "gone.test": "lost", "spam.test": "spam", "us.example": "own-domain", "beta.example": "competitor",
    }  # fmt: skip
    gone = rows["gone.test"]
    assert (gone["class"], gone["overlap"], gone["competitors"], gone["best_page"]) == (
        None,
        0,
        "",
        "https://gone.test/",
    )
    # Tier first whatever the authority, then what links to us, then what was removed.
    assert list(rows)[:2] == ["all.test", "two.test"]
    order = [(row["removed_by"] != "", row["tier"] or 9) for row in rows.values()]
    assert order == sorted(order)
    assert summary["gaps"] == 5
    assert summary["tiers"] == {"1": 1, "2": 1, "3": 3}
    assert summary["removed"] == {"competitor": 1, "lost": 1, "own-domain": 1, "spam": 1}
    assert [one["source_domains"] for one in summary["competitors"]] == [9, 3, 2]
    assert summary["filters"]["dofollow"] == {"passes": 3, "fails": 1, "unknown": 1}
    assert summary["filters"]["ahrefs authority >= 50"] == {"passes": 1, "fails": 3, "unknown": 1}
    assert summary["filters"]["traffic >= 1000"] == {"passes": 4, "fails": 0, "unknown": 1}


def test_a_semrush_gap_file_given_once(tmp_path: Path) -> None:
    matrix = exports.semrush_gap(
        tmp_path / "m.csv",
        ["us.example", "a.example", "b.example", "empty.example"],
        [
            ("both.test", 60, [0, 1, 2, 0]),
            ("one.test", 50, [0, 0, 4, 0]),
            ("ours.test", 1, [3, 0, 0, 0]),
            ("a.example", 9, [0, 0, 1, 0]),
        ],
    )
    with pytest.raises(
        BadInput, match=r"which target column is ours.*us\.example, a\.example, b\.example, empty\.example"
    ):
        gap_of([matrix], [])
    for ours, files in (([matrix], []), ([], [(None, matrix)])):
        rows, summary = gap_of(ours, files, own_domains=["www.us.example"])
        assert {domain: (row["class"], row["tier"], row["removed_by"]) for domain, row in rows.items()} == {
            "both.test": ("best", 1, ""),
            "one.test": ("missing", 3, ""),
            "ours.test": ("ours", None, ""),
            "a.example": ("missing", 3, "competitor"),
        }
        # A target without data does not empty tier 1; it is said.
        assert summary["competitors_with_data"] == 2
        assert any("empty.example has no live link" in note for note in summary["notes"])
        assert rows["both.test"]["dofollow"] is None
    rows, summary = gap_of([matrix], [("b.example", matrix)], own_domains=["us.example"])
    assert rows["both.test"]["competitors"] == "b.example|a.example"  # in the order in which they were named
    with pytest.raises(BadInput, match=r"no column for c\.example"):
        gap_of([], [("c.example", matrix)], own_domains=["us.example"])


def test_only_the_asked_columns_of_a_gap_file(tmp_path: Path) -> None:
    matrix = exports.semrush_gap(
        tmp_path / "m.csv", ["us.example", "a.example", "b.example"], [("x.test", 1, [0, 1, 1])]
    )
    ours = exports.search_console_sites(tmp_path / "gsc.csv", [("ours.test", 1, 1)])
    rows, summary = gap_of([ours], [("a.example", matrix)], own_domains=["us.example"])
    assert rows["x.test"]["competitors"] == "a.example"
    assert any("b.example were not asked for" in note for note in summary["notes"])
    assert rows["ours.test"]["class"] == "ours"


def test_several_files_for_one_target_count_a_link_once(tmp_path: Path) -> None:
    ours = exports.search_console_links(tmp_path / "ours.csv", [("https://ours.test/1", "2026-01-01")])
    both = link("https://a.test/1", "https://rival.example/")
    first = exports.ahrefs_backlinks(tmp_path / "1.csv", [both, link("https://a.test/2", "https://rival.example/")])
    second = exports.ahrefs_backlinks(tmp_path / "2.csv", [both, link("https://a.test/3", "https://rival.example/")])
    domains = exports.ahrefs_refdomains(tmp_path / "3.csv", [{"Domain": "a.test", "DR": "5", "Links to target": "2"}])
    rows, summary = gap_of([ours], [("rival.example", path) for path in (first, second, domains)])
    assert rows["a.test"]["links"] == 3
    assert [one["reasons"] for one in summary["files"]] == [{}, {}, {"duplicate": 1}, {}]
    assert [one["rows_taken"] for one in summary["files"]] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("competitors", "own", "message"),
    [
        ([], ["us.example"], "There is no competitor"),
        ([("rival.example", "rival.csv")], None, "no file with our own links"),
        ([(None, "rival.csv")], ["us.example"], "--competitor DOMAIN="),
        ([("not a domain", "rival.csv")], ["us.example"], "no domain name"),
        ([("us.example", "rival.csv")], ["us.example"], "both as our own domain and as a competitor"),
        ([(f"c{number}.example", "rival.csv") for number in range(11)], ["us.example"], "at most 10"),
    ],
)
def test_what_has_to_be_said_is_asked_for(
    tmp_path: Path, competitors: list[tuple[str | None, str]], own: list[str] | None, message: str
) -> None:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    exports.ahrefs_refdomains(tmp_path / "rival.csv", [{"Domain": "a.test", "DR": "5", "Links to target": "2"}])
    with pytest.raises(BadInput) as caught:
        gap_of([ours] if own else [], [(name, tmp_path / file) for name, file in competitors], own_domains=own or [])
    assert message in caught.value.detail


def test_notes_say_what_may_mislead(tmp_path: Path) -> None:
    ours = exports.ahrefs_backlinks(
        tmp_path / "ours_2026-01-01.csv", [link("https://x.test/", "https://www.us.example/a")] * 3
    )
    swapped = exports.ahrefs_backlinks(
        tmp_path / "rival_2026-06-01.csv", [link("https://y.test/", "https://other.example/")] * 3
    )
    _, summary = gap_of([ours], [("rival.example", swapped)])
    notes = "\n".join(summary["notes"])
    assert "our own domain is us.example" in notes
    assert "most links go to other.example, not to rival.example" in notes
    assert "links that came or went in between look like gaps" in notes
    assert "only one competitor has data" in notes
    capped = exports.search_console_sites(tmp_path / "gsc.csv", [(f"s{number}.test", 1, 1) for number in range(1000)])
    _, summary = gap_of([capped], [("rival.example", swapped), ("mine.example", capped)])
    assert any("no proof of no link" in note for note in summary["notes"])
    few = exports.search_console_sites(tmp_path / "few.csv", [("s.test", 1, 1)])
    _, summary = gap_of([few], [("rival.example", swapped)])
    assert [
        note for note in summary["notes"] if "few.csv shows a sample of our links: not seen in it is no proof" in note
    ]
    undated = exports.semrush_refdomains(
        tmp_path / "undated.csv",
        [{"Domain": "y.test", "Domain ascore": "3", "Backlinks": "2", "Last seen": "2026-05-20"}],
    )
    _, summary = gap_of([ours], [("rival.example", undated)])
    assert any("from 2026-01-01 to 2026-05-20" in note for note in summary["notes"])
    round_one = exports.ahrefs_backlinks(
        tmp_path / "rival_2026-01-01.csv", [link(f"https://s{n}.test/", "https://rival.example/") for n in range(100)]
    )
    _, summary = gap_of([ours], [("rival.example", round_one)])
    assert [
        note for note in summary["notes"] if "has 100 rows, a round number, and its tool's limit is not known" in note
    ]


def test_tenants_are_people_and_the_level_above_is_reported(tmp_path: Path) -> None:
    ours = exports.search_console_links(tmp_path / "ours.csv", [("https://medium.com/@one/x", "2026-01-01"), ("https://a.wordpress.com/", "2026-01-01"), ("https://news.example.org/", "2026-01-01")])  # fmt: skip
    rival = exports.ahrefs_backlinks(
        tmp_path / "rival.csv",
        [link(url, "https://rival.example/") for url in ("https://medium.com/@two/y", "https://b.wordpress.com/", "https://blog.example.org/", "https://c.github.io/", "http://bücher.test:8080/x", "https://xn--bcher-kva.test/")],
    )  # fmt: skip
    rows, summary = gap_of([ours], [("rival.example", rival)], own_domains=["us.example"])
    assert {domain for domain, row in rows.items() if row["tier"]} == {
        "medium.com/@two",
        "b.wordpress.com",
        "c.github.io",
        "xn--bcher-kva.test",
    }
    assert rows["example.org"]["class"] == "shared"
    assert rows["xn--bcher-kva.test"]["links"] == 2
    assert summary["linked_one_level_up"]["count"] == 2
    assert sorted(summary["linked_one_level_up"]["examples"]) == ["b.wordpress.com", "medium.com/@two"]


hosts = st.from_regex(r"\A[a-z0-9_-]{1,5}(\.[a-z0-9_-]{1,5}){0,3}\Z") | st.builds(
    lambda name, suffix: f"{name}.{suffix}",
    st.from_regex(r"\A[a-z0-9]{1,4}(\.[a-z0-9]{1,4})?\Z"),
    st.sampled_from(["com", "co.uk", "github.io", "wordpress.com", "blogspot.de", "blogspot.com", "ck", "www.ck", "kawasaki.jp", "city.kawasaki.jp", "uk", "test", "1"]),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(hosts, min_size=1, max_size=40))
@example(
    [
        "a.nh-serv.co.uk",
        "nh-serv.co.uk",
        "a.b.co.uk",
        "a.s3.amazonaws.com",
        "b.amazonaws.com",
        "a.blogspot.co.uk",
        "m.co.uk",
    ]
)
def test_the_engine_keys_hosts_as_the_list_does(names: list[str]) -> None:
    with Engine() as engine:
        load_suffixes(engine)
        engine.run(f"CREATE TABLE named AS SELECT * FROM {keyed('SELECT unnest(?) AS site')}", [names])
        ask(engine, "named")
        found = dict(engine.run(f"SELECT site, key FROM {resolved(engine, 'named')}"))
        assert found == {name: registrable_domain(name) for name in names}


# --- any world against a slow reference ---------------------------------------------------------------------------------

SITES = [
    "a.test",
    "www.a.test",
    "b.test",
    "news.b.test",
    "c.co.uk",
    "d.github.io",
    "x.wordpress.com",
    "rival0.example",
    "us.example",
]
worlds = st.lists(
    st.tuples(
        st.integers(0, 3),  # side: 0 is us
        st.sampled_from(SITES),
        st.integers(0, 2),  # page
        st.sampled_from(["true", "false", ""]),  # nofollow
        st.sampled_from(["true", "false", ""]),  # content
        st.sampled_from(["", "", "2026-01-01 00:00:00"]),  # lost
        st.sampled_from(["true", "false", "false", "false", ""]),  # spam
        st.sampled_from(["", "0.5", "30", "99"]),  # domain rating
        st.sampled_from(["", "0", "7", "7", "60"]),  # UR
        st.sampled_from(["", "10", "5000"]),  # traffic
        st.sampled_from(["", "2025-01-01 00:00:00", "2024-01-01 00:00:00"]),
    ),
    max_size=40,
)


def known(values: list[bool | None]) -> bool | None:
    """True if one is, false if all are known to be not, else unknown; None for no link as well."""
    if True in values:
        return True
    return None if not values or None in values else False


def reference(world: list[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    """The gap by plain loops over the rows; written from the documentation, not from the engine."""
    keyed = defaultdict(list)
    for side, host, page, nofollow, content, lost, spam, rating, ur, traffic, seen in world:
        flag = {"true": True, "false": False, "": None}
        keyed[registrable_domain(host)].append({
            "side": side, "url": f"https://{host}/{page}", "followed": None if flag[nofollow] is None else not flag[nofollow],
            "content": flag[content], "lost": bool(lost), "spam": flag[spam], "rating": float(rating) if rating else None,
            "ur": float(ur) if ur else -1, "traffic": int(traffic) if traffic else None, "seen": seen[:10] or None,
        })  # fmt: skip
    with_data = {link["side"] for links in keyed.values() for link in links if link["side"] and not link["lost"]}
    table = {}
    for key, links in keyed.items():
        live = [one for one in links if not one["lost"]]
        ours = [one for one in live if one["side"] == 0]
        theirs = {side: [one for one in live if one["side"] == side] for side in (1, 2, 3)}
        theirs = {side: found for side, found in theirs.items() if found}
        if not ours and not any(one["side"] for one in links):
            continue

        def strength(found: list[dict[str, Any]]) -> rules.Strength:
            return rules.Strength(
                known([one["followed"] for one in found]), known([one["content"] for one in found]), len(found)
            )

        better = bool(ours) and any(rules.is_better(strength(found), strength(ours)) for found in theirs.values())
        flat = [one for found in theirs.values() for one in found]
        evidence = flat or [one for one in links if one["side"]]
        order = {True: 0, None: 1, False: 2}
        best = min(
            evidence,
            key=lambda one: (order[one["followed"]], order[one["content"]], -one["ur"], one["url"]),
            default=None,
        )
        follows = [known([one["followed"] for one in found]) for found in theirs.values()]
        ratings = [one["rating"] for one in links if one["rating"] is not None]
        traffics = [one["traffic"] for one in links if one["traffic"] is not None]
        removed = [
            name
            for name, yes in (
                ("own-domain", key == "us.example"),
                ("competitor", key == "rival0.example"),
                ("spam", any(one["spam"] for one in links)),
                ("lost", not ours and not theirs),
            )
            if yes
        ]
        kind = rules.classify(len(ours), [len(theirs.get(side, [])) for side in sorted(with_data)], better)
        dofollow = known(follows)
        authority, traffic = max(ratings, default=None), max(traffics, default=None)
        table[key] = {
            "class": None if kind is None else str(kind),
            "tier": rules.tier(len(ours), len(theirs), len(with_data)),
            "overlap": len(theirs),
            "competitors": "|".join(f"rival{side - 1}.example" for side in sorted(theirs)),
            "links": len(flat),
            "dofollow": dofollow,
            "links_to_us": len(ours),
            "best_page": best["url"] if best else None,
            "authority": authority,
            "traffic": traffic,
            "first_seen": min((one["seen"] for one in flat if one["seen"]), default=None),
            "score": (len(theirs), len(with_data), dofollow, authority, traffic),
            "removed_by": "|".join(removed),
        }
    best = [
        max((one["rating"] for one in links if one["rating"] is not None), default=None) for links in keyed.values()
    ]
    rated = [one for one in best if one is not None]
    for row in table.values():
        overlap, of, dofollow, authority, traffic = row["score"]
        row["authority_percentile"] = None if authority is None else percentile(authority, rated)
        row["score"] = rules.score(overlap, of, dofollow, row["authority_percentile"], traffic)
    return table


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a file world takes too long to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(worlds)
@example([  # A page of unknown rating ranks below one that is known to have none.
    (1, "c.co.uk", 0, "false", "", "", "false", "0.5", "", "5000", "2025-01-01 00:00:00"),
    (1, "c.co.uk", 1, "false", "", "", "false", "", "0", "", ""),
])  # fmt: skip
def test_any_world_against_the_reference(tmp_path: Path, world: list[tuple[Any, ...]]) -> None:
    files: dict[int, list[dict[str, str]]] = {side: [] for side in range(4)}
    for side, host, page, nofollow, content, lost, spam, rating, ur, traffic, seen in world:
        files[side].append(link(
            f"https://{host}/{page}", "https://t.example/", Nofollow=nofollow, UGC="", Sponsored="", Content=content, Lost=lost, Is_spam=spam,
            Domain_rating=rating, UR=ur, Page_traffic="", Domain_traffic=traffic, First_seen=seen,
        ))  # fmt: skip
    paths = [exports.ahrefs_backlinks(tmp_path / f"{side}.csv", rows) for side, rows in files.items()]
    rows, summary = gap_of(
        paths[:1], [(f"rival{n}.example", path) for n, path in enumerate(paths[1:])], own_domains=["us.example"]
    )
    expected = reference(world)
    got = {
        key: {
            name: (row[name].isoformat() if name == "first_seen" and row[name] else row[name])
            for name in expected.get(key, row)
        }
        for key, row in rows.items()
    }
    for key, row in expected.items():
        assert math.isclose(got[key].pop("score"), row.pop("score"), abs_tol=0.1001)
    assert got == expected
    assert sum(one["rows_read"] for one in summary["files"]) == len(world)
    assert sum(one["rows_lost"] for one in summary["files"]) == sum(1 for row in world if row[5])


# --- what leaves ----------------------------------------------------------------------------------------------------------

NASTY = [f"{start}cmd|' /C calc'!A0" for start in FORMULA_START] + [
    "x,=1+1",
    '"=1+1',
    "a\n=1+1",
    "plain",
    "'=quoted",
    "x\r\n@y",
]


def nasty_gap(tmp_path: Path, out: Path) -> None:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(
        tmp_path / "rival.csv",
        [link(f"https://n{number:02}.test/", text, Anchor=text, Language=text) for number, text in enumerate(NASTY)],
    )
    with analyze([ours], [("rival.example", rival)], own_domains=["us.example"]) as analysis:
        write_gap(analysis.engine, out)


def test_no_cell_of_ours_is_a_formula(tmp_path: Path) -> None:
    out = tmp_path / "gap.csv"
    nasty_gap(tmp_path, out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(GAP_COLUMNS)
    assert {row["domain"]: row["tier"] for row in rows}["n00.test"] == "1"
    for row in rows:
        assert not [cell for cell in row.values() if cell.startswith(FORMULA_START)]
    anchors = {row["domain"]: row["anchor"] for row in rows}
    assert anchors["n00.test"] == "'=cmd|' /C calc'!A0"
    assert anchors[f"n{NASTY.index('plain'):02}.test"] == "plain"
    # Nothing of theirs starts a cell without quotes around it.
    for text in ("\"'=cmd|", '"x,=1+1"', '"""=1+1"'):
        assert text in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_other_formats_keep_types_and_texts(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"gap{suffix}"
    nasty_gap(tmp_path, out)
    if suffix == ".parquet":
        with duckdb.connect() as connection:
            result = connection.execute(f"SELECT * FROM '{out}'")
            rows = [dict(zip(GAP_COLUMNS, row, strict=True)) for row in result.fetchall()]
    else:
        text = out.read_text(encoding="utf-8")
        rows = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    assert list(rows[0]) == list(GAP_COLUMNS)
    row = next(row for row in rows if row["domain"] == "n00.test")
    assert (row["anchor"], row["tier"], row["dofollow"], row["authority"]) == (NASTY[0], 1, True, 40.0)
    assert str(row["first_seen"]) == "2025-01-02"
    assert next(row for row in rows if row["domain"] == "ours.test")["authority"] is None


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out" / "gap.csv"
    out.parent.mkdir()
    out.write_text("yesterday")
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(tmp_path / "rival.csv", [link("https://a.test/")])
    with analyze([ours], [("rival.example", rival)], own_domains=["us.example"]) as analysis:
        analysis.engine.run("DROP VIEW gap")
        with pytest.raises(duckdb.Error):
            write_gap(analysis.engine, out)
    assert out.read_text() == "yesterday"
    assert [path.name for path in out.parent.iterdir()] == ["gap.csv"]


def test_site_keys_in_the_table_are_those_of_the_rest_of_the_program(tmp_path: Path) -> None:
    urls = [
        "https://medium.com/@two/y?x",
        "HTTPS://WWW.Example.ORG:443/x",
        "//d.test/x",
        "e.test/x",
        "https://user@f.test/",
        "https://g.test?x=1",
    ]
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(tmp_path / "rival.csv", [link(url) for url in urls])
    rows, _ = gap_of([ours], [("rival.example", rival)], own_domains=["us.example"])
    assert set(rows) == {site_key(url) for url in urls} | {"ours.test"}


# --- how the work is cut ------------------------------------------------------------------------------------------------


def test_links_in_pieces_make_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = exports.search_console_links(
        tmp_path / "ours.csv", [(f"https://o{n}.test/", "2026-01-01") for n in range(5)]
    )
    rows = [
        link(f"https://s{n % 7}.test/{n}", "https://rival.example/", Anchor=f"a{n}", UR=str(n % 2)) for n in range(40)
    ]
    rival = exports.ahrefs_backlinks(tmp_path / "rival.csv", rows)

    def found() -> list[dict[str, Any]]:
        with analyze([ours], [("rival.example", rival)], own_domains=["us.example"]) as analysis:
            return list(analysis.rows())

    whole = found()
    assert len(whole) == 12
    # Four pages of s0 rank the same; the first by the alphabet is its best.
    assert {row["domain"]: row["best_page"] for row in whole}["s0.test"] == "https://s0.test/21"
    monkeypatch.setattr(tables, "PIECE", 3)
    monkeypatch.setattr(tables, "_TIES", 2)
    assert found() == whole


@pytest.mark.parametrize(
    "odd", [{"Domain_rating": "1,5"}, {"Domain_rating": "n/a"}, {"Nofollow": "maybe"}, {"Content": " TRUE"}, {"UGC": "t", "Is_spam": "F", "Domain_traffic": "1.240", "UR": "2."}]
)  # fmt: skip
def test_a_cell_that_is_no_figure_changes_nothing_but_itself(tmp_path: Path, odd: dict[str, str]) -> None:
    """Figures are read as figures where the whole file has only such; else as texts: the rows are the same."""
    path = exports.ahrefs_backlinks(
        tmp_path / "x.csv", [link("https://a.test/1"), link("https://a.test/2", **odd), link("https://a.test/3", UR="", Nofollow="")]
    )  # fmt: skip
    found = []
    for types in (None, {}):
        with Engine() as engine:
            export = engine.open(path, role="ours", target=None)
            assert export.types
            export.types = export.types if types is None else types
            rows: list[Any] = []

            def use(sql: str, engine: Engine = engine, rows: list[Any] = rows) -> None:
                rows[:] = sorted(engine.run(f"SELECT * FROM ({sql}) ORDER BY source_url"), key=str)

            engine.take(export, use, lambda rows=rows: len(rows))  # type: ignore[misc]
            assert not export.careful
            found.append(rows)
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_a_long_table_is_written_in_the_order_of_its_rank(tmp_path: Path) -> None:
    # Longer than what one thread writes at a time, on more threads than one.
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in GAP_COLUMNS.items() if name != "domain")
    with Engine(threads=4) as engine:
        engine.run("SET preserve_insertion_order = true")
        engine.run(f"CREATE TABLE gap AS SELECT lpad(i::VARCHAR, 7, '0') AS domain, {columns} FROM range(250000) r(i)")
        write_gap(engine, tmp_path / "gap.csv")
    domains = [line.partition(",")[0] for line in (tmp_path / "gap.csv").read_text().splitlines()[1:]]
    assert domains == [f"{number:07}" for number in range(250_000)]


def test_what_needs_more_memory_gets_it_once() -> None:
    wide = "CREATE TABLE wide AS SELECT repeat('x', 30000000) AS text FROM range(1)"
    with Engine(memory_limit="20MB", threads=1) as engine:
        engine.run(wide)
        assert engine.run("SELECT length(text) FROM wide") == [(30_000_000,)]
    with Engine(memory_limit="20MB", roomy_limit="21MB", threads=1) as engine:
        with pytest.raises(Unavailable, match="more memory than the gap may take"):
            engine.run(wide)
        assert engine.run("SELECT 1") == [(1,)]
