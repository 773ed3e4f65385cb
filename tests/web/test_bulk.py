"""Approving several by HTTP: what a lead has taken out stays out, and a refusal says which drafts are still to be read."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import select

from app.domain.mention_verdict import MentionVerdict
from app.models import Decision, Role
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.reports.prospects import queue
from tests.support.desk import furnish
from tests.support.http import House
from tests.web.test_pages import post


def drafts(house: House) -> Any:
    """A lead with drafts that may be approved together."""
    furnish(house, more=12)
    with house.db.work() as uow:
        for row in queue(uow, limit=200):
            prospect = prospects.get(uow, row["id"])
            if prospect.mention is MentionVerdict.NO_MENTION and prospect.domain.startswith("site-"):
                pitches.propose(uow, prospect.id)
    return house.browser(Role.LEAD)


def boxes(page: str) -> dict[str, tuple[str, bool]]:
    """The boxes of the list: name, version, and whether it is ticked."""
    found = re.findall(r'<input type="checkbox" name="(pitch-\d+)" value="(\d+)"( checked)?>', page)
    return {name: (version, bool(ticked)) for name, version, ticked in found}


def fields(page: str, *, without: str | None = None) -> dict[str, str]:
    """What the form of the list sends, with one box unticked."""
    hidden = dict(re.findall(r'<input type="hidden" name="(opened|listed)" value="([^"]*)"', page))
    return {**hidden, **{name: version for name, (version, on) in boxes(page).items() if on and name != without}}


def marked(page: str) -> dict[str, str]:
    """The drafts that must still be opened: number and domain."""
    found = re.findall(r'value="(\d+)">Must be opened<span class="hidden"> ([^<]+)<', page)
    return dict(found)


def test_what_was_taken_out_stays_out_on_the_way_to_a_draft_and_back(house: House) -> None:
    browser = drafts(house)
    page = browser.get("/queue/bulk").text
    out = next(name for name in boxes(page) if name[6:] not in marked(page))
    total = len(boxes(page))
    for _ in range(3):
        must = sorted(marked(page))[0]
        gone = browser.post("/queue/bulk/open", data={**fields(page, without=out), "csrf": token(page), "open": must})
        draft = browser.get(gone.headers["location"])
        assert draft.status_code == 200
        back = html.unescape(re.findall(r'class="button primary" href="([^"]+)"', draft.text)[0])
        page = browser.get(back).text
        ticked = [name for name, (_version, on) in boxes(page).items() if on]
        assert (out in boxes(page), out in ticked, len(ticked)) == (True, False, total - 1)
    assert marked(page) == {}
    assert browser.post("/queue/bulk", data={**fields(page), "csrf": token(page)}).status_code == 303
    with house.db.read() as uow:
        sent = uow.session.execute(select(Decision.data).where(Decision.kind == "approve")).scalars().all()
    assert len(sent) == total - 1
    assert int(out[6:]) not in [data["pitch_id"] for data in sent]


def token(page: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]


def test_a_refusal_keeps_the_ticks_and_names_what_is_to_be_read_of_what_is_ticked(house: House) -> None:
    browser = drafts(house)
    page = browser.get("/queue/bulk").text
    before = marked(page)
    # One of those that the page has marked is taken out: another one takes its place.
    out = f"pitch-{sorted(before)[0]}"
    answer = post(browser, "/queue/bulk", **fields(page, without=out))
    assert answer.status_code == 409
    after = marked(answer.text)
    assert len(after) == 3
    assert len(set(before) & set(after)) == 2
    said = html.unescape(re.findall(r"These must be opened and read first: ([^<]+)\.", answer.text)[0])
    assert set(said.split(", ")) == set(after.values())
    assert [name for name, (_version, on) in boxes(answer.text).items() if not on] == [out]
