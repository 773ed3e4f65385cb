"""A closer look at each gap: languages that the tool does not say, chances, closed gates and the page of ours that fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.gaps import amend, judging
from app.gaps.analyze import analyze
from app.gaps.summary import Floors
from tests.support import exports

link = exports.link
TO = "https://rival.example/late-payment-fees"
PAGES = """url,title,topic,summary
https://us.example/fees,Late payment fees: what you may charge,late payment fees,Interest and reminder letters
https://us.example/kompost,Kompost richtig anlegen,Kompostieren,Was auf den Kompost darf und wann er reif ist
"""


def _row(page: str, title: str, anchor: str = "here", **cells: str) -> dict[str, str]:
    return link(page, TO, **{"Language": "", "Referring_page_title": title, "Anchor": anchor, **cells})


def _world(tmp_path: Path, rows: list[dict[str, str]]) -> tuple[list[Path], list[tuple[str | None, Path]]]:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    return [ours], [("rival.example", exports.ahrefs_backlinks(tmp_path / "rival.csv", rows))]


ROWS = [
    _row("https://fits.test/blog/a", "What to do when a client pays late", "how late payment fees are charged"),
    _row("https://garden.test/b", "Warum die Gurken im Garten welken und was hilft", "mehr dazu"),
    _row("https://said.test/c", "Les meilleurs fromages de la région et leurs vins", Language="en"),
    {**_row("https://short.test/d", "Home"), "Target URL": "https://rival.example/"},
    _row("https://sold.test/sponsored/e", "Why invoices are paid too late", "late payment fees", Sponsored="true"),
]


def test_a_language_that_the_tool_does_not_say_is_seen_and_decides(tmp_path: Path) -> None:
    with analyze(*_world(tmp_path, ROWS), own_domains=["us.example"], languages=["en"]) as analysis:
        rows = {row["domain"]: row for row in analysis.rows() if row["tier"]}
        told = dict(analysis.engine.run("SELECT domain, language_source FROM gap WHERE tier IS NOT NULL"))
        summary = analysis.summary
    assert {name: (row["language"], row["removed_by"], told[name]) for name, row in rows.items()} == {
        "fits.test": ("en", "", "detected"),
        "said.test": ("en", "", "tool"),
        "sold.test": ("en", "", "detected"),
        "short.test": (None, "", None),
        "garden.test": ("de", "foreign-language", "detected"),
    }
    # What was removed stands last, as with every removal, and shows what it was seen by.
    assert list(rows)[-1] == "garden.test"
    assert summary["removed_examples"]["foreign-language"] == [
        {"domain": "garden.test", "seen": "language: de (detected)"}
    ]
    assert summary["filters"]["language en"] == {"passes": 3, "fails": 0, "unknown": 1}
    assert summary["language_sources"] == {"detected": 2, "tool": 1, "unknown": 1}
    assert summary["gates"] == {"open": 3, "paid": 1}


def test_fits_are_written_and_counted_with_unknown_as_a_third_value(tmp_path: Path) -> None:
    places = tmp_path / "pages.csv", tmp_path / "fit.jsonl"
    places[0].write_text(PAGES, encoding="utf-8")
    ours = judging.our_pages(places[0])
    assert [page.language for page in ours] == ["en", "de"]
    with analyze(
        *_world(tmp_path, ROWS), own_domains=["us.example"], our_pages=ours, floors=Floors(0, 0, fit=50)
    ) as analysis:
        assert judging.write_fits(analysis.engine, places[1]) == 5
        summary = analysis.summary
    fits = {one["domain"]: one for one in map(json.loads, places[1].read_text(encoding="utf-8").splitlines())}
    best = fits["fits.test"]
    assert (best["fits"], best["fit"] >= 50, best["language"]) == ("https://us.example/fees", True, "en")
    assert {"late", "payment", "fees"} <= set(best["shared"])
    assert best["why"].startswith("both speak of")
    # Shared words stand in the address of the competitor's page, too; a page about gurken shares none with compost.
    assert (fits["garden.test"]["fit"], fits["garden.test"]["fits"]) == (0, None)
    assert summary["filters"]["topic fit >= 50"] == {"passes": 3, "fails": 1, "unknown": 1}
    assert summary["fails_only"]["topic fit >= 50"] == 1


def test_a_removal_is_taken_back_for_one_row_alone(tmp_path: Path) -> None:
    rows = [
        link("https://web-directory.test/a", TO),
        link("https://other-directory.test/b", TO),
        link("https://rival.example/c", TO),
    ]
    with analyze(*_world(tmp_path, rows), own_domains=["us.example"]) as analysis:
        amend.take_back(
            analysis.engine,
            {"web-directory.test": frozenset({"directory"}), "rival.example": frozenset({amend.ALL})},
        )
        found = [(row["domain"], row["removed_by"]) for row in analysis.rows() if row["tier"]]
    assert found == [("web-directory.test", ""), ("other-directory.test", "directory"), ("rival.example", "competitor")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("url,topic\nhttps://us.example/a,x\n", "needs url and title"),
        ("[1]", "list of objects"),
        ("{", "neither CSV nor JSON"),
    ],
)
def test_pages_of_ours_that_cannot_be_read_say_so(tmp_path: Path, text: str, problem: str) -> None:
    place = tmp_path / "pages"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=problem):
        judging.our_pages(place)


def test_pages_of_ours_as_json(tmp_path: Path) -> None:
    page: dict[str, Any] = {"url": "https://us.example/a", "title": "Invoices", "language": "EN-gb"}
    for text in (json.dumps([page]), json.dumps(page) + "\n" + json.dumps(page) + "\n"):
        (tmp_path / "pages.json").write_text(text, encoding="utf-8")
        assert {one.language for one in judging.our_pages(tmp_path / "pages.json")} == {"en"}
