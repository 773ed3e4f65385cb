"""Exports as people have them: saved again by a spreadsheet, packed on a Mac, of a list that nobody named, of sites that are their own suffix."""

from __future__ import annotations

import csv
import zipfile
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.work import Database
from app.domain.winnability import Evidence, judge
from app.errors import BadInput
from app.gaps import service
from app.gaps.analyze import Analysis, analyze
from app.gaps.detect import target_by_name
from app.gaps.engine import Engine
from app.gaps.keying import ask, keyed, resolved
from app.gaps.rows import select_rows
from app.gaps.sums import create_links
from app.gaps.webgraph.files import Release
from app.gaps.words import seller, winnability_rules
from app.keys import site_key
from app.models import Prospect
from app.sites import service as sites
from tests.slices.test_gap_formats import rows_of

SEMRUSH = (
    "Page ascore,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,First seen,Last seen,"
    "New link,Lost link\n"
)


def semrush(path: Path, urls: list[str], *, target: str = "rival.example", no: str = "false") -> Path:
    lines = [f"33,T,{url},https://{target}/p,a,1,1,{no},2025-01-01,2026-05-01,{no},{no}\n" for url in urls]
    path.write_text(SEMRUSH + "".join(lines))
    return path


def test_sites_that_are_their_own_suffix_are_gaps_like_others(tmp_path: Path) -> None:
    hosts = ["www.gov.uk", "www.nhs.uk", "www.gov.br", "www.other.test"]
    ours = semrush(tmp_path / "us.example-backlinks.csv", ["https://o.test/"], target="us.example")
    theirs = semrush(tmp_path / "rival.example-backlinks.csv", [f"https://{host}/guide" for host in hosts])
    with analyze([ours], [("rival.example", theirs)], own_domains=["us.example"], today=date(2026, 6, 1)) as made:
        found = {row["domain"] for row in made.rows()}
    assert found == {"gov.uk", "nhs.uk", "gov.br", "other.test", "o.test"}


def own_table(ours: Path, theirs: Path, **columns: str) -> AbstractContextManager[Analysis]:
    """The gap from a table of somebody's own, for a site in English."""
    return analyze(
        [ours],
        [("rival.example", theirs)],
        own_domains=["us.example"],
        today=date(2026, 6, 1),
        formats={theirs: "generic"},
        mapping=columns,
        languages=["en"],
    )


def test_a_site_on_a_suffix_is_one_site_however_a_list_names_it(tmp_path: Path) -> None:
    """Lists of domains leave the www. out: a link that we have is no gap."""
    ours = tmp_path / "us.example-refdomains.csv"
    ours.write_text("Domain,Backlinks,Dofollow backlinks\ngov.uk,40,40\nnhs.uk,3,3\no.test,1,1\n")
    theirs = semrush(
        tmp_path / "rival.example-backlinks.csv", [f"https://www.{host}/x" for host in ("gov.uk", "nhs.uk")]
    )
    with analyze([ours], [("rival.example", theirs)], own_domains=["us.example"], today=date(2026, 6, 1)) as made:
        found = {row["domain"]: row["links_to_us"] for row in made.rows()}
    assert {name for name, links in found.items() if not links} == set()


@pytest.mark.parametrize(
    ("source", "site"),
    [
        ("web.archive.org/web/2019/https://innocent-shop.com/page", "archive.org"),
        ("translate.google.com/translate?u=https://victim.org/", "google.com"),
        ("www.big-news.co.uk/a?ref=http://rival.example", "big-news.co.uk"),
        ("//cdn.example.org/x?u=https://a.test/", "example.org"),
        ("HTTPS://Www.Plain.test/x", "plain.test"),
    ],
)
def test_an_address_inside_another_one_is_not_the_source(tmp_path: Path, source: str, site: str) -> None:
    ours = semrush(tmp_path / "us.example-backlinks.csv", ["https://o.test/"], target="us.example")
    theirs = tmp_path / "rival.example.csv"
    theirs.write_text(f"Source page,Target page\n{source},https://rival.example/p\n")
    with own_table(ours, theirs, source="Source page") as made:
        found = {row["domain"]: row["best_page"] for row in made.rows()}
    assert site in found
    assert str(found[site]).startswith(("http://", "https://", "HTTPS://"))


ODD = [
    "https://www.gov.uk/x", "https://gov.uk/x", "https://www.blogspot.com/", "www.news.co.uk", "https://m.medium.com/@anna/x",
    "https://www.medium.com/@anna/x", "https://a.github.io/x", "https://github.com/org/repo", "https://www.xn--mnchen-3ya.de/",
    "http://www.city.kawasaki.jp/x", "https://foo.kawasaki.jp/x", "https://www.uk.com/", "https://x.uk.com/", "https://192.0.2.1/x",
    "https://Www.Example.ORG/x", "https://www.com/", "https://sub.www.example.org/",
]  # fmt: skip


def test_the_engine_gives_the_keys_of_the_application(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("source\n" + "".join(f"{url}\n" for url in ODD))
    with Engine() as engine:
        create_links(engine)
        export = engine.open(
            path, role="competitor", target="rival.example", wanted="generic", mapping={"source": "source"}
        )
        rows = f"SELECT source_url, site FROM ({select_rows(export.layout, export.relation)})"
        engine.run(f"CREATE TABLE step AS SELECT * FROM {keyed(rows)}")
        ask(engine, "step")
        found = dict(engine.run(f"SELECT source_url, key FROM {resolved(engine, 'step')}"))
    assert found == {url: site_key(url) for url in found}
    assert len(found) == len(ODD)


NO = ["FALSCH", "FAUX", "FALSO", "ONWAAR", "FAŁSZ", "ЛОЖЬ", "YANLIŞ", "n/a", "None", "-"]


@pytest.mark.parametrize("no", NO)
def test_a_spreadsheets_word_for_no_is_no_loss(tmp_path: Path, no: str) -> None:
    [row], _ = rows_of(semrush(tmp_path / "rival.example-backlinks.csv", ["https://a.test/"], no=no))
    assert (row["lost"], row["followed"]) == (False, None if no in ("n/a", "None", "-") else True)


@pytest.mark.parametrize("yes", ["WAHR", "VRAI", "VERDADERO", "PRAWDA", "ИСТИНА", "true", "1"])
def test_a_spreadsheets_word_for_yes_is_one(tmp_path: Path, yes: str) -> None:
    [row], _ = rows_of(semrush(tmp_path / "rival.example-backlinks.csv", ["https://a.test/"], no=yes))
    assert (row["lost"], row["followed"]) == (True, False)


@pytest.mark.parametrize(("cell", "lost"), [("0000-00-00", False), ("null", False), ("-", False), ("2026-04-01", True)])
def test_a_day_that_is_none_is_no_loss(tmp_path: Path, cell: str, lost: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"from_url,to_url,is_nofollow,date_lost\nhttps://a.test/,https://rival.example/,0,{cell}\n")
    assert [row["lost"] for row in rows_of(path)[0]] == [lost]


def test_the_twin_that_a_mac_puts_beside_a_table_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    table = semrush(tmp_path / "rival.example-backlinks.csv", ["https://a.test/"]).read_text()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/rival.example-backlinks.csv", table)
        archive.writestr("x/._rival.example-backlinks.csv", b"\0\5\x16\7")
    assert [row["site"] for row in rows_of(path)[0]] == ["a.test"]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("www.rival.com-blog-refdomains-prefix_2026-02-28.csv", "rival.com"),
        ("rival.com-broken-backlinks-subdomains_2026-02-28.csv", "rival.com"),
        ("my-rival.co.uk-backlinks.csv", "my-rival.co.uk"),
        ("xn--mnchen-3ya.xn--p1ai-backlinks.csv", "xn--mnchen-3ya.xn--p1ai"),
    ],
)
def test_a_name_of_a_file_gives_a_domain_without_the_folder_behind_it(name: str, target: str) -> None:
    assert target_by_name(Path(name)) == target


@pytest.mark.parametrize(
    ("cell", "day"),
    [("3 февр. 2026 г.", date(2026, 2, 3)), ("13 мая 2026 г.", date(2026, 5, 13)), ("3 paź 2026", date(2026, 10, 3))],
)
def test_dates_in_more_languages(tmp_path: Path, cell: str, day: date) -> None:
    path = tmp_path / "latest.csv"
    path.write_text(f"Страница,Сканирование\nhttps://a.test/x,{cell}\nhttps://b.test/x,{cell}\n")
    rows, report = rows_of(path)
    assert (report["format"], {row["last_seen"] for row in rows}) == ("search-console-links", {day})


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("cc-main-2024-25-dec-jan-feb", date(2025, 2, 1)), ("cc-main-2023-24-sep-nov-feb", date(2024, 2, 1)),
        ("cc-main-2024-nov-feb-apr", date(2024, 4, 1)), ("cc-main-2026-may-jun-jul", date(2026, 7, 1)),
    ],
)  # fmt: skip
def test_a_release_of_the_graph_is_of_the_year_in_which_it_ends(name: str, day: date) -> None:
    assert Release(name, "", "", "").as_of == day


@pytest.mark.parametrize(
    "seen",
    [
        {"anchor": "Rival", "right": " (paid) tracks ranks. Other (free)", "title": "12 SEO tools"},
        {"title": "The Red Lion (pub), York"},
        {"title": "Pay per click advertising (ads) explained"},
    ],
)
def test_a_price_or_a_pub_in_brackets_closes_no_gate(seen: dict[str, str]) -> None:
    evidence = Evidence(domain="a.test", languages=("en",), page="https://a.test/x", **({"anchor": "x"} | seen))
    assert judge(evidence, winnability_rules(), seller()).gate is None


@pytest.mark.parametrize(
    ("language", "left"), [("it", "strumenti come"), ("pt", "ferramentas como"), ("fr", "sans autre comment")]
)
def test_an_ordinary_word_is_no_sign_of_an_editor(language: str, left: str) -> None:
    evidence = Evidence(domain="a.test", languages=(language,), left=left, anchor="Rival", page="https://a.test/x/y")
    assert judge(evidence, winnability_rules(), seller()).score == 50


# --- into a site ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(db: Database) -> int:
    with db.work() as uow:
        made = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        for rival in ("alpha.example", "beta.example"):
            sites.add_competitor(uow, made.id, rival)
        return int(made.id)


def refdomains(folder: Path, target: str, day: str, domains: list[str], lost: list[str] | None = None) -> Path:
    place = folder / f"{target}-refdomains-subdomains_{day}_10-00-00.csv"
    with place.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Domain", "DR", "Links to target", "Lost"])
        writer.writerows([domain, 40, 3, ""] for domain in domains)
        writer.writerows([domain, 40, 0, "2026-04-01"] for domain in lost or [])
    return place


def prospect(db: Database, domain: str) -> Prospect:
    with db.read() as uow:
        return uow.session.execute(select(Prospect).where(Prospect.domain == domain)).scalar_one()  # type: ignore[arg-type]


def test_a_loss_at_one_competitor_proves_none_at_another_whose_list_is_cut(
    db: Database, site: int, tmp_path: Path
) -> None:
    def look(*paths: Path) -> Any:
        return service.import_and_refresh(db, site, list(paths), folder=tmp_path / "kept", actor="t")

    fill = [f"f{number}.test" for number in range(99)]
    look(
        refdomains(tmp_path, "us.example", "2026-05-01", ["ours.test"]),
        refdomains(tmp_path, "alpha.example", "2026-05-01", ["x.test", "y.test", "only-alpha.test"]),
        refdomains(tmp_path, "beta.example", "2026-05-01", ["x.test", *fill, "z.test"]),
    )
    # A hundred rows: beta's tool may have cut them there.
    look(
        refdomains(tmp_path, "alpha.example", "2026-05-15", ["y.test"], lost=["x.test", "only-alpha.test"]),
        refdomains(tmp_path, "beta.example", "2026-05-15", [*fill, "z.test"]),
    )
    assert (prospect(db, "x.test").gap_state, prospect(db, "x.test").removed_by) == (None, [])
    assert (prospect(db, "only-alpha.test").gap_state, prospect(db, "only-alpha.test").removed_by) == ("gone", ["lost"])
    # And a whole list of beta's proves it.
    look(refdomains(tmp_path, "beta.example", "2026-05-20", [*fill, "z.test", "new.test"]))
    assert (prospect(db, "x.test").gap_state, prospect(db, "x.test").removed_by) == ("gone", ["lost"])


@pytest.mark.parametrize(
    "table",
    [
        "Linking Page,Target Page,Anchor\nhttps://x.test/a,https://alpha.example/,a\n",
        "Referring domain,Backlinks,Dofollow backlinks\nx.test,10,5\ny.test,3,3\n",
        "Source URL,First seen\nhttps://x.test/a,2026-01-01\nhttps://y.test/a,2026-01-02\n",
        "URL\nhttps://x.test/a\nhttps://y.test/a\n",
    ],
)
def test_a_list_of_nobody_knows_whom_is_not_taken_for_ours(db: Database, site: int, tmp_path: Path, table: str) -> None:
    path = tmp_path / "export 2026-05-15.csv"
    path.write_text(table)
    with pytest.raises(BadInput) as refused:
        service.import_and_refresh(db, site, [path], folder=tmp_path / "kept", actor="t")
    assert "does not say whose links" in refused.value.detail or "no known export" in refused.value.detail


@pytest.mark.parametrize("name", ["plus.example 2026-05-15.csv", "us.example.net.csv", "minus-us.example.csv"])
def test_a_name_that_only_holds_the_letters_of_our_domain_says_nothing(
    db: Database, site: int, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("Sivusto,Linkittävät sivut,Kohdesivut\nx.test,10,5\ny.test,3,3\n")
    with pytest.raises(BadInput, match="does not say whose links"):
        service.import_and_refresh(db, site, [tmp_path / name], folder=tmp_path / "kept", actor="t")


def test_a_list_in_a_language_that_we_do_not_know_is_ours_where_its_name_says_so(
    db: Database, site: int, tmp_path: Path
) -> None:
    alpha = refdomains(tmp_path, "alpha.example", "2026-05-15", ["x.test"])
    path = tmp_path / "https___us.example_-Suosituimmat 2026-05-15.csv"
    path.write_text("Sivusto,Linkittävät sivut,Kohdesivut\nx.test,10,5\ny.test,3,3\n")
    imported, *_ = service.import_and_refresh(db, site, [alpha, path], folder=tmp_path / "kept", actor="t")
    assert [(one.role, one.target) for one in imported[1].snapshots] == [("ours", "us.example")]


def test_each_row_is_in_the_gap_or_among_the_rejected(tmp_path: Path) -> None:
    """However its address is spoiled: nothing is in both, and nothing in neither."""
    ours = semrush(tmp_path / "us.example-backlinks.csv", ["https://o.test/"], target="us.example")
    cells = [
        "https://good.test/x",
        "'https://one.test/x",
        '=HYPERLINK("https://two.test/x")',
        "https:/three.test/x",
        "-",
        "//four.test/x",
    ]
    theirs = tmp_path / "rival.example.csv"
    with theirs.open("w", newline="") as out:
        csv.writer(out).writerows([["Source page", "Rank"], *([cell, "1"] for cell in cells)])
    with own_table(ours, theirs, source="Source page") as made:
        found = {row["domain"] for row in made.rows()}
        [report] = [one for one in made.files if one.role == "competitor"]
    assert found == {"good.test", "four.test", "o.test"}
    assert report.rejects.total == 4


def test_a_directory_of_people_is_no_directory_of_sites(tmp_path: Path) -> None:
    ours = semrush(tmp_path / "us.example-backlinks.csv", ["https://o.test/"], target="us.example")
    pages = ["https://uni.test/staff/directory/jane", "https://manual.test/docs/directory/structure"]
    theirs = semrush(tmp_path / "rival.example-backlinks.csv", [*pages, "https://list.test/web-directory/shops"])
    with analyze([ours], [("rival.example", theirs)], own_domains=["us.example"], today=date(2026, 6, 1)) as made:
        removed = {row["domain"]: row["removed_by"] for row in made.rows()}
    assert (removed["uni.test"], removed["manual.test"], removed["list.test"]) == ("", "", "directory")


def test_a_table_with_figures_of_ones_own_is_not_taken_for_search_console(tmp_path: Path) -> None:
    path = tmp_path / "rival.example.csv"
    path.write_text("Domain;DR;Traffic\nfoo.test;50;100\nbar.test;40;90\n")
    with Engine() as engine, pytest.raises(BadInput, match="no known export has these columns: Domain, DR, Traffic"):
        engine.open(path, role="competitor", target="rival.example")


def test_a_language_is_judged_by_its_code_alone(tmp_path: Path) -> None:
    ours = semrush(tmp_path / "us.example-backlinks.csv", ["https://o.test/"], target="us.example")
    theirs = tmp_path / "rival.example.csv"
    said = {
        "a.test": "English",
        "b.test": "en-US",
        "c.test": "EN",
        "d.test": "Deutsch",
        "e.test": "de",
        "f.test": "de_AT",
        "g.test": "",
    }
    theirs.write_text("Source page,Language\n" + "".join(f"https://{site}/x,{name}\n" for site, name in said.items()))
    with own_table(ours, theirs, source="Source page", language="Language") as made:
        removed = {row["domain"] for row in made.rows() if row["removed_by"]}
    assert removed == {"e.test", "f.test"}
