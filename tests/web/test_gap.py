"""The gap review: floors that hide only what is known, the figures of what they hide, the matrix, and the decisions."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.work import Database
from app.desk import review
from app.domain.pipeline import Stage
from app.gaps import views
from app.models import Competitor, Prospect, RemovedGap, Role, Site
from app.prospects import service as prospects
from app.reports import gap, gap_file
from app.reports.gap import Filter
from tests.support.http import House
from tests.support.world import a_page, a_prospect, a_site
from tests.web.test_pages import post

ROWS = (
    ("strong.test", {"authority": 71.0, "traffic": 42_000, "dofollow": True}),
    ("weak.test", {"authority": 12.0, "traffic": 42_000, "dofollow": True}),
    ("quiet.test", {"authority": 66.0, "traffic": 10, "dofollow": False}),
    ("both.test", {"authority": 3.0, "traffic": 3, "dofollow": True, "follow": "fn"}),
    ("unknown.test", {"authority": None, "traffic": None, "dofollow": None}),
    ("other-scale.test", {"authority": 9.0, "authority_provider": "semrush", "traffic": 5_000, "dofollow": True}),
    ("none.test", {"authority": 0.0, "traffic": 0, "dofollow": False}),
)


def gaps(house: Any) -> int:
    with house.work() as uow:
        site = a_site(uow)
        for name in ("alpha.test", "beta.test"):
            uow.session.add(Competitor(site_id=site.id, domain=name, created_at=uow.now()))
        for number, (domain, values) in enumerate(ROWS):
            linking = ["alpha.test", "beta.test"][: 1 + number % 2]
            filled = {"authority_provider": "ahrefs", **values}
            one = a_prospect(
                uow, site, domain, tier=1 + number % 2, overlap=len(linking), competitors=linking, **filled
            )
            prospects.rerank(one, 2)
        a_prospect(uow, site, "spam.test", tier=3, overlap=1, competitors=["alpha.test"], removed_by=["spam"])
        return int(site.id)


def test_floors_hide_only_what_is_known_and_say_what_they_cost(db: Database) -> None:
    site_id = gaps(db)
    asked = Filter(site_id, authority=50, traffic=1_000)
    with db.read() as uow:
        shown = {row["domain"] for row in gap.listing(uow, asked)}
        counted = gap.account(uow, asked)
        certain = {
            row["domain"] for row in gap.listing(uow, Filter(site_id, authority=50, traffic=1_000, known_only=True))
        }
        removed = [row["domain"] for row in gap.listing(uow, Filter(site_id, view="removed"))]
    assert shown == {"strong.test", "unknown.test", "other-scale.test"}
    assert certain == {"strong.test"}
    assert removed == ["spam.test"]
    assert (counted.total, counted.hidden, counted.undecided) == (7, 4, 2)
    assert counted.by == {"authority": 3, "traffic": 3}
    assert counted.alone == {"authority": 1, "traffic": 1}


@pytest.mark.parametrize("order", gap.ORDERS)
def test_every_order_is_walked_once(db: Database, order: str) -> None:
    asked = Filter(gaps(db), order=order)
    with db.read() as uow:
        whole = [row["domain"] for row in gap.listing(uow, asked)]
        walked, after = [], None
        while page := gap.listing(uow, asked, after=after, limit=2):
            walked += [row["domain"] for row in page]
            after = gap.position(page[-1], order)
    assert walked == whole
    assert len(set(whole)) == 7
    if order == "authority":
        assert whole[0] == "strong.test"
        assert whole[-1] == "unknown.test"


def cells(page: str) -> dict[str, list[str]]:
    """Each domain with (drawing, words) of its matrix cells."""
    found = {}
    for row in re.findall(r"<tr>\s*<td><label.*?</tr>", page, re.DOTALL):
        domain = re.search(r'<th scope="row"[^>]*><a[^>]*>([^<]+)', row)
        assert domain
        dots = re.findall(
            r'class="dots">.*?<svg class="dot-(\w+)".*?<span class="hidden">([^<]+)</span>', row, re.DOTALL
        )
        found[domain[1]] = [f"{kind}: {words}" for kind, words in dots]
    return found


def test_the_matrix_says_in_words_what_it_draws(house: House) -> None:
    """U27: the words are those of the drawing, the sorted column says so, unknown is a dash and never 0."""
    gaps(house.db)
    page = house.browser(Role.OUTREACH).get("/gap").text
    drawn = cells(page)
    assert drawn["strong.test"] == ["none: no link", "full: dofollow", "none: no link"]
    assert drawn["quiet.test"] == ["none: no link", "half: nofollow only", "none: no link"]
    # Both link and one of the links is followed: which one, only the letters of the import say.
    assert drawn["weak.test"] == ["none: no link", *["maybe: links, follow unknown"] * 2]
    assert drawn["both.test"] == ["none: no link", "full: dofollow", "half: nofollow only"]
    assert page.count("aria-sort=") == 1
    sorted_by = house.browser(Role.OUTREACH).get("/gap?order=authority").text
    assert re.search(r'aria-sort="descending"><a[^>]*>Authority', sorted_by)
    unknown = re.search(r"unknown\.test</a>.*?</tr>", page, re.DOTALL)
    assert unknown
    assert re.findall(r'<td class="num">\s*([^<\s]+)', unknown[0]) == ["–", "–"]
    filtered = house.browser(Role.OUTREACH).get("/gap?authority=50&traffic=1000").text
    assert re.search(r"hidden=on\">hides 4</a> \(<strong>authority: 3</strong>, traffic: 3\)", filtered)
    wrong = house.browser(Role.OUTREACH).get("/gap?authority=many")
    assert wrong.status_code == 422
    assert 'href="#f-authority"' in wrong.text
    assert 'value="many"' in wrong.text


def test_an_empty_list_says_what_it_is_also_where_nothing_was_imported(house: House) -> None:
    site_id = gaps(house.db)
    ben = house.browser(Role.LEAD)

    def said(query: str) -> str:
        found = re.search(r'<div class="empty">(.*?)</div>', ben.get(f"/gap?site={site_id}&{query}").text, re.DOTALL)
        return found[1] if found else ""

    assert said("view=open") == ""
    assert "No domain is here." in said("view=excluded")
    assert "No domain passes these filters." in said("authority=99&known=on")


def test_domains_are_added_excluded_and_put_back(house: House) -> None:
    gaps(house.db)
    browser = house.browser(Role.OUTREACH)
    numbers = {
        name: number for number, name in re.findall(r'name="p-(\d+)".*?Select ([\w.-]+)<', browser.get("/gap").text)
    }
    strong, weak = numbers["strong.test"], numbers["weak.test"]
    refused = post(browser, "/gap/decide", do="exclude", **{f"p-{weak}": "on"})
    assert refused.status_code == 422
    assert re.search(rf'name="p-{weak}" value="on" checked', refused.text)
    done = post(browser, "/gap/decide", do="exclude", reason="weak-site", **{f"p-{weak}": "on"})
    assert "did=excluded&n=1" in done.headers["location"]
    assert "weak.test" in browser.get("/gap?view=excluded").text
    assert "weak.test" not in browser.get("/gap").text
    post(browser, "/gap/decide", do="back", view="excluded", **{f"p-{weak}": "on"})
    assert "weak.test" in browser.get("/gap").text
    before = house.clock.now()
    assert "did=added&n=1" in post(browser, "/gap/decide", do="add", **{f"p-{strong}": "on"}).headers["location"]
    assert post(browser, "/gap/decide", do="add").status_code == 422
    assert "n=3" in post(browser, "/gap/decide", do="add-all", authority="50", traffic="1000").headers["location"]
    with house.db.read() as uow:
        everyone = list(uow.session.execute(select(Prospect)).scalars())
        due = {one.domain: one.mention_due_at for one in everyone}
    assert due["strong.test"] == before
    assert due["both.test"] is None
    assert {one.stage for one in everyone} == {Stage.PROSPECT}
    assert browser.get("/gap/changes").status_code == 200


def test_all_in_view_are_added_however_many_presses_it_takes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added domains stay in the view; the next press goes on with the others."""
    gaps(house.db)
    monkeypatch.setattr(review, "MOST", 3)
    browser = house.browser(Role.OUTREACH)
    asked: list[set[str]] = []
    for _press in range(3):
        assert post(browser, "/gap/decide", do="add-all").status_code == 303
        with house.db.read() as uow:
            due = select(Prospect.domain).where(Prospect.mention_due_at.is_not(None))
            asked.append(set(uow.session.execute(due).scalars()))
    assert [len(domains) for domains in asked] == [3, 6, 7]
    assert "spam.test" not in asked[-1]
    assert "strong.test" in asked[0], "the best ones first"


def test_topic_fit_and_language_are_floors_that_never_decide_what_is_unknown(db: Database) -> None:
    with db.work() as uow:
        site = a_site(uow)
        for domain, fit, language in (
            ("fits.test", 80, "en-US"),
            ("far.test", 10, "en"),
            ("foreign.test", 70, "de, fr"),
            ("both.test", 5, "de"),
            ("unknown.test", None, None),
        ):
            a_prospect(uow, site, domain, tier=1, overlap=1, fit=fit, language=language)
        site_id = int(site.id)
    asked = Filter(site_id, fit=60, languages=("en",))
    with db.read() as uow:
        assert {row["domain"] for row in gap.listing(uow, asked)} == {"fits.test", "unknown.test"}
        counted = gap.account(uow, asked)
        certain = gap.account(uow, Filter(site_id, fit=60, languages=("en",), known_only=True))
    assert (counted.by, counted.alone, counted.unknown) == (
        {"fit": 2, "language": 2},
        {"fit": 1, "language": 1},
        {"fit": 1, "language": 1},
    )
    for account in (counted, certain):
        figures = [(account.passes(name), account.fails(name), account.unknown[name]) for name in ("fit", "language")]
        assert figures == [(2, 2, 1), (2, 2, 1)]


def test_fits_chances_and_what_rules_removed_are_shown(house: House) -> None:
    with house.db.work() as uow:
        site = a_site(uow)
        page = a_page(uow, site)
        one = a_prospect(
            uow, site, "fits.test", tier=1, overlap=1, fit=83, fit_page_id=page.id, fit_words=["late", "fees"],
            winnability=70, language="de", language_source="detected",
        )  # fmt: skip
        one.winnability_parts = [{"rule": "editorial", "points": 20, "why": "a guide", "seen": "path: guide"}]
        sold = a_prospect(uow, site, "sold.test", tier=1, overlap=1, fit_unknown="other-language", winnability=5)
        sold.gate = "paid"
        uow.session.add(
            RemovedGap(
                site_id=site.id, domain="x-directory.test", removed_by=["directory"], seen="domain: directory", tier=2
            )
        )
    lead = house.browser(Role.LEAD)
    text = re.sub(r"\s+", " ", lead.get("/gap?fit=60").text)
    assert "because both speak of late, fees" in text
    assert "no page of yours is in their language" in text
    assert "paid link" in text
    assert "topic fit: 1 pass, 0 fail, 1 not known; 0 fail only on this" in text
    shown = lead.get(f"/prospects/{one.id}").text
    assert "+20 editorial" in shown
    assert "detected" in shown
    wrong = post(lead, "/gap/floors", fit="60", languages="en, klingonish").text
    assert 'value="en, klingonish"' in wrong
    assert "<details open><summary>This site&#39;s floors" in wrong
    assert "did=floors" in post(lead, "/gap/floors", fit="60", languages="en, de").headers["location"]
    assert post(lead, "/gap/floors", languages="!").status_code == 422
    removed = lead.get("/gap/removed").text
    assert "domain: directory" in removed
    assert post(lead, "/gap/removed", rule="").status_code == 422
    assert post(lead, "/gap/removed", domain="x-directory.test").status_code == 303
    after = lead.get("/gap/removed").text
    assert "every rule" in after
    (number,) = re.findall(r'name="end" value="(\d+)"', after)
    post(lead, "/gap/removed", end=number)
    assert "Nothing is taken back." in lead.get("/gap/removed").text
    with house.db.read() as uow:
        kept_site = uow.session.get_one(type(site), site.id)
        assert (kept_site.min_fit, kept_site.languages) == (60, ["en", "de"])


@pytest.mark.parametrize("competitors", [3, 5, 10])
def test_a_full_page_stays_under_its_weight_with_long_names(house: House, competitors: int) -> None:
    """Ten competitors are the most; their names, the domains, pages and anchors here are long ones."""
    names = [f"a-competitor-with-a-rather-long-name-{n}.test" for n in range(competitors)]
    with house.db.work() as uow:
        site = a_site(uow, languages=["en", "de"])
        page = a_page(uow, site, url="https://acme.test/guides/onboarding-without-tears-in-twelve-steps")
        for name in names:
            uow.session.add(Competitor(site_id=site.id, domain=name, created_at=uow.now()))
        for number in range(30):
            domain = f"the-journal-of-customer-onboarding-and-retention-{number:03}.test"
            one = a_prospect(
                uow, site, domain, tier=1, overlap=competitors, competitors=names, follow="fnu" * 4, fit=83,
                fit_page_id=page.id, fit_words=["onboarding", "retention", "workshops"], winnability=70, language="en",
                language_source="detected", authority=71.0, authority_provider="ahrefs", traffic=42_000, dofollow=True,
                best_page=f"https://{domain}/2026/05/a-long-list-of-everything-that-helps-with-onboarding-in-2026",
                anchor="everything that helps with onboarding your customers",
            )  # fmt: skip
            prospects.rerank(one, competitors)
    answer = house.browser(Role.LEAD).get("/gap")
    rows = answer.text.count('name="p-')
    print(f"{competitors} competitors: {rows} rows, {len(answer.content):,} bytes")  # noqa: T201 -- the figures
    assert rows >= 16
    assert "Load " in answer.text
    assert len(answer.content) <= 60_000


def test_a_view_is_saved_for_its_person_alone(house: House) -> None:
    """Its link opens the same filters; the same name replaces it; nobody else sees it, and it can be deleted."""
    gaps(house.db)
    browser, other = house.browser(Role.VIEWER), house.browser(Role.OUTREACH)
    assert (
        "did=saved"
        in post(browser, "/gap/views", name="  Big  ones ", authority="50", order="traffic").headers["location"]
    )
    found = re.search(r'<a href="([^"]+)"[^>]*>Big ones</a>', browser.get("/gap").text)
    assert found
    shown = browser.get(found[1].replace("&amp;", "&")).text
    assert 'name="authority" type="text" value="50"' in shown
    assert re.search(r'aria-sort="descending"><a[^>]*>Traffic', shown)
    assert re.search(r'aria-current="true">Big ones</a>', shown)
    assert 'aria-current="true">Big ones' not in browser.get("/gap").text
    # Fields of several lengths: a database may keep them in an order of its own.
    wide = {"order": "traffic", "authority": "50", "fit": "1", "dofollow": "on", "tier": "2", "provider": "semrush"}
    kept = post(browser, "/gap/views", name="Wide", **wide).headers["location"]
    assert re.search(r'aria-current="true">Wide</a>', browser.get(kept.partition("&did=")[0]).text)
    post(browser, "/gap/views", do="delete", forget="Wide")
    assert "Big ones" not in other.get("/gap").text
    post(browser, "/gap/views", name="Big ones", authority="70")
    again = re.findall(r'<a href="([^"]+)"[^>]*>Big ones</a>', browser.get("/gap").text)
    assert len(again) == 1
    assert "authority=70" in again[0]
    post(other, "/gap/views", do="delete", forget="Big ones")
    assert "Big ones</a>" in browser.get("/gap").text
    for name in ("", "x" * 61):
        refused = post(browser, "/gap/views", name=name, authority="70")
        assert refused.status_code == 422
        assert 'href="#f-name"' in refused.text
        assert 'value="70"' in refused.text, "the filter stands as it was"
    for number in range(views.MOST - 1):
        assert post(browser, "/gap/views", name=f"view {number}").status_code == 303
    assert post(browser, "/gap/views", name="one too many").status_code == 422
    none = post(browser, "/gap/views", do="delete", name="", forget="")
    assert none.status_code == 422
    assert 'href="#f-forget">Choose the view to delete' in none.text
    post(browser, "/gap/views", do="delete", forget="Big ones")
    assert "Big ones" not in browser.get("/gap").text


def test_the_export_holds_what_passes_the_filter_and_no_formula(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are those of the page, over several pages of the reading; unknown is empty, never 0."""
    monkeypatch.setattr(gap_file, "_AT_ONCE", 2)
    gaps(house.db)
    with house.db.work() as uow:
        site = uow.session.execute(select(Prospect.site_id).limit(1)).scalar_one()
        a_prospect(
            uow, uow.session.get(Site, site), "evil.test", tier=1, overlap=1, competitors=["alpha.test"],
            anchor='=HYPERLINK("http://evil.test")', best_page="https://evil.test/-1", language="@SUM(1)",
        )  # fmt: skip
    answer = house.browser(Role.VIEWER).get("/gap/export.csv?authority=50&traffic=1000&order=domain")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="gap.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["domain"] for row in rows] == ["evil.test", "other-scale.test", "strong.test", "unknown.test"]
    evil, unknown = rows[0], rows[3]
    assert evil["anchor"] == """'=HYPERLINK("http://evil.test")"""
    assert evil["language"] == "'@SUM(1)"
    assert (unknown["authority"], unknown["traffic"], unknown["dofollow"]) == ("", "", "")
    assert rows[2]["authority"] == "71"
    assert {row["domain"] for row in csv.DictReader(io.StringIO(house.browser(Role.VIEWER).get("/gap/export.csv?view=removed").text))} == {"spam.test"}  # fmt: skip
    assert house.browser(Role.VIEWER).get("/gap/export.csv?fit=x").status_code == 422


def test_an_export_has_each_domain_once_though_the_order_changes(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import between two pieces of the file moves rows past the place that is read."""
    monkeypatch.setattr(gap_file, "_AT_ONCE", 2)
    with db.work() as uow:
        site = a_site(uow)
        for number in range(6):
            a_prospect(uow, site, f"s{number}.test", tier=1, overlap=1, rank_key=f"{number:022d}")
    lines = gap_file.lines(db, Filter(site.id), {})
    text = next(lines)
    with db.work() as uow:
        for domain, key in (("s0.test", "9" * 22), ("s5.test", "0" * 22)):
            moved = uow.session.execute(select(Prospect).where(col(Prospect.domain) == domain)).scalar_one()
            moved.rank_key = key
    text += "".join(lines)
    assert [row["domain"] for row in csv.DictReader(io.StringIO(text))] == [f"s{number}.test" for number in range(6)]
