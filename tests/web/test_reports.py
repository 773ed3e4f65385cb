"""The page of reports: pictures and tables say the same, the file cannot run anything, and the API gives the same figures."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from app.models import Role
from tests.conftest import START
from tests.support.campaign import Campaign
from tests.support.http import House
from tests.support.world import a_mailbox, a_site

EVIL = '=HYPERLINK("http://evil.test")'


@pytest.fixture
def campaign(house: House) -> House:
    with house.db.work() as uow:
        made = Campaign(uow, a_site(uow), a_mailbox(uow))
        for number in range(44):
            sent = START - timedelta(days=70 if number < 24 else 5)
            prospect = made.prospect(tier=1 + number % 2)
            mail = made.pitch(prospect, sent, person=EVIL if number % 2 else "ana@acme.test")
            if number < 6:
                made.reply(mail, sent + timedelta(hours=1), answered=sent + timedelta(hours=2))
                made.link(prospect, sent + timedelta(days=20))
        made.give_up(made.prospect(), "no-reply", START)
    return house


def section(page: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}">.*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def cells(html: str) -> list[list[str]]:
    """The words of each row of the body of a table."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html.split("</thead>")[1], re.DOTALL)
    texts = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", re.sub(r"<svg.*?</svg>", "", row, flags=re.DOTALL), re.DOTALL)
        for row in rows
    ]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in texts]


def described(html: str) -> list[str]:
    """What each picture of a section says of itself."""
    return re.findall(r"<desc>(.*?)</desc>", html, re.DOTALL)


def test_every_picture_says_the_numbers_of_its_row(campaign: House) -> None:
    """U27, for the pictures that are too many to be read: funnel, weeks, reasons, intervals of the cuts."""
    page = campaign.browser(Role.VIEWER).get("/reports").text
    funnel = section(page, "funnel")
    assert described(funnel) == [f"{row[0]}: {row[2].split(' of ')[0]}" for row in cells(funnel)]
    named = [(row[0], row[2]) for row in cells(funnel)]
    assert named[3:7] == [("Delivered", "44"), ("Replied", "6"), ("Agreed", "0"), ("Live", "6")]
    weeks = section(page, "wins")
    told = []
    for _week, n, _won, rate, ends, _picture, state in cells(weeks):
        told.append(
            f"{rate}{'' if ends == '–' else f' ({ends})'}, n {n}{', still open' if state == 'still open' else ''}"
        )
    assert described(weeks) == told
    assert told[0] == "25 % (12 % – 44.9 %), n 24"
    assert told[-1] == "0 % (0 % – 16.1 %), n 20, still open"
    assert weeks.count('class="hatch"') == sum("still open" in one for one in told) > 0
    lost = section(page, "why-lost")
    assert described(lost) == [f"{row[0]}: {row[2]}" for row in cells(lost)] == ["No reply: 1"]
    drawn = 0
    for cut in ("tier", "person", "mailbox", "template", "angle", "authority"):
        html = section(page, f"cut-{cut}")
        assert described(html) == [
            f"too few, n {row[1]}" if row[3] == "too few" else f"{row[3]} ({row[4]}), n {row[1]}" for row in cells(html)
        ]
        drawn += html.count('class="whisker"')
    assert drawn >= 6
    assert "<text" not in page


def test_the_page_asks_for_what_its_address_says(campaign: House) -> None:
    browser = campaign.browser(Role.VIEWER)
    assert cells(section(browser.get("/reports?days=30").text, "funnel"))[3][2] == "20"
    assert cells(section(browser.get("/reports?days=30&tier=1").text, "funnel"))[3][2] == "10"
    few = browser.get("/reports?days=30&tier=1").text
    assert "Not enough sent mail yet (10 of 20)" in few
    assert cells(section(few, "cut-tier")) == [["Tier 1", "10", "0", "too few", "–", "", "too few"]]
    # What makes no sense asks nothing.
    for query in ("tier=9&days=x&site=0&angle=nothing", "site=99999999999999", "person=%00"):
        assert cells(section(browser.get(f"/reports?{query}").text, "funnel"))[3][2] == "44", query
    empty = browser.get("/reports?site=77").text
    assert "Nothing was delivered in this period." in empty
    steps = re.findall(r'<a href="([^"]+)">(?:Delivered|Live)</a>', browser.get("/reports?days=30").text)
    assert steps == ["/reports/cases?days=30&amp;step=delivered", "/reports/cases?days=30&amp;step=live"]
    assert browser.get(steps[0].replace("&amp;", "&")).text.count("/prospects/") == 20
    assert "No prospect came this far" in browser.get(steps[1].replace("&amp;", "&")).text
    assert browser.get("/reports/cases?step=nothing").status_code == 404


def test_the_file_holds_the_same_numbers_and_no_formula(campaign: House) -> None:
    browser = campaign.browser(Role.VIEWER)
    answer = browser.get("/reports/numbers.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["table", "line", "count", "n", "share", "low", "high", "note"]
    assert {len(row) for row in rows} == {8}
    by_name = {(row[0], row[1]): row[2:] for row in rows[1:]}
    assert by_name["wins", "all"] == ["6", "44", "0.1364", "0.0640", "0.2671", ""]
    assert by_name["funnel", "delivered"][0] == "44"
    assert by_name["wins by person", f"'{EVIL}"][:2] == ["3", "22"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert by_name["reply time", "p50 minutes"][0] == "60"


def test_the_api_gives_what_the_page_shows(campaign: House) -> None:
    api = campaign.api(["reports:read"])
    found = api.get("/api/v1/reports/outreach?days=90").json()
    assert found["wins"] == {
        "hits": 6, "n": 44, "rate": pytest.approx(6 / 44), "low": pytest.approx(0.064, abs=1e-3), "high": pytest.approx(0.267, abs=1e-3),
    }  # fmt: skip
    assert {one["name"]: one["count"] for one in found["funnel"]}["live"] == 6
    assert found["median_days_to_win"] == 20
    assert [one["wins"]["n"] for one in found["weeks"] if one["wins"]["n"]] == [24, 20]
    assert sum(one["wins"]["n"] for one in found["cuts"]["tier"]) == 44
    first = api.get("/api/v1/reports/cases?step=delivered&days=90&limit=30").json()
    rest = api.get(f"/api/v1/reports/cases?step=delivered&days=90&limit=30&cursor={first['next']}").json()
    assert len({one["prospect_id"] for one in first["items"] + rest["items"]}) == 44
    assert rest["next"] is None
    assert api.get("/api/v1/reports/reply-time").json() == {
        "answered": 6,
        "p50_minutes": 60,
        "p90_minutes": 60,
        "in_time": 6,
    }
    assert api.get("/api/v1/reports/reasons").json()["lost"] == [{"reason": "no-reply", "count": 1}]
    assert [one["mailbox"] for one in api.get("/api/v1/reports/delivery").json()["items"]] == [None, "ana@acme.test"]
    refused: Any = campaign.api(["links:read"]).get("/api/v1/reports/outreach")
    assert refused.status_code == 403
    assert api.get("/api/v1/reports/cases?cursor=WyJ4IiwxXQ").status_code == 422
