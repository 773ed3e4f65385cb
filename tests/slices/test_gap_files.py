"""Each format as the tool writes it, each way in which a file can be broken, and the report that a person gets."""

from __future__ import annotations

import codecs
import gzip
import io
import unicodedata
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cells import neutral
from app.errors import BadInput
from app.gaps.analyze import analyze
from app.gaps.careful import Rejects, records
from app.gaps.detect import as_of_date, detect, target_by_name
from app.gaps.engine import Engine
from app.gaps.rows import COLUMNS
from app.gaps.textfile import open_texts
from app.keys import page_url
from tests.support import exports


def rows_of(path: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows that one file gives, and the report that `analyze` makes of it as our own links."""
    with Engine() as engine:
        export = engine.open(path, role="ours", target=None, **options)
        found: list[tuple[Any, ...]] = []

        def use(sql: str) -> None:
            found[:] = engine.run(sql)

        engine.take(export, use, lambda: len(found))
        return [dict(zip(COLUMNS, row, strict=True)) for row in found], export.report.as_dict()


def account(path: Path, tmp_path: Path, own: str = "us.example", **options: Any) -> dict[str, Any]:
    other = exports.ahrefs_backlinks(
        tmp_path / "other.csv", [exports.link("https://a.test/1", "https://rival.example/")]
    )
    with analyze([path], [("rival.example", other)], own_domains=[own], **options) as analysis:
        return next(one for one in analysis.summary["files"] if one["file"] == str(path))


def test_ahrefs_backlinks(tmp_path: Path) -> None:
    path = exports.ahrefs_backlinks(
        tmp_path / "us.example-backlinks-subdomains_2026-02-28_10-15-00.csv",
        [
            exports.link(
                "https://www.News.example.org/a?b=1", "https://us.example/guide", Anchor='a "quoted" 😀\nanchor', Language="es, en",
                Domain_rating="4.5", UR="0.9", Domain_traffic="1234", First_seen="2025-03-04 05:06:07", Nofollow="TRUE",
            ),
            exports.link("https://b.test/", "https://us.example/", Lost_status="removedfromhtml"),
            exports.link("https://c.test/", "https://us.example/", Drop_reason="nxdomain"),
            exports.link("https://d.test/", "https://us.example/", Lost="2026-01-01 00:00:00"),
        ],
    )  # fmt: skip
    rows, report = rows_of(path)
    by_site = {row["site"]: row for row in rows}
    first = by_site["www.news.example.org"]
    assert first["source_url"] == "https://www.News.example.org/a?b=1"
    assert first["anchor"] == 'a "quoted" 😀\nanchor'
    assert (first["authority"], first["page_authority"], first["traffic"]) == (4.5, 0.9, 1234)
    assert (first["followed"], first["lost"], first["language"]) == (False, False, "es, en")
    assert first["first_seen"] == date(2025, 3, 4)
    assert [by_site[f"{letter}.test"]["lost"] for letter in "bcd"] == [True, True, True]
    assert (report["format"], report["encoding"], report["delimiter"]) == ("ahrefs-backlinks", "utf-16-le", "tab")
    assert (report["target"], report["as_of"]) == ("us.example", "2026-02-28")
    counted = account(path, tmp_path)
    assert (counted["rows_read"], counted["rows_taken"], counted["rows_lost"], counted["reasons"]) == (
        4,
        1,
        3,
        {"lost": 3},
    )


def test_ahrefs_variants_are_matched_by_name(tmp_path: Path) -> None:
    headers = ["#", *[name for name in exports.AHREFS_BACKLINKS if name not in ("Is spam", "Page type", "UR")][::-1]]
    path = exports.ahrefs_backlinks(
        tmp_path / "x.csv", [exports.link("https://a.test/1", "https://us.example/")], encoding="utf-8", headers=headers
    )
    (row,), report = rows_of(path)
    assert (row["site"], row["spam"], row["page_authority"]) == ("a.test", None, None)
    assert report["format"] == "ahrefs-backlinks"


def test_ahrefs_refdomains(tmp_path: Path) -> None:
    cells = {
        "Domain": "a.test",
        "Is spam": "true",
        "DR": "71",
        "Traffic ": "9,000",
        "Links to target": "12",
        "Dofollow links": "0",
    }
    path = exports.ahrefs_refdomains(tmp_path / "rival.example-refdomains-subdomains_2026-01-02_03-04-05.csv", [cells])
    (row,), report = rows_of(path)
    assert (row["site"], row["spam"], row["authority"], row["traffic"]) == ("a.test", True, 71.0, 9000)
    assert (row["links"], row["followed"], row["source_url"]) == (12, False, None)
    assert (report["format"], report["target"], report["as_of"]) == ("ahrefs-refdomains", "rival.example", "2026-01-02")


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_semrush_refdomains(tmp_path: Path, delimiter: str) -> None:
    cells = {"Domain ascore": "33", "Domain": "a.test", "Backlinks": "7", "Country": "de", "First seen": "2025-01-02"}
    path = exports.semrush_refdomains(tmp_path / "rival.example-backlinks_refdomains.csv", [cells], delimiter)
    (row,), report = rows_of(path)
    assert (row["site"], row["authority"], row["links"], row["country"]) == ("a.test", 33.0, 7, "de")
    assert (row["followed"], row["traffic"], row["spam"]) == (None, None, None)
    assert (report["format"], report["target"], report["delimiter"]) == (
        "semrush-refdomains",
        "rival.example",
        delimiter,
    )


def test_semrush_gap_gives_one_row_a_target(tmp_path: Path) -> None:
    path = exports.semrush_gap(
        tmp_path / "us.example-backlinks_matrix.csv",
        ["us.example", "a.example"],
        [("bücher.test", 40, [0, 3]), ("b.test", 5, [1, 1])],
    )
    rows, report = rows_of(path)
    assert sorted((row["site"], row["target"], row["links"]) for row in rows) == [
        ("b.test", "a.example", 1),
        ("b.test", "us.example", 1),
        ("bücher.test", "a.example", 3),
    ]
    assert report["format"] == "semrush-gap"


@pytest.mark.parametrize(
    "headers",
    [None, ["אתר", "דפים מקשרים", "דפי יעד"], ["Website", "Verweisende Seiten", "Zielseiten"]],
)
def test_search_console_sites_in_any_language(tmp_path: Path, headers: list[str] | None) -> None:
    path = exports.search_console_sites(
        tmp_path / "us.example-Top linking sites-2026-02-03.csv", [("a.test", 1240, 3)], headers
    )
    (row,), report = rows_of(path)
    assert (row["site"], row["links"], report["format"], report["as_of"]) == (
        "a.test",
        1240,
        "search-console-sites",
        "2026-02-03",
    )
    assert bool(report["notes"]) == (headers is not None and headers[0] == "Website")


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        (None, "2026-01-02"),
        (["Página de enlace", "Último rastreo"], "02/01/2026"),  # no ambiguity: in Spanish the day comes first
        (["Seite", "Gecrawlt"], "2026/01/02"),
        (["ページ", "最終クロール"], "2026年1月2日"),
        (["Page", "Vu"], "2 janv. 2026"),
        (["Página", "Visto"], "2 de enero de 2026"),
        (["Page", "Crawled on"], '"January 2, 2026 10:15"'),
        (["Verweisende Seite", "Zuletzt gecrawlt"], "02.01.2026"),
        (["Page", "Crawled on"], "2 Jan 2026"),
        (["Page", "Crawled on"], '"Jan 2, 2026"'),
    ],
)
def test_search_console_links_in_any_language(tmp_path: Path, headers: list[str] | None, seen: str) -> None:
    path = exports.search_console_links(tmp_path / "links.csv", [("https://a.test/x", seen)], headers)
    (row,), report = rows_of(path)
    assert (row["source_url"], row["last_seen"]) == ("https://a.test/x", date(2026, 1, 2))
    assert report["format"] == "search-console-links"


@pytest.mark.parametrize(
    ("cells", "dates"),
    [
        # One date that can be read in one way only decides for its column.
        (["9/5/2026", "9/15/2026 10:15", "1/2/2026"], [date(2026, 9, 5), date(2026, 9, 15), date(2026, 1, 2)]),
        (["9/5/2026", "15/9/2026 10:15", "1/2/2026"], [date(2026, 5, 9), date(2026, 9, 15), date(2026, 2, 1)]),
        (["9/5/2026", "1/2/2026"], [None, None]),
        (["9.5.2026", "2026-09-05 10:15:00", "2026/9/5", "9 Sept 2026"],
            [date(2026, 5, 9), date(2026, 9, 5), date(2026, 9, 5), date(2026, 9, 9)]),
    ],
)  # fmt: skip
def test_which_part_of_a_date_is_the_day(tmp_path: Path, cells: list[str], dates: list[date | None]) -> None:
    path = tmp_path / "x.csv"
    path.write_text("source;first seen\n" + "".join(f"https://s{n}.test/;{cell}\n" for n, cell in enumerate(cells)))
    rows, report = rows_of(path, wanted="generic")
    assert [row["first_seen"] for row in sorted(rows, key=lambda row: row["site"])] == dates
    told = [note for note in report["notes"] if "first seen can be read with the day or with the month first" in note]
    assert bool(told) == (None in dates)


def test_the_first_clear_date_of_a_long_file_decides(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    lines = [f"https://s{n}.test/{'x' * 60};1/2/2026" for n in range(3_000)]
    path.write_text("\n".join(["source;first seen", *lines, "https://last.test/;1/31/2026"]) + "\n")
    rows, report = rows_of(path, wanted="generic")
    assert {row["first_seen"] for row in rows} == {date(2026, 1, 2), date(2026, 1, 31)}
    assert report["notes"] == []


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        # What one column shows holds for the other, also where that is empty for long.
        (["1/2/2026;1/31/2026", "9/5/2026, 10:15;"], [date(2026, 1, 2), date(2026, 9, 5)]),
        ([";31/1/2026", *[";1/2/2026"] * 3_000, "9/5/2026T10:15;"], [None, date(2026, 5, 9)]),
        # Columns of two tools in one table: each goes by its own.
        (["1/2/2026;31/1/2026", "1/31/2026;1/2/2026"], [date(2026, 1, 2), date(2026, 1, 31)]),
    ],
)
def test_one_column_shows_the_day_for_all(tmp_path: Path, rows: list[str], seen: list[date | None]) -> None:
    path = tmp_path / "x.csv"
    lines = [f"https://s{n}.test/;{row}" for n, row in enumerate(rows)]
    path.write_text("\n".join(["source;first seen;last seen", *lines]) + "\n")
    got, report = rows_of(path, wanted="generic")
    by_site = {row["site"]: row["first_seen"] for row in got}
    assert [by_site["s0.test"], by_site[f"s{len(rows) - 1}.test"]] == seen
    assert [note for note in report["notes"] if "can be read with" in note] == []


@pytest.mark.parametrize("odd", ["https://b.test/2,", "https://b.test/2,gestern"])
def test_one_odd_row_makes_no_other_file_of_it(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "links.csv"
    path.write_text(f"Seite,Gecrawlt\nhttps://a.test/1,2026-01-02\n{odd}\nhttps://c.test/3,2026-01-04\n")
    rows, report = rows_of(path)
    assert (report["format"], {row["site"] for row in rows}) == ("search-console-links", {"a.test", "b.test", "c.test"})
    path.write_text("Website,Seiten,Ziele\na.test,3,1\n203.0.113.9,2,1\nc.test,1,1\n")
    assert rows_of(path)[1]["format"] == "search-console-sites"
    # Half of the rows are enough where somebody says what it is.
    path.write_text("Seite,Gecrawlt\nhttps://a.test/1,irgendwann\nhttps://b.test/2,\n")
    with pytest.raises(BadInput):
        rows_of(path)
    assert rows_of(path, wanted="search-console-links")[1]["format"] == "search-console-links"


def test_pages_are_addresses_that_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    pages = {
        "www.a.test/x": "https://www.a.test/x",
        "//b.test/x": "https://b.test/x",
        "https://c.test/a b@c": "https://c.test/a%20b@c",
        "https://dana:secret@d.test/x": "https://d.test/x",
        "http://e.test/?q=a@b": "http://e.test/?q=a@b",
    }
    path.write_text("source\n" + "".join(f"{page}\n" for page in pages))
    rows, _report = rows_of(path, wanted="generic")
    assert {row["source_url"] for row in rows} == set(pages.values())
    assert {page_url(page) for page in pages} == set(pages.values())


def test_generic_with_and_without_mapping(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("Wer;Wohin;Stärke\nhttps://a.test/x;https://us.example/;4,5\n")
    with pytest.raises(BadInput, match=r"mine\.csv.*Wer, Wohin, Stärke.*--format"):
        rows_of(path)
    with pytest.raises(BadInput, match=r"mine\.csv.*--map source=HEADER"):
        rows_of(path, wanted="generic")
    with pytest.raises(BadInput, match=r"no column 'Nirgends'"):
        rows_of(path, wanted="generic", mapping={"source": "Nirgends"})
    (row,), _ = rows_of(path, wanted="generic", mapping={"source": "Wer", "target_url": "wohin", "authority": "Stärke"})
    assert (row["site"], row["source_url"], row["authority"]) == ("a.test", "https://a.test/x", 4.5)
    path.write_text("Domain,Backlinks,Dofollow\na.test,3,yes\n")
    (row,), _ = rows_of(path, wanted="generic")
    assert (row["site"], row["source_url"], row["links"], row["followed"]) == ("a.test", None, 3, True)


ENCODINGS = {
    "utf-16-le": codecs.BOM_UTF16_LE + b"%s",
    "utf-16-be": codecs.BOM_UTF16_BE + b"%s",
    "utf-16-le without mark": b"%s",
    "utf-16-be without mark": b"%s",
    "utf-8": b"%s",
    "utf-8-sig": codecs.BOM_UTF8 + b"%s",
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, name: str, end: str) -> None:
    lines = exports.table(["Referring page URL", "Target URL", "Anchor"], [])
    lines += [
        ["https://a.test/1", "https://us.example/", "größe 😀 日本"],
        ["https://b.test/2", "https://us.example/", "x"],
    ]
    codec = name.split(" ", maxsplit=1)[0].removesuffix("-sig")
    path = tmp_path / "file [1] * 'x'.csv"  # names that an engine could take for a pattern or the end of a literal
    path.write_bytes(ENCODINGS[name].replace(b"%s", exports.quoted(lines, end=end).encode(codec)))
    rows, report = rows_of(path)
    assert sorted((row["site"], row["anchor"]) for row in rows) == [("a.test", "größe 😀 日本"), ("b.test", "x")]
    assert report["encoding"] == name.split(" ", maxsplit=1)[0]


def test_windows_1252_and_damaged_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    text = "Referring page URL\tTarget URL\tAnchor\nhttps://a.test/\thttps://us.example/\t„Größe“ – 5 €\n"
    path.write_bytes(text.encode("cp1252"))
    (row,), report = rows_of(path)
    assert (row["anchor"], report["encoding"]) == ("„Größe“ – 5 €", "windows-1252")
    # Nothing in the file tells it from other tables of one byte a letter.
    assert any("was read as Windows-1252" in note for note in report["notes"])
    path.write_bytes(text.replace("5", "日本語").encode() + b"https://b.test/\t\t\xff\n")
    rows, report = rows_of(path)
    assert {row["anchor"] for row in rows} == {"„Größe“ – 日本語 €", "\ufffd"}
    assert (report["encoding"], len(report["notes"])) == ("utf-8", 1)


def test_separator_line_and_quoted_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'sep=;\r\n"Domain ascore";"Domain";"Backlinks"\r\n"1";"a.test";"2"\r\n\r\n')
    (row,), report = rows_of(path)
    assert (row["site"], report["delimiter"]) == ("a.test", ";")


def test_gzip_and_zip(tmp_path: Path) -> None:
    data = exports.ahrefs_backlinks(tmp_path / "x.csv", [exports.link("https://a.test/1")]).read_bytes()
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(data))
    assert rows_of(tmp_path / "x.csv.gz")[0][0]["site"] == "a.test"
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("export/links.csv", data)
        archive.writestr("readme.md", "no table")
    assert rows_of(tmp_path / "x.zip")[0][0]["site"] == "a.test"
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
        archive.writestr("more.csv", data)
    with pytest.raises(BadInput, match=r"x\.zip.*several of its tables.*links\.csv.*more\.csv"):
        rows_of(tmp_path / "x.zip")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(BadInput, match=r"cut\.csv\.gz.*download it again"):
        rows_of(tmp_path / "cut.csv.gz")


def workbook() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf  \n\n", "holds no text"),
        (bytes(range(256)) * 40, "not a text file"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00\x01\x02" * 50, "not a text file"),
        (workbook(), "workbook cannot be read"),
        (b"PK\x03\x04broken", "damaged"),
        ("name,amount\nx,1\n".encode("utf-32"), "UTF-32"),
        (b"name,amount\nx,1\n", "no known export has these columns: name, amount"),
        (b"Domain,Domain ascore,not a domain,Matches\n", "names no domain"),
        (b"Domain,Domain ascore,a.example,www.a.example,Matches\n", "two columns name the target a.example"),
        (b"Domain,Domain ascore,Matches\n", "no target column"),
    ],
)
def test_files_that_cannot_be_read_say_so(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert "odd.csv" in caught.value.detail
    assert message in caught.value.detail


def test_missing_directory_and_wrong_format(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        rows_of(tmp_path / "nothing.csv")
    with pytest.raises(BadInput, match="a directory"):
        rows_of(tmp_path)
    path = exports.search_console_sites(tmp_path / "x.csv", [("a.test", 1, 1)])
    with pytest.raises(BadInput, match="no Ahrefs, Backlinks export: it needs the columns referring page url"):
        rows_of(path, wanted="ahrefs-backlinks")
    with pytest.raises(BadInput, match="--format moz"):
        rows_of(path, wanted="moz")
    with pytest.raises(BadInput, match="only for --format generic"):
        rows_of(path, wanted="search-console-sites", mapping={"source": "Site"})


HEADER = b'"Referring page URL"\t"Target URL"\t"Anchor"\n'
GOOD = b'"https://%s.test/1"\t"https://us.example/"\t"fine\nanchor"\n'


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'"https://bad.test/1"\t"https://us.example/\t"open"\n', "bad-quote"),
        (b'"https://bad.test/1"\t"https://us.example/"\t"open to the end\n', "bad-quote"),
        (b'"https://bad.test/1"\t"https://us.example/"\t"x" y\n', "bad-quote"),
        (b'"https://bad.test/1"\t"https://us.example/"\n', "wrong-width"),
        (b'"https://bad.test/1"\t"https://us.example/"\t"x"\t"more"\n', "wrong-width"),
        (b'""\t"https://us.example/"\t"x"\n', "no-source"),
        (b'"http://192.0.2.1/x"\t"https://us.example/"\t"x"\n', "no-domain"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_one_broken_row_costs_one_row_and_is_named(tmp_path: Path, bad: bytes, reason: str, place: int) -> None:
    good = [GOOD % letter.encode() for letter in "abcd"]
    path = tmp_path / "x.csv"
    path.write_bytes(HEADER + b"".join([*good[:place], bad, *good[place:]]))
    report = account(path, tmp_path)
    assert (report["rows_read"], report["rows_taken"], report["reasons"]) == (5, 4, {reason: 1})
    assert report["rejected"][0]["line"] == 2 + 2 * place
    assert "bad.test" in report["rejected"][0]["text"] or reason.startswith("no-")


def test_a_semrush_gap_row_without_a_domain_is_rejected_with_its_line(tmp_path: Path) -> None:
    path = exports.semrush_gap(
        tmp_path / "m.csv", ["us.example", "a.example"], [("a.test", 1, [0, 1]), ("192.0.2.1", 1, [0, 2])]
    )
    with analyze([path], [], own_domains=["us.example"]) as analysis:
        (report,) = analysis.summary["files"]
    assert (report["rows_read"], report["rows_taken"], report["reasons"]) == (2, 1, {"no-domain": 1})
    assert report["rejected"][0]["line"] == 3


def test_header_only_is_a_target_without_data(tmp_path: Path) -> None:
    path = exports.ahrefs_backlinks(tmp_path / "x.csv", [])
    report = account(path, tmp_path)
    assert (report["rows_read"], report["rows_taken"], report["rows_rejected"]) == (0, 0, 0)


def test_figures_that_nobody_can_read_are_counted(tmp_path: Path) -> None:
    path = exports.ahrefs_backlinks(
        tmp_path / "x.csv",
        [exports.link("https://a.test/", Domain_rating="n/a"), exports.link("https://b.test/", Domain_traffic="")],
    )
    assert account(path, tmp_path)["unreadable_figures"] == 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1240", 1240),
        ("1,240", 1240),
        ("1.240", 1240),
        ("1\u00a0240", 1240),
        ("1'240'000", 1240000),
        ("12.5", 13),
        ("", None),
        ("x", None),
    ],
)
def test_whole_numbers(cell: str, value: int | None) -> None:
    with Engine() as engine:
        assert engine.run("SELECT gb_integer(?)", [cell]) == [(value,)]


@pytest.mark.parametrize("rest", ["", "x"])
def test_what_is_no_number_is_unknown(tmp_path: Path, rest: str) -> None:
    """Whether the column is read as numbers or, because of one cell, as texts."""
    cells = ["nan", "inf", "-Infinity", "NaN", "12.5", *([rest] if rest else [])]
    rows = [exports.link(f"https://s{n}.test/", Domain_rating=cell) for n, cell in enumerate(cells)]
    got, _report = rows_of(exports.ahrefs_backlinks(tmp_path / "x.csv", rows))
    found = {row["site"]: row["authority"] for row in got}
    assert found == {f"s{n}.test": 12.5 if n == 4 else None for n in range(len(cells))}


def test_a_date_is_read_by_few_looks() -> None:
    """A macro is written out wherever it is named: one that names what it was given often grows with each that it calls."""
    with Engine() as engine:
        [(_, plan)] = engine.run("EXPLAIN (FORMAT json) SELECT gb_date(range::VARCHAR) FROM range(3)")
        [(_, slashed)] = engine.run("EXPLAIN (FORMAT json) SELECT gb_date_dm(range::VARCHAR) FROM range(3)")
    assert 0 < plan.count("regexp_extract") <= 6
    # Its own form, and it comes first: whoever is read by it needs no other look.
    assert 0 < slashed.count("regexp_extract") <= 8
    assert slashed.index("%d/%m/%Y") < slashed.index("%d.%m.%Y")


@pytest.mark.parametrize(
    ("cell", "said", "day_first", "month_first"),
    [
        ("1/2/26", None, date(2026, 2, 1), date(2026, 1, 2)),
        ("01/02/2026", None, date(2026, 2, 1), date(2026, 1, 2)),
        ("31/12/99 10:15", None, date(1999, 12, 31), None),
        ("12/31/1999", None, None, date(1999, 12, 31)),
        ("2026-02-01", date(2026, 2, 1), date(2026, 2, 1), date(2026, 2, 1)),
        ("0001-01-01", None, None, None),
        ("26", None, None, None),
        ("", None, None, None),
    ],
)
def test_a_date_is_of_the_web_and_its_year_may_be_short(
    cell: str, said: date | None, day_first: date | None, month_first: date | None
) -> None:
    with Engine() as engine:
        found = engine.run("SELECT gb_date(x), gb_date_dm(x), gb_date_md(x) FROM (SELECT ? AS x)", [cell])
    assert found == [(said, day_first, month_first)]


def test_a_long_query_draws_nothing_between_the_lines(capfd: pytest.CaptureFixture[str]) -> None:
    with Engine() as engine:
        engine.run("SET enable_progress_bar = true")
        engine.run("SET progress_bar_time = 0")
        engine.run("SELECT count(*) FROM range(3_000_000) a WHERE a.range % 7 = hash(a.range) % 7")
    assert capfd.readouterr() == ("", "")


def test_names_of_files(tmp_path: Path) -> None:
    assert as_of_date(Path("x_2026-13-40_2026-02-28.csv")) == date(2026, 2, 28)
    assert as_of_date(Path("x.csv")) is None
    assert target_by_name(Path("blog.us.example-backlinks-subdomains__2026-01-01.csv")) == "us.example"
    assert target_by_name(Path("report.csv")) is None


def test_caps(tmp_path: Path) -> None:
    path = exports.search_console_sites(tmp_path / "x.csv", [(f"s{number}.test", 1, 1) for number in range(1000)])
    assert account(path, tmp_path)["capped"] is True
    path = exports.search_console_sites(tmp_path / "y.csv", [("a.test", 1, 1)])
    # A filter, a part of an export or another plan ends a list anywhere.
    assert account(path, tmp_path)["capped"] is None
    path = exports.ahrefs_backlinks(tmp_path / "z.csv", [exports.link("https://a.test/")])
    assert account(path, tmp_path)["capped"] is None


SPACES = "".join(chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Zs")
cells = st.text(st.characters(blacklist_categories=["Cs", "Cc"], whitelist_characters="\n\t"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells, cells), max_size=8), st.sampled_from(["\t", ",", ";"]))
def test_whatever_stands_in_the_cells_comes_back(tmp_path: Path, pairs: list[tuple[str, str]], delimiter: str) -> None:
    lines = [["Referring page URL", "Target URL", "Anchor"]]
    lines += [[f"https://s{number}.test/", target, anchor] for number, (target, anchor) in enumerate(pairs)]
    path = tmp_path / "x.csv"
    path.write_bytes(exports.quoted(lines, delimiter).encode())
    rows, report = rows_of(path)
    # Spaces around a cell are no part of it; an empty cell is unknown.
    expected = sorted((f"s{number}.test", anchor.strip(SPACES) or None) for number, (_, anchor) in enumerate(pairs))
    assert sorted((row["site"], row["anchor"]) for row in rows) == expected
    assert report["rows_rejected"] == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('ab"\t\n'), max_size=60))
def test_the_careful_reader_accounts_for_every_line(tmp_path: Path, body: str) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("header\n" + body)
    rejects = Rejects()
    taken = list(records(path, delimiter="\t", skip=1, width=2, rejects=rejects))
    lines = body.split("\n")
    covered = sum(record.text.removesuffix("\n").count("\n") + 1 for record in taken) + rejects.total
    inside = sum(1 for record in taken for line in record.text.removesuffix("\n").split("\n") if not line.strip())
    assert covered - inside == sum(1 for line in lines if line.strip())
    assert all(len(record.cells) == 2 for record in taken)


def test_a_clean_utf_8_file_is_read_where_it_lies(tmp_path: Path) -> None:
    path = exports.ahrefs_backlinks(tmp_path / "x.csv", [exports.link("https://a.test/")], encoding="utf-8")
    into = tmp_path / "work"
    into.mkdir()
    (text,) = open_texts(path, into)
    assert text.path.resolve() == path
    assert detect(text, path).profile.name == "ahrefs-backlinks"


def test_the_words_of_a_rel_say_whether_a_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    words = {
        "dofollow": True,
        "Follow": True,
        "nofollow": False,
        "UGC": False,
        "yes": True,
        "": None,
        "vielleicht": None,
    }
    path.write_text("source;rel\n" + "".join(f"https://s{n}.test/;{word}\n" for n, word in enumerate(words)))
    for mapped in ("follow", "nofollow"):
        rows, _report = rows_of(path, wanted="generic", mapping={"source": "source", mapped: "rel"})
        found = [row["followed"] for row in sorted(rows, key=lambda row: row["site"])]
        expected = list(words.values())
        if mapped == "nofollow":
            expected[4] = False  # a column that says nofollow: yes
        assert found == expected
        assert sum(row["bad_cells"] for row in rows) == 1  # nobody can read "vielleicht"


def test_no_cell_acts_as_a_formula() -> None:
    assert neutral("=1+1") == "'=1+1"
    assert neutral("＝1") == "'＝1"
    assert neutral("a=1") == "a=1"
    assert neutral("") == ""
