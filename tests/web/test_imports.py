"""Imports by the pages: uploaded, looked at, mapped, run by a worker, cancelled, and what was rejected."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from sqlalchemy import select

from app.gaps import uploads
from app.jobs import Job
from app.mentions import lists
from app.models import Competitor, ImportJob, ImportState, Role, Snapshot
from tests.support.http import House
from tests.support.world import a_site
from tests.web.test_access import csrf_of
from tests.web.test_pages import post

OWN = "where found;rank\nhttps://friend.test/a;5\nhttps://pal.test/b;7\n"
THEIRS = "where found;rank\n" + "".join(f"https://blog-{n}.test/x;{n}\n" for n in range(40)) + "=cmd()|not a site;9\n"


def send(browser: Any, name: str, text: str) -> Any:
    data = {"csrf": csrf_of(browser.get("/")), "site": "1"}
    return browser.post("/imports", data=data, files={"file": (name, text.encode())})


def site(house: House) -> None:
    with house.db.work() as uow:
        made = a_site(uow)
        uow.session.add(Competitor(site_id=made.id, domain="alpha.test", created_at=uow.now()))


def test_an_upload_is_looked_at_mapped_and_imported(house: House, dispatcher: Any) -> None:
    """U28: a reload keeps it, a worker does it, the mapping is remembered, the rejected rows come with line and reason."""
    site(house)
    browser = house.browser(Role.LEAD)
    for number, (name, text, target) in enumerate(
        (("ours.csv", OWN, "acme.test"), ("theirs.csv", THEIRS, "alpha.test")), 1
    ):
        place = send(browser, name, text).headers["location"]
        page = browser.get(place).text
        assert "A table of no known tool" in page
        assert "https://" in page
        assert "alpha.test" in page
        if number == 2:
            assert re.search(r'id="f-map-source".*?value="where found" selected', page, re.DOTALL), "not remembered"
        else:
            refused = post(browser, f"{place}/run", target=target)
            assert refused.status_code == 422
            assert 'href="#f-map-source"' in refused.text
        started = post(browser, f"{place}/run", target=target, **{"map-source": "where found"})
        assert started.headers["location"] == place
        assert (Job.GAPS_IMPORT, number) in dispatcher.rung
        assert "Check progress" in browser.get(place).text
        with house.db.read() as uow:
            assert uploads.due(uow.session, uow.now()) == [number]
        uploads.run(house.container, number)
        uploads.run(house.container, number)
        over = browser.get(place).text
        assert "State: done" in over
    assert "40 new" in over
    assert "41 rows read, 40 taken, 0 gone already, 1 rejected" in over
    link = re.search(r'href="(/imports/\d+/rejected\.csv)"', over)
    assert link
    lines = browser.get(link[1]).text.splitlines()
    assert lines[0] == "file,line,reason,why,text"
    assert lines[1].startswith("theirs.csv,42,")
    assert "'=cmd()" in lines[1]
    assert not list(uploads.folder_of(house.container.settings).iterdir())
    assert "theirs.csv" in browser.get("/imports").text
    with house.db.read() as uow:
        done = uow.session.get(ImportJob, 2)
        assert done is not None
        assert (done.rows_done, done.rows_total) == (41, 41)


def test_a_cancelled_upload_stores_nothing(house: House) -> None:
    site(house)
    browser = house.browser(Role.LEAD)
    place = send(browser, "theirs.csv", THEIRS).headers["location"]
    post(browser, f"{place}/run", target="alpha.test", **{"map-source": "where found"})
    with house.db.work() as uow:
        # As if a worker had taken it: the wish is noted, and the run obeys it.
        uploads.get(uow, 1).cancel_asked = True
    uploads.run(house.container, 1)
    with house.db.read() as uow:
        assert uploads.get(uow, 1).state is ImportState.CANCELLED
        assert uow.session.execute(select(Snapshot)).first() is None
    assert not list(uploads.folder_of(house.container.settings).iterdir())
    assert "State: cancelled" in browser.get(place).text
    other = send(browser, "other.csv", THEIRS).headers["location"]
    post(browser, f"{other}/cancel")
    assert "State: cancelled" in browser.get(other).text


def test_what_cannot_be_read_is_said_at_the_field(house: House) -> None:
    site(house)
    browser = house.browser(Role.LEAD)
    empty = send(browser, "../../etc/empty.csv", "")
    assert empty.status_code == 422
    assert "empty.csv: the file is empty; export it again." in empty.text
    assert "uploads" not in empty.text
    none = browser.post("/imports", data={"csrf": csrf_of(browser.get("/")), "site": "1"})
    assert none.status_code == 422
    assert 'href="#f-file"' in none.text
    assert not list(uploads.folder_of(house.container.settings).iterdir())


def test_a_hundred_thousand_rows_tell_how_far_they_are_and_can_be_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U28: a figure within a second, a new one every two; the page has it after a reload; Cancel ends it between two rows."""
    site(house)
    browser = house.browser(Role.LEAD)
    noted: list[tuple[float, int]] = []
    honest = uploads._Watch.note

    def note(watch: Any, done: int) -> None:
        noted.append((time.monotonic(), done))
        honest(watch, done)
        if len(noted) == 1 and place != ours:
            live = browser.get(place).text
            assert "State: runs" in live
            assert "0 of 100,000 rows" in live
            assert 'hx-trigger="every 2s"' in live
            if stop:
                post(browser, f"{place}/cancel")
                assert "It stops at the next step." in browser.get(place).text

    monkeypatch.setattr(uploads._Watch, "note", note)
    ours = send(browser, "ours.csv", OWN).headers["location"]
    post(browser, f"{ours}/run", target="acme.test", **{"map-source": "where found"})
    stop, place = False, ours
    uploads.run(house.container, 1)
    noted.clear()
    for number, stop in ((2, True), (3, False)):
        rows = "".join(f"https://blog-{n}.test/x{number};{n % 90}\n" for n in range(100_000))
        place = send(browser, f"many-{number}.csv", f"where found;rank\n{rows}").headers["location"]
        post(browser, f"{place}/run", target="alpha.test", **{"map-source": "where found"})
        noted.clear()
        begun = time.monotonic()
        uploads.run(house.container, number)
        took = time.monotonic() - begun
        assert noted[0][0] - begun <= 1
        page = browser.get(place).text
        if stop:
            assert "State: cancelled" in page
            with house.db.read() as uow:
                assert uow.session.execute(select(Snapshot).where(Snapshot.rows_read > 100)).first() is None
            continue
        assert "100,000 rows read, 100,000 taken" in page
        assert [done for _, done in noted] == sorted(done for _, done in noted)
        assert noted[-1][1] == 100_000
        print(f"100,000 rows: {took:.1f} s, {len(noted)} figures")  # noqa: T201 -- for the reader of the log


def test_a_list_of_mentions_is_looked_at_mapped_and_taken(house: House, dispatcher: Any) -> None:
    """The same way as an export: first rows, the column, a worker, and each row that was not taken with its reason."""
    site(house)
    browser = house.browser(Role.LEAD)
    text = "where;what\nhttps://editor.test/about-acme;A\n=cmd()|not a page;B\nhttps://alpha.test/x;C\n"
    data = {"csrf": csrf_of(browser.get("/")), "site": "1"}
    place = browser.post("/imports/mentions", data=data, files={"file": ("list.csv", text.encode())}).headers[
        "location"
    ]
    page = browser.get(place).text
    assert "A table of no known tool" in page
    assert "https://editor.test/about-acme" in page
    refused = post(browser, f"{place}/run")
    assert refused.status_code == 422
    assert 'href="#f-map-page"' in refused.text
    assert post(browser, f"{place}/run", **{"map-page": "where"}).headers["location"] == place
    assert (Job.MENTIONS_LIST, 1) in dispatcher.rung
    assert "Check progress" in browser.get(place).text
    assert browser.get("/imports/jobs/1").headers["location"] == place
    assert post(browser, "/imports/jobs/1/run").status_code == 404
    lists.run(house.container, 1)
    over = browser.get(place).text
    assert "1 pages to read · 0 known already · 1 new prospects · 2 rows not taken" in over
    assert "alpha.test is a competitor" in over
    lines = browser.get(f"{place}/rejected.csv").text.splitlines()
    assert lines[1].startswith("list.csv,3,")
    assert "'=cmd()" in lines[1]
    assert "list.csv" in browser.get("/imports").text
    assert not list(uploads.folder_of(house.container.settings).iterdir())
    empty = browser.post("/imports/mentions", data=data, files={"file": ("none.csv", b"")})
    assert empty.status_code == 422
    assert "uploads" not in empty.text
