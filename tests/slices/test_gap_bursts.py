"""Signs that only many links together show: placements of one source, and a week of news about one page."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from string import ascii_lowercase

from app.gaps import bursts, closeup
from app.gaps.analyze import analyze
from tests.slices.test_gap_removals import CASES
from tests.support import exports

WORDS = ["".join(two) for two in product(ascii_lowercase, repeat=2)]
START = datetime(2026, 2, 1, 8, tzinfo=UTC)
SEEN = {"paid": bursts.PLACED_SEEN, "news-event": bursts.NEWS_SEEN}


def test_golden_bursts(tmp_path: Path) -> None:
    """Each case is sources of its own with a page of the competitor's of their own, all in one world."""
    cases = [case for case in CASES if case["kind"] == "burst"]
    rows = []
    for c, case in enumerate(cases):
        for group in case["links"]:
            for n in range(group["count"]):
                names = {"c": c, "n": n, "w": WORDS[n]}
                seen = START + timedelta(days=group.get("since", 0) + n * group.get("every", 1))
                cells = {"Anchor": group["anchor"].format(**names), "First seen": f"{seen:%Y-%m-%d %H:%M:%S}"}
                target = group.get("target", "https://rival.example/c{c}").format(**names)
                rows.append(exports.link(group["page"].format(**names), target, **cells | group.get("cells", {})))
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(tmp_path / "rival.csv", rows)
    found: Counter[tuple[int, str]] = Counter()
    with analyze([ours], [("rival.example", rival)], own_domains=["us.example"]) as analysis:
        for page in closeup.pages(analysis.engine, analysis.links, analysis.competitors, most=1):
            number = int("".join(filter(str.isdigit, page["domain"])))
            for part in closeup.winnability(page).parts:
                found[number, part.rule] += part.seen.startswith(SEEN.get(part.rule, "-"))
    wrong = []
    for c, case in enumerate(cases):
        got = {rule: found[c, rule] for rule in case["expect"]}
        if got != case["expect"]:
            wrong.append((case["reason"], got, case["expect"]))
    assert wrong == []


def test_a_burst_names_its_figures(tmp_path: Path) -> None:
    rows = [
        exports.link(f"https://blog.test/{WORDS[n]}", "https://rival.example/crm", Anchor="Best CRM tools")
        for n in range(9)
    ] + [exports.link("https://blog.test/old", "https://rival.example/crm", First_seen="2024-01-02 00:00:00")]
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(tmp_path / "rival.csv", rows)
    with analyze([ours], [("rival.example", rival)], own_domains=["us.example"]) as analysis:
        closeup.write_winnability(
            closeup.pages(analysis.engine, analysis.links, analysis.competitors), tmp_path / "win.jsonl"
        )
    parts = {part["rule"]: part for part in json.loads((tmp_path / "win.jsonl").read_text())["parts"]}
    assert parts["paid"]["seen"] == "like pages within 14 days: 9 (best crm tools)"


def seen(tmp_path: Path, rivals: dict[str, list[dict[str, str]]], rule: str) -> set[str]:
    """The sources whose best page has a part of this rule out of a burst."""
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    files = [(name, exports.ahrefs_backlinks(tmp_path / f"{name}.csv", rows)) for name, rows in rivals.items()]
    with analyze([ours], files, own_domains=["us.example"]) as analysis:
        return {
            page["domain"]
            for page in closeup.pages(analysis.engine, analysis.links, analysis.competitors, most=1)
            if any(part.rule == rule and part.seen.startswith(SEEN[rule]) for part in closeup.winnability(page).parts)
        }


def test_a_brand_is_known_without_what_stands_around_it_in_a_domain(tmp_path: Path) -> None:
    def burst(blog: str, rival: str, anchor: str) -> list[dict[str, str]]:
        target = f"https://{rival}/page"
        old = exports.link(f"https://{blog}.test/old", target, Anchor="notes", First_seen="2024-01-02 00:00:00")
        return [old, *(exports.link(f"https://{blog}.test/{WORDS[n]}", target, Anchor=anchor) for n in range(9))]

    rivals = {
        "getharvest.example": [
            *burst("brand", "getharvest.example", "Harvest Time Tracking"),
            *burst("keyword", "getharvest.example", "best time tracking"),
        ],
        "xn--mller-hq-65a.example": burst("umlaut", "xn--mller-hq-65a.example", "Die Müller Buchhaltung"),
    }
    assert seen(tmp_path, rivals, "paid") == {"keyword.test"}


def test_a_list_of_the_last_days_shows_no_event(tmp_path: Path) -> None:
    """In such a list all that there is was first seen within the week, whatever the press does else."""

    def news(n: int, day: str) -> dict[str, str]:
        return exports.link(f"https://{WORDS[n]}.test/news/x", "https://rival.example/x", First_seen=f"{day} 00:00:00")

    week = [news(n, f"2026-02-0{1 + n % 6}") for n in range(12)]
    assert seen(tmp_path, {"rival.example": week}, "news-event") == set()
    assert len(seen(tmp_path, {"rival.example": [*week, news(50, "2025-12-01")]}, "news-event")) == 12
