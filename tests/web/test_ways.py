"""What leads from one page to another: to their site, to what keeps mail away from it, between the settings, to an export."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.models import Prospect, Role, Suppression
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.web.test_suppression_pages import post


def test_their_page_is_one_key_away_wherever_a_prospect_is_open(house: House) -> None:
    ids = furnish(house)
    number, sent = ids[DOMAINS[0]], ids["sent.test"]
    with house.db.work() as uow:
        uow.session.get_one(Prospect, number).best_page = "https://growth-notes.test/blog/checklist"
        uow.session.get_one(Prospect, sent).best_page = "https://sent.test/tools"
    browser = house.browser(Role.OUTREACH)
    for path, page in (
        (f"/queue/{number}", "growth-notes.test/blog/checklist"),
        (f"/prospects/{number}", "growth-notes.test/blog/checklist"),
        ("/inbox/1", "sent.test/tools"),
    ):
        found = re.findall(r'<a href="https://([^"]*)"[^>]* target="_blank" data-key="o"', browser.get(path).text)
        assert found == [page], path
    with house.db.work() as uow:
        uow.session.get_one(Prospect, number).best_page = "javascript:alert(1)"
    assert 'data-key="o"' not in browser.get(f"/prospects/{number}").text


def test_a_domain_is_kept_off_from_its_own_page_in_two_steps(house: House) -> None:
    ids = furnish(house)
    number = ids[DOMAINS[0]]
    lead = house.browser(Role.LEAD)
    way = re.search(r'href="(/suppression\?[^"]*)#add"', lead.get(f"/prospects/{number}").text)
    assert way is not None
    form = lead.get(way[1].replace("&amp;", "&")).text
    assert f'name="value" type="text" value="{DOMAINS[0]}"' in form
    assert '<option value="domain" selected>' in form
    with house.db.read() as uow:
        assert uow.session.execute(select(Suppression)).first() is None, "a look changes nothing"
    assert post(lead, "/suppression", kind="domain", value=DOMAINS[0]).status_code == 303
    page = lead.get(f"/prospects/{number}").text
    assert "#add" not in page
    assert "Suppressed:" in page
    assert "/suppression?" not in house.browser(Role.VIEWER).get(f"/prospects/{number}").text


@pytest.mark.parametrize("path", ["/templates", "/templates/unlinked-mention", "/sequences", "/sequences/paused"])
def test_templates_and_sequences_lie_among_the_settings(house: House, path: str) -> None:
    furnish(house)
    ways = house.browser(Role.OUTREACH).get(path).text.split('<nav aria-label="Settings">', 1)[1].split("</nav>", 1)[0]
    assert re.findall(r'href="([^"]*)" aria-current="page"', ways) == ["/" + path.split("/")[1]]
    assert '"/mailboxes"' in ways


def test_keys_are_called_as_on_the_readers_keyboard(house: House) -> None:
    browser = house.browser(Role.OUTREACH)
    german = browser.get("/keys", headers={"Accept-Language": "de"}).text
    assert "<kbd>Strg+K</kbd>" in german
    assert "<kbd>Umschalt+S</kbd>" in german
    assert "<kbd>Ctrl+K</kbd>" in browser.get("/keys").text


def test_the_upload_says_where_each_tool_has_its_export(house: House) -> None:
    furnish(house)
    browser = house.browser(Role.LEAD)
    page = browser.get("/imports/new").text
    for name in ("Ahrefs", "Semrush", "Moz", "Majestic", "Search Console"):
        assert f"<dt>{name}</dt>" in page
    assert "Externe Links exportieren" in browser.get("/imports/new", headers={"Accept-Language": "de"}).text
