"""Each tool's file as the tool writes it: what it is recognised as, and what its rows become."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from app.errors import BadInput
from app.gaps import closeup, engine, textfile
from app.gaps.analyze import analyze
from app.gaps.engine import Engine, lists_in
from app.gaps.report import write_rejects
from app.gaps.rows import COLUMNS
from tests.support import exports


def rows_of(path: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows that one file gives, and how it was recognised."""
    with Engine() as engine:
        export = engine.open(path, role="ours", target=None, **options)
        found: list[Any] = []
        engine.take(export, lambda rows: found.extend(engine.run(rows)), lambda: len(found))
        return [dict(zip(COLUMNS, row, strict=True)) for row in found], export.report.as_dict()


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_ahrefs_broken_backlinks(tmp_path: Path) -> None:
    headers = [*exports.AHREFS_BACKLINKS[:20], "Target page HTTP code", "Target checked", "Ref. page checked", "Nofollow", "UGC", "Sponsored"]  # fmt: skip
    row = exports.link("https://a.test/1", "https://rival.example/gone")
    row |= {"Target page HTTP code": "404", "Ref. page checked": "2026-02-03 00:00:00"}
    (got,), report = rows_of(exports.ahrefs_backlinks(tmp_path / "x.csv", [row], headers=headers))
    assert (report["format"], got["target_code"], got["last_seen"]) == (
        "ahrefs-broken-backlinks",
        404,
        date(2026, 2, 3),
    )
    assert (got["followed"], got["lost"]) == (True, False)


def test_ahrefs_link_intersect_pages(tmp_path: Path) -> None:
    headers = [
        "Referring page title", "Referring page URL", "Language", "Platform", "Type", "Author", "Redirect Code", "Domain rating", "UR",
        "Domain traffic", "Referring domains", "Page traffic", "Intersect", "us.example/", "*.rival.example/*", "other.example/",
    ]  # fmt: skip
    rows = [
        ["Both", "https://www.a.test/1", "en", "", "text", "", "", "55", "9", "900", "1", "3", "2", "", "2", "1"],
        ["Marked", "https://b.test/2", "en", "", "text", "", "", "5", "9", "9", "1", "3", "2", "\u2713", "-", "https://other.example/x"],
    ]  # fmt: skip
    path = tmp_path / "li.csv"
    path.write_bytes(b"\xff\xfe" + exports.quoted([headers, *rows]).encode("utf-16-le"))
    got, report = rows_of(path)
    assert report["format"] == "ahrefs-intersect-pages"
    assert [(one["source_url"], one["target"], one["links"], one["followed"]) for one in got] == [
        ("https://www.a.test/1", "rival.example", 2, None),
        ("https://www.a.test/1", "other.example", 1, None),
        ("https://b.test/2", "us.example", 1, None),
        ("https://b.test/2", "other.example", 1, None),
    ]
    with pytest.raises(BadInput, match="which target column is ours"), analyze([path], []):
        pass
    with analyze([path], [], own_domains=["us.example"]) as analysis:
        table = {row["domain"]: row for row in analysis.rows()}
    assert (table["a.test"]["class"], table["a.test"]["best_page"]) == ("best", "https://www.a.test/1")
    assert (table["b.test"]["links_to_us"], table["b.test"]["class"]) == (1, "shared")


@pytest.mark.parametrize(
    ("headers", "name", "provider"),
    [
        (["Domain", "DR", "Domain traffic", "us.example/", "rival.example/"], "ahrefs-intersect-domains", "ahrefs"),
        (["Domain", "Domain rating", "us.example", "rival.example", "Intersect"], "ahrefs-intersect-domains", "ahrefs"),
        (["Domain", "Domain authority", "us.example", "rival.example"], "intersect", "generic"),
        (["Domain", "Domain ascore", "us.example", "rival.example", "Matches"], "semrush-gap", "semrush"),
    ],
)
def test_lists_of_domains_with_a_column_a_target(tmp_path: Path, headers: list[str], name: str, provider: str) -> None:
    cells = {"Domain": "a.test", "us.example": "0", "us.example/": "0", "rival.example": "3", "rival.example/": "3"}
    path = write(tmp_path / "x.csv", exports.plain([headers, [cells.get(header, "40") for header in headers]]))
    (row,), report = rows_of(path)
    assert (report["format"], report["provider"]) == (name, provider)
    assert (row["site"], row["target"], row["links"], row["authority"]) == ("a.test", "rival.example", 3, 40.0)


def test_semrush_backlinks_of_both_ages(tmp_path: Path) -> None:
    new = write(
        tmp_path / "new.csv",
        "Page ascore,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,Sponsored,Ugc,Text,Frame,Form,"
        "Image,Sitewide,First seen,Last seen,New link,Lost link\n"
        "12,T,https://a.test/1,https://us.example/,x,3,4,false,true,false,true,false,false,false,true,2025-01-02,2026-01-02,false,false\n"
        "12,T,https://b.test/1,https://us.example/,x,3,4,true,false,false,true,false,false,false,false,2025-01-02,2026-01-02,false,true\n",
    )
    (first, second), report = rows_of(new)
    assert report["format"] == "semrush-backlinks"
    assert (first["page_authority"], first["authority"], first["followed"], first["sitewide"]) == (
        12.0,
        None,
        False,
        True,
    )
    assert (second["lost"], second["followed"], second["traffic"]) == (True, False, None)
    old = write(
        tmp_path / "old.csv",
        "Page score,Page trust score,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,Frame,Form,Image,"
        "Sitewide,First seen,Last seen\n7,1,T,https://a.test/1,https://us.example/,x,3,4,false,false,false,false,false,2025-01-02,2026-01-02\n",
    )
    (row,), report = rows_of(old)
    assert (report["format"], row["page_authority"], row["followed"]) == ("semrush-backlinks", 7.0, True)


def test_semrush_backlink_audit(tmp_path: Path) -> None:
    path = write(
        tmp_path / "audit.csv",
        "Domain Authority Score,Page Authority Score,Source URL,Source Page Title,Source Domain,Target URL,Anchor,Anchor Type,Link Type,"
        "No Follow,Toxic Score,First Seen,Last Seen,Comment\n"
        "33,12,https://a.test/1,T,a.test,https://us.example/,x,Branded,text,false,70,2025-01-02,2026-01-02,\n",
    )
    (row,), report = rows_of(path)
    assert (report["format"], row["authority"], row["page_authority"], row["followed"]) == (
        "semrush-audit",
        33.0,
        12.0,
        True,
    )


def test_moz_below_its_preamble_with_a_link_on_two_rows(tmp_path: Path) -> None:
    path = write(
        tmp_path / "moz.csv",
        "Report,Inbound links\nTarget,us.example\n\nDate,2026-01-02\nRows,3\n\n"
        "URL,Title,Anchor Text,Spam Score,Page Authority,Domain Authority,Number of Domains Linking to this Page,"
        "Number of Domains Linking to Domain,Origin,Target URL,Link Equity,No Link Equity,Only rel=nofollow,Only follow,301\n"
        "a.test/1,T,x,1,20,30,1,2,External,us.example/,Yes,No,No,Yes,No\n"
        "a.test/1,T,x,1,20,30,1,2,External,us.example/,Yes,No,No,Yes,Yes\n"
        "http://b.test/2,T,x,1,20,30,1,2,External,us.example/,No,Yes,Yes,No,No\n",
    )
    rows, report = rows_of(path)
    assert report["format"] == "moz-links"
    assert sorted((row["site"], row["links"], row["followed"], row["authority"]) for row in rows) == [
        ("a.test", 0, True, 30.0), ("a.test", 1, True, 30.0), ("b.test", 1, False, 30.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "line", "name"),
    [
        (
            "URL,Title,Anchor Text,Spam Score,PA,DA,Target URL,Link Equity",
            "a.test/1,T,x,-,20,30,us.example/,Yes",
            "moz-links",
        ),
        ("Root Domain,DA,Spam Score,Links", "a.test,30,2,7", "moz-domains"),
    ],
)
def test_moz_with_short_names_for_its_authorities(tmp_path: Path, head: str, line: str, name: str) -> None:
    rows, report = rows_of(write(tmp_path / "moz.csv", f"Report for us.example\n\n{head}\n{line}\n"))
    assert (report["format"], [row["authority"] for row in rows]) == (name, [30.0])


MAJESTIC = (
    "Target URL,Source URL,Anchor Text,Source Crawl Date,Source First Found Date,FlagNoFollow,FlagImageLink,FlagRedirect,FlagFrame,"
    "FlagOldCrawl,FlagAltText,FlagMention,SourceCitationFlow,SourceTrustFlow,TargetCitationFlow,TargetTrustFlow,"
    "SourceTopicalTrustFlow_Topic_0,SourceTopicalTrustFlow_Value_0,RefDomainTopicalTrustFlow_Topic_0,RefDomainTopicalTrustFlow_Value_0\n"
)


def test_majestic_backlinks_keep_mentions_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path / "majestic.csv",
        MAJESTIC
        + "https://rival.example/,https://a.test/1,x,2026-01-03,2025-02-03,,,,,,,,11,22,1,1,,,,\n"
        + "https://rival.example/,https://b.test/1,x,2026-01-03,2025-02-03,NoFollow,,,,,,,11,22,1,1,,,,\n"
        + "https://rival.example/,https://c.test/1,rival,2026-01-03,2025-02-03,,,,,,,Mention,11,22,1,1,,,,\n"
        + "https://rival.example/,https://d.test/1,too,few\n",
    )
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    with analyze([ours], [("rival.example", path)], own_domains=["us.example"]) as analysis:
        table = {row["domain"]: row for row in analysis.rows()}
        report = analysis.summary["files"][1]
    assert report["format"] == "majestic-backlinks"
    assert (report["rows_read"], report["rows_taken"], report["rows_rejected"]) == (4, 2, 1)
    assert report["reasons"] == {"mention": 1, "wrong-width": 1}
    assert {name: row["dofollow"] for name, row in table.items()} == {
        "a.test": True,
        "b.test": False,
        "ours.test": None,
    }
    assert table["a.test"]["authority"] is None  # Trust Flow is a figure of the page


def test_majestics_redirects_and_frames_are_link_types(tmp_path: Path) -> None:
    rows, _ = rows_of(
        write(
            tmp_path / "majestic.csv",
            MAJESTIC
            + "https://rival.example/,https://a.test/1,x,2026-01-03,2025-02-03,,,,,,,,11,22,1,1,,,,\n"
            + "https://rival.example/,https://b.test/1,x,2026-01-03,2025-02-03,,,1,,,,,11,22,1,1,,,,\n"
            + "https://rival.example/,https://c.test/1,x,2026-01-03,2025-02-03,,,,1,,,,11,22,1,1,,,,\n",
        )
    )
    assert [(row["site"], row["link_type"]) for row in rows] == [
        ("a.test", None), ("b.test", "redirect"), ("c.test", "frame"),
    ]  # fmt: skip


def test_mozs_spam_score_is_read(tmp_path: Path) -> None:
    head = "URL,Title,Anchor Text,Spam Score,Page Authority,Domain Authority,Target URL,Link Equity\n"
    cells = (("90", True), ("61", True), ("60", False), ("0", False), ("-1", None), ("", None))
    lines = [f"a{n}.test/1,T,x,{score},20,30,us.example/,Yes\n" for n, (score, _) in enumerate(cells)]
    rows, _ = rows_of(write(tmp_path / "moz.csv", head + "".join(lines)))
    assert [row["spam"] for row in sorted(rows, key=lambda row: row["site"])] == [spam for _, spam in cells]


def test_majestic_api_shape(tmp_path: Path) -> None:
    headers = (
        "SourceURL,ACRank,AnchorText,Date,FlagRedirect,FlagFrame,FlagNoFollow,FlagImages,FlagDeleted,FlagAltText,FlagMention,TargetURL,"
        "DomainID,FirstIndexedDate,LastSeenDate,DateLost,ReasonLost,LinkType,LinkSubType,TargetCitationFlow,TargetTrustFlow,"
        "TargetTopicalTrustFlow_Topic_0,TargetTopicalTrustFlow_Value_0,SourceCitationFlow,SourceTrustFlow,"
        "SourceTopicalTrustFlow_Topic_0,SourceTopicalTrustFlow_Value_0\n"
    )
    tail = ",TextLink,,1,1,,,9,8,,\n"
    path = write(
        tmp_path / "api.csv",
        headers
        + "https://a.test/1,1,x,2026-01-01,0,0,0,0,0,0,0,https://rival.example/,5,2025-01-01,2026-01-01,," + tail
        + "https://b.test/1,1,x,2026-01-01,0,0,1,0,0,0,0,https://rival.example/,5,2025-01-01,2026-01-01,2026-02-01,gone" + tail
        + "https://c.test/1,1,x,2026-01-01,0,0,0,0,1,0,0,https://rival.example/,5,2025-01-01,2026-01-01,," + tail,
    )  # fmt: skip
    rows, report = rows_of(path)
    assert report["format"] == "majestic-api"
    assert [(row["site"], row["followed"], row["lost"]) for row in rows] == [
        ("a.test", True, False), ("b.test", False, True), ("c.test", True, True),
    ]  # fmt: skip


def test_se_ranking_as_its_export_gives_it(tmp_path: Path) -> None:
    text = (
        "url_from,url_to,title,anchor,alt,nofollow,image,image_source,inlink_rank,domain_inlink_rank,first_seen,last_visited\n"
        "https://a.test/1,https://rival.example/,T,x,,0,0,,12,44,2025-01-02,2026-01-02\n"
        "https://b.test/1,https://rival.example/,T,x,,1,1,,12,44,2025-01-02,2026-01-02\n"
    )
    path = tmp_path / "export.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    rows, report = rows_of(path)
    assert report["format"] == "se-ranking"
    assert [(row["followed"], row["image"], row["authority"]) for row in rows] == [
        (True, False, 44.0),
        (False, True, 44.0),
    ]


def book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """A minimal workbook, written by hand: texts inline, numbers as numbers."""

    def cell(value: Any) -> str:
        if isinstance(value, (int, float)):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    listed = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{rel}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        root = f'<Relationship Id="r" Type="{rel}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships">{root}</Relationships>')
        archive.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{rel}"><sheets>{listed}</sheets></workbook>')
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for number, rows in enumerate(sheets.values(), 1):
            body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>"
            )
    return path


def test_a_workbook_of_search_console(tmp_path: Path) -> None:
    path = book(
        tmp_path / "us.example-Links-2026-03-04.xlsx",
        {
            "Chart": [],
            "Häufigste Zielseiten": [["Zielseite", "Eingehende Links", "Verweisende Websites"], ["https://us.example/", 3, 2]],
            "Häufigste Websites": [["Website", "Verweisende Seiten", "Zielseiten"], ["a.test", 1240, 2], ["b.test", 3, 1]],
        },
    )  # fmt: skip
    rows, report = rows_of(path)
    assert (report["format"], report["encoding"], report["as_of"]) == ("search-console-sites", "xlsx", "2026-03-04")
    assert [(row["site"], row["links"]) for row in rows] == [("a.test", 1240), ("b.test", 3)]
    assert any("read the table 'Häufigste Websites'" in note for note in report["notes"])


@pytest.mark.parametrize("cell", ["XFD1048576", "ZZ200000", "XFD3000"])
@pytest.mark.parametrize("place", ["xl/worksheets/sheet1.xml", "xl/elsewhere/one.xml"])
def test_a_workbook_with_a_stray_cell_is_refused_in_words(tmp_path: Path, cell: str, place: str) -> None:
    """The library asks for the whole rectangle at once, and no exception is left of what dies of that."""
    path = book(tmp_path / "us.example.xlsx", {"Sites": [["Site", "Linking pages"], ["a.test", 2]]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            place.replace("sheet1", "sheet9"), f'<sheetData><row><c r="A1"/><c r="{cell}"/></row></sheetData>'
        )
    with pytest.raises(BadInput, match="a sheet reaches over"):
        rows_of(path)


@pytest.mark.parametrize(
    ("headers", "when"),
    [
        (("Seite mit Link", "Zuletzt gecrawlt"), "28.09.2026"),
        (("Página de enlace", "Último rastreo"), "2026-09-28"),
        (("Page contenant un lien", "Dernière exploration"), "28 sept. 2026"),
        (("Pagina con link", "Ultima scansione"), "28/09/2026"),
        (("リンク元ページ", "最終クロール"), "2026-09-28"),
    ],
)
def test_search_console_in_any_language(tmp_path: Path, headers: tuple[str, str], when: str) -> None:
    path = exports.search_console_links(tmp_path / "x.csv", [("https://a.test/1", when)], headers)
    (row,), report = rows_of(path)
    assert (report["format"], row["site"]) == ("search-console-links", "a.test")


def test_the_zip_of_search_console_gives_its_fullest_list(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("Top linking sites.csv", "Site,Linking pages,Target pages\na.test,2,1\n")
        archive.writestr("Latest links.csv", "Linking page,Last crawled\nhttps://a.test/1,2026-01-02\n")
        archive.writestr("Top linked pages.csv", "Target page,Incoming links,Linking sites\nhttps://us.example/,2,1\n")
    (row,), report = rows_of(tmp_path / "x.zip")
    assert (report["format"], row["source_url"]) == ("search-console-links", "https://a.test/1")
    # What holds links is read by itself; what does not is named.
    assert [note for note in report["notes"] if note.endswith("beside it lay: Top linked pages.csv")]
    assert lists_in(tmp_path / "x.zip") == [None, "Top linking sites.csv"]
    assert lists_in(tmp_path / "x.zip", "search-console-sites") == [None]


def test_a_file_of_one_table_is_not_unpacked_to_look_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = [["Website", "Verweisende Seiten", "Zielseiten"], ["a.test", 3, 2]]
    several = book(tmp_path / "several.xlsx", {"Websites": sheet, "More": [["Zielseite"], ["x"]], "Again": sheet})
    one = book(tmp_path / "one.xlsx", {"Websites": sheet})
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("Sites.csv", "Site,Linking pages,Target pages\na.test,2,1\n")
        archive.writestr("__MACOSX/._Sites.csv", "x")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    assert lists_in(several) == [None, "Again"]

    def unpacked(*_: object) -> None:
        raise AssertionError("unpacked")

    monkeypatch.setattr(engine, "open_texts", unpacked)
    assert [lists_in(path) for path in (one, tmp_path / "one.zip", tmp_path / "broken.zip")] == [[None]] * 3


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfile, "BOMB_BYTES", 1 << 20)
    bomb = b"Site,Linking pages,Target pages\n" + b"0" * (4 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", bomb)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bomb))
    lying = io.BytesIO()
    with zipfile.ZipFile(lying, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1_001):
            archive.writestr(f"{number}.csv", "x")
    (tmp_path / "many.zip").write_bytes(lying.getvalue())
    for name, message in (
        ("bomb.zip", "which is no export"),
        ("bomb.csv.gz", "which is no export"),
        ("many.zip", "1,001 files"),
    ):
        with pytest.raises(BadInput, match=rf"{name}.*{message}"):
            rows_of(tmp_path / name)


def test_the_same_bytes_twice_are_read_once(tmp_path: Path) -> None:
    ours = exports.search_console_sites(tmp_path / "ours.csv", [("ours.test", 1, 1)])
    first = exports.ahrefs_backlinks(tmp_path / "1.csv", [exports.link("https://a.test/1", "https://rival.example/")])
    (tmp_path / "2.csv").write_bytes(first.read_bytes())
    files: list[tuple[str | None, Path]] = [("rival.example", first), ("rival.example", tmp_path / "2.csv")]
    with analyze([ours], files, own_domains=["us.example"]) as analysis:
        assert [row["links"] for row in analysis.rows()] == [1, 0]
        assert "2.csv: the same bytes as 1.csv; read once" in analysis.summary["notes"]


def test_rejected_rows_leave_as_a_file_that_is_safe_to_open(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "Site,Linking pages,Target pages\n=1+1,2,3\na.test,1,1\n,1,1\n1,2\n")
    other = exports.ahrefs_backlinks(tmp_path / "o.csv", [exports.link("https://a.test/1", "https://rival.example/")])
    with analyze([path], [("rival.example", other)], own_domains=["us.example"]) as analysis:
        rejected = [(one.file, one.as_dict()["rejected"]) for one in analysis.files]
    assert write_rejects(rejected, tmp_path / "rejects.csv") == 3
    with (tmp_path / "rejects.csv").open(newline="") as file:
        found = [(row["line"], row["reason"], row["text"]) for row in csv.DictReader(file)]
    assert found == [("2", "no-domain", "'=1+1,2,3"), ("4", "no-source", ",1,1"), ("5", "wrong-width", "1,2")]


def test_a_link_that_majestic_has_not_seen_again_is_no_link_to_a_competitor(tmp_path: Path) -> None:
    def listed(name: str, target: str, pages: dict[str, str]) -> Path:
        header = "Target URL,Source URL,Anchor Text,Source Crawl Date,Source First Found Date,FlagNoFollow,FlagImageLink,FlagOldCrawl,FlagMention\n"
        lines = [f"https://{target}/,{page},words,2019-03-01,2018-01-01,,,{old},\n" for page, old in pages.items()]
        path = tmp_path / name
        path.write_text(header + "".join(lines), encoding="utf-8")
        return path

    ours = listed("us.csv", "us.example", {"https://both.test/us": "1"})
    theirs = listed(
        "rival.csv",
        "rival.example",
        {"https://old.test/x": "1", "https://new.test/x": "", "https://new.test/old": "1", "https://both.test/x": ""},
    )
    with analyze([ours], [("rival.example", theirs)], own_domains=["us.example"]) as analysis:
        table = {row["domain"]: row for row in analysis.rows()}
        pages = [row["page"] for row in closeup.pages(analysis.engine, analysis.links, analysis.competitors)]
    assert (table["old.test"]["tier"], table["old.test"]["removed_by"]) == (None, "lost")
    assert (table["new.test"]["tier"], table["new.test"]["links"]) == (1, 1)
    # Ours counts all the same: nobody is asked for a link that may be there.
    assert (table["both.test"]["class"], table["both.test"]["links_to_us"]) == ("shared", 1)
    assert pages == ["https://new.test/x"]
