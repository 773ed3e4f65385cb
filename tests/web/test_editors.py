"""The editors: a template beside real prospects, and sequences by date."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain import figures
from app.models import Prospect, Role, SequenceRun, TemplateVersion
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


def test_what_a_version_brought_stands_beside_it(
    house: House, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few mails say no share; a share says how far the true one may lie from it."""
    with house.db.read() as uow:
        sent = uow.session.get_one(Prospect, ids["sent.test"])
        assert sent.domain == "sent.test"
    page = house.browser(Role.LEAD).get("/templates/coverage-gap").text
    line = page[page.rindex("as delivered") :]
    assert re.findall(r'<td class="num"[^>]*>(\d+)', line) == ["1", "1", "0"]
    assert line.count("too few") == 2
    assert "%" not in line
    monkeypatch.setattr(figures, "FEW", 1)
    page = house.browser(Role.LEAD).get("/templates/coverage-gap").text
    line = re.sub(r"<[^>]+>", "", page[page.rindex("as delivered") :])
    assert re.search(r"1 · 100 % 20\.7 % – 100 %", line)
    assert re.search(r"0 · 0 % 0 % – 79\.3 %", line)


def test_steps_move_without_a_drag_and_people_move_only_by_count(house: House, ids: dict[str, int]) -> None:
    lead = house.browser(Role.LEAD)
    page = lead.get("/sequences").text
    path = re.search(r'href="(/sequences/\d+)"', page)
    assert path
    steps = {
        "after": "1",
        "template-0": "follow-up-1",
        "wait-0": "4",
        "template-1": "follow-up-last",
        "wait-1": "9",
    }
    moved = send(lead, path[1], do="up:1", **steps).text
    assert re.findall(r'name="wait-\d" inputmode="numeric" value="(\d+)"', moved) == ["9", "4"]
    # 1 May 2026 is a Friday and a holiday in Germany: four business days after Thursday, 30 April, is 7 May.
    dated = send(lead, path[1], do="preview", start="2026-04-30", zone="Europe/Berlin", country="DE", **steps).text
    assert '<time datetime="2026-05-07">' in dated
    assert re.search('passes over <time datetime="2026-05-01">', dated)
    assert "time zone such as" in send(lead, path[1], do="preview", zone="Mars/Base", **steps).text
    many = {f"template-{row}": "follow-up-1" for row in range(4)} | {f"wait-{row}": "3" for row in range(4)}
    refused = send(lead, path[1], do="save", after="1", **many)
    assert refused.status_code == 422
    assert "at most 3 follow-ups" in refused.text
    assert house.browser(Role.OUTREACH).get(path[1]).status_code == 200
    assert send(house.browser(Role.OUTREACH), path[1], do="save", **steps).status_code == 403
    saved = send(lead, path[1], do="save", **steps)
    assert saved.status_code == 303
    assert send(lead, path[1], do="save", **steps).status_code == 409
    new = saved.headers["location"].partition("?")[0]
    number = int(new.rpartition("/")[2])
    with house.db.work() as uow:
        runs = list(uow.session.execute(select(SequenceRun)).scalars())
        assert len(runs) == 2
        runs[0].next_step = 2
        gone, stays = runs[1].id, runs[0].id
        runs[1].due_at = uow.now()
    assert "One person has not reached step 2" in lead.get(new).text
    token = {"csrf": csrf_of(lead.get(new))}
    assert lead.post(f"{new}/move", data={**token, "count": "2"}).status_code == 409
    done = lead.post(f"{new}/move", data={**token, "count": "1"})
    assert done.headers["location"] == f"{new}?did=moved&n=1"
    with house.db.read() as uow:
        assert uow.session.get_one(SequenceRun, gone).sequence_id == number
        assert uow.session.get_one(SequenceRun, gone).due_at is None
        assert uow.session.get_one(SequenceRun, stays).sequence_id != number
