"""The pages of our sites and of what we promote, as leads, outreach staff and viewers see them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.fetch.memory import MemoryFetcher
from app.models import Role
from app.sites import service
from tests.support.http import House
from tests.support.world import a_site
from tests.web.test_team_pages import post

FORM = {"name": "Acme", "domains": "acme.test\nold-acme.test", "brand_names": "Acme\nACME Inc", "min_authority": "30,5"}


def version_in(answer: Any) -> str:
    found = re.search(r'name="version" value="(\d+)"', answer.text)
    assert found
    return found[1]


def test_a_site_is_added_edited_by_two_and_put_away(house: House) -> None:
    lead = house.browser(Role.LEAD)
    assert "No site yet." in lead.get("/sites").text
    wrong = post(lead, "/sites", **{**FORM, "domains": "no domain at all", "min_traffic": "many"})
    assert (wrong.status_code, "no domain at all" in wrong.text, "<title>Error:" in wrong.text) == (422, True, True)
    made = post(lead, "/sites", **FORM)
    assert (made.status_code, made.headers["location"]) == (303, "/sites/1?did=added")
    page = lead.get("/sites/1")
    assert "old-acme.test" in page.text
    assert 'value="30.5"' in page.text
    version = version_in(page)
    assert post(lead, "/sites/1", **FORM, version=version, country="us").status_code == 303
    second = post(lead, "/sites/1", **{**FORM, "brand_names": "Acme\nAcme Labs"}, version=version)
    assert second.status_code == 409
    assert "Saved by somebody else" in second.text
    assert "Acme Labs</textarea>" in second.text, "the text of the second is kept"
    assert version_in(second) != version
    lead.headers["Accept-Language"] = "de"
    german = post(lead, "/sites/1", **{**FORM, "brand_names": "Acme\nAcme Labs"}, version=version).text
    assert "inzwischen hat jemand anders Acme gespeichert" in german
    assert '<th scope="row">Markennamen</th>' in german
    del lead.headers["Accept-Language"]
    again = {**FORM, "brand_names": "Acme\nAcme Labs"}
    assert post(lead, "/sites/1", **again, version=version_in(second)).status_code == 303
    assert post(lead, "/sites/1/competitors", domain="rival.test").status_code == 303
    houses = post(lead, "/sites/1/competitors/1/sisters", of="1", sisters="no domain!").text
    assert 'href="#f-sisters-of-1"' in houses
    assert re.search(r'id="f-sisters-of-1" name="sisters" value="no domain!" aria-invalid="true"', houses)
    assert re.search(r"<details open><summary>Sister brands", houses)
    assert post(lead, "/sites/1/archive").headers["location"] == "/sites?did=archived"
    assert "put away" in lead.get("/sites").text
    assert "This site is put away since" in lead.get("/sites/1").text
    assert post(lead, "/sites/1/restore").status_code == 303


def test_competitors_are_refused_by_name_and_more_than_five_warn(house: House) -> None:
    lead = house.browser(Role.LEAD)
    post(lead, "/sites", **FORM)
    own = post(lead, "/sites/1/competitors", domain="www.old-acme.test")
    assert (own.status_code, "own domain" in own.text, 'value="www.old-acme.test"' in own.text) == (422, True, True)
    for number in range(10):
        done = post(lead, "/sites/1/competitors", domain=f"rival{number}.test")
        assert done.headers["location"].endswith("noise" if number > 4 else "competitor")
    assert "add noise" in lead.get("/sites/1").text
    assert post(lead, "/sites/1/competitors", domain="rival10.test").status_code == 409
    assert "already" in post(lead, "/sites/1/competitors", domain="blog.rival1.test").text
    assert post(lead, "/sites/1/competitors/1/remove").status_code == 303
    reader = house.browser(Role.VIEWER).get("/sites/1").text
    assert "rival1.test" in reader
    assert "<textarea" not in reader


def test_every_floor_and_the_sister_brands_stand_in_the_forms(house: House) -> None:
    lead = house.browser(Role.LEAD)
    wrong = post(lead, "/sites", **FORM, min_fit="101", languages="en, 12")
    assert wrong.status_code == 422
    assert 'href="#f-min_fit"' in wrong.text
    assert 'href="#f-languages"' in wrong.text
    assert post(lead, "/sites", **FORM, min_fit="60", languages="en, de-AT").status_code == 303
    page = lead.get("/sites/1").text
    assert re.search(r'name="min_fit"[^>]*value="60"', page)
    assert re.search(r'name="languages"[^>]*value="en de"', page)
    assert "fit 60" in lead.get("/sites").text
    own = post(lead, "/sites/1/competitors", domain="rival.test", sisters="acme.test")
    assert 'href="#f-sisters"' in own.text
    post(lead, "/sites/1/competitors", domain="rival.test", sisters="rival-shop.test, other.test")
    assert "rival-shop.test, other.test" in lead.get("/sites/1").text
    post(lead, "/sites/1", **FORM, version="1", min_fit="", languages="")
    assert re.search(r'name="min_fit"[^>]*value=""', lead.get("/sites/1").text)


def test_sending_rules_of_a_site_tell_who_came_second(house: House) -> None:
    lead = house.browser(Role.LEAD)
    post(lead, "/sites", **FORM)
    assert post(lead, "/sites/1/sending", window="08:00-12:00", daily_cap="20").status_code == 303
    late = post(lead, "/sites/1/sending", window="always", daily_cap="5")
    assert (late.status_code, "08:00-12:00" in late.text, 'value="always"' in late.text) == (409, True, True)
    fresh = {"read_window": "08:00-12:00", "read_cap": "20", "read_cooldown": ""}
    assert post(lead, "/sites/1/sending", window="noon", **fresh).status_code == 422
    assert post(lead, "/sites/1/sending", window="always", **fresh).status_code == 303


@pytest.fixture
def read(house: House) -> House:
    html = "<html><head><title>Onboarding</title><meta name='description' content='Forty questions.'></head></html>"
    gone = "https://acme.test/gone"
    house.container.fetcher = MemoryFetcher({"https://acme.test/guide": html, "https://acme.test/other": html})
    assert gone not in house.container.fetcher.pages
    with house.db.work() as uow:
        a_site(uow)
    return house


def test_a_page_is_read_filled_in_added_and_checked(read: House) -> None:
    lead = read.browser(Role.LEAD)
    assert "No page yet." in lead.get("/pages").text
    looked = post(lead, "/pages/look", url="https://acme.test/guide", topic="Teams")
    assert looked.status_code == 200
    for value in (
        'value="https://acme.test/guide"',
        'value="Onboarding"',
        'value="Teams"',
        "Forty questions.</textarea>",
    ):
        assert value in looked.text
    home = post(lead, "/pages", url="https://acme.test/", title="Home")
    assert (home.status_code, "homepage" in home.text, 'value="https://acme.test/"' in home.text) == (422, True, True)
    assert post(lead, "/pages/look", url="https://else.test/x").status_code == 422
    page = {"url": "https://acme.test/guide", "title": "Guide", "published_on": "2026-02-03"}
    assert post(lead, "/pages", **page).status_code == 303
    twice = post(lead, "/pages", **page)
    assert (twice.status_code, "on the list already" in twice.text) == (409, True)
    assert "not looked at yet" in lead.get("/pages/1").text
    assert post(lead, "/pages/1/check").headers["location"] == "/pages/1?did=checked"
    assert "fine" in lead.get("/pages/1").text
    moved = {**page, "url": "https://acme.test/gone", "version": "1"}
    assert post(lead, "/pages/1", **moved).status_code == 303
    late = post(lead, "/pages/1", **{**moved, "title": "Mine"})
    assert (late.status_code, 'value="Mine"' in late.text) == (409, True)
    post(lead, "/pages/1/check")
    assert "could not check" in lead.get("/pages").text
    post(lead, "/pages/1/archive")
    assert "No page yet." in lead.get("/pages").text
    assert "Guide" in lead.get("/pages?view=archived").text
    assert "Add a page" not in read.browser(Role.OUTREACH).get("/pages").text


def test_the_api_replaces_a_site_by_the_version_that_was_read(read: House) -> None:
    program = read.api()
    site = program.get("/api/v1/sites/1").json()
    kept = ("name", "domains", "brand_names", "version")
    body = {name: site[name] for name in kept} | {"country": "DE"}
    assert program.put("/api/v1/sites/1", json=body).json()["version"] == 2
    late = program.put("/api/v1/sites/1", json={**body, "country": "US"})
    assert (late.status_code, late.json()["code"], late.json()["errors"][0]["field"]) == (409, "stale", "country")
    with read.db.work() as uow:
        service.add_page(uow, 1, "https://acme.test/guide", title="Guide")
    assert program.post("/api/v1/pages/1/check").json()["check_state"] == "ok"


def test_the_settings_say_the_rules_that_hold(house: House) -> None:
    text = house.browser(Role.OUTREACH).get("/settings").text
    assert "GAPBRIDGE_KEEP_RAW_MAIL_DAYS" in text
    assert "2 %" in text
    assert "GAPBRIDGE_" not in house.browser(Role.VIEWER).get("/settings").text
