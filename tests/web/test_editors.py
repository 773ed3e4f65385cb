"""The editors: a template beside real prospects, and sequences by date."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import Prospect, Role, TemplateVersion
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.web.test_access import csrf_of


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return furnish(house, more=7)


def send(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get(path)), **data})


BODY = (
    "Hi {{ first_name or 'there' }},\n\nYour page {{ their_page }} has no word on {{ our_page }}. It covers "
    "{{ our_page_summary|clause }}.\n\n{{ sender_name }}"
)


def versions_kept(house: House) -> int:
    with house.db.read() as uow:
        return int(uow.session.execute(select(func.count()).select_from(TemplateVersion)).scalar_one())


def test_a_template_is_read_on_real_prospects_and_saved_as_a_version(house: House, ids: dict[str, int]) -> None:
    lead = house.browser(Role.LEAD)
    path = "/templates/coverage-gap"
    page = lead.get(path).text
    # Every second and third of the twelve; one of them has no contact, one could not be checked.
    assert re.search(r"\d+ prospects: \d+ to \d+ words", page)
    assert "“there”" in page
    # The summary of our page stands unguarded in the text, the topic inside an `if`.
    assert re.search(r"our_page_summary</code></th>.*?the draft is refused", page)
    assert re.search(r">topic</code></th><td[^>]*>\d+ %</td><td[^>]*>left out", page)
    tried = send(lead, path, do="preview", subject="A source", body_text=BODY + " word" * 140, after="0")
    assert tried.status_code == 200
    many = re.search(r"Too long for (\d+) of (\d+)", tried.text)
    assert many
    assert many[1] == many[2] != "0"
    assert "Message must be under 150 words" in tried.text
    nameless = send(lead, path, do="preview", case="no-first-name", subject="A source", body_text=BODY, after="0").text
    assert f">{DOMAINS[4]}</a>" in nameless
    assert "Hi there," in nameless
    wrong = send(lead, path, do="save", subject="A", body_text="Hi\n{{ frist_name }}\n", after="0")
    assert wrong.status_code == 422
    assert 'href="#f-body_text">line 2: unknown variable &#39;frist_name&#39;' in wrong.text
    assert "{{ frist_name }}" in wrong.text
    assert versions_kept(house) == 0
    kept = send(
        lead, path, do="save", subject="A source", body_text=BODY.replace("\n", "\r\n"), after="0", note="short"
    )
    assert (kept.status_code, kept.headers["location"]) == (303, f"{path}?did=saved")
    with house.db.read() as uow:
        row = uow.session.execute(select(TemplateVersion)).scalar_one()
        assert (row.version, row.body_text, row.note) == (1, BODY, "short")
    late = send(lead, path, do="save", subject="Other", body_text=BODY, after="0")
    assert late.status_code == 409
    assert "saved meanwhile" in late.text
    assert 'value="Other"' in late.text
    assert versions_kept(house) == 1


def test_outreach_reads_and_tries_but_does_not_save(house: House, ids: dict[str, int]) -> None:
    outreach = house.browser(Role.OUTREACH)
    page = outreach.get("/templates/coverage-gap").text
    assert 'value="save"' not in page
    refused = send(outreach, "/templates/coverage-gap", do="save", subject="A", body_text="B", after="0")
    assert refused.status_code == 403
    assert versions_kept(house) == 0


def test_what_a_version_brought_stands_beside_it(house: House, ids: dict[str, int]) -> None:
    with house.db.read() as uow:
        sent = uow.session.get_one(Prospect, ids["sent.test"])
        assert sent.domain == "sent.test"
    page = house.browser(Role.LEAD).get("/templates/coverage-gap").text
    line = page[page.rindex("as delivered") :]
    assert re.findall(r'<td class="num"[^>]*>(\d+)', line) == ["1", "0", "0"]
