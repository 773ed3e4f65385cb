"""Imports by the pages: uploaded, looked at, mapped, run by a worker, cancelled, and what was rejected."""

from __future__ import annotations

import gzip
import re
import time
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import NotFound
from app.gaps import takebacks, uploads
from app.gaps.progress import Stopped, Watch
from app.jobs import Job
from app.mentions import lists
from app.models import Competitor, ImportJob, ImportState, Prospect, Role, Snapshot
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
            headers, data = {"accept-language": "de"}, {"csrf": csrf_of(browser.get("/")), "target": target}
            german = browser.post(f"{place}/run", data=data, headers=headers).text
            assert "in welcher Spalte die verlinkende Seite steht" in german
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
    sure = browser.get("/imports/2/remove").text
    assert "theirs.csv: 40 rows of links to alpha.test" in sure
    assert "/remove" not in house.browser(Role.OUTREACH).get("/imports").text
    for _twice in range(2):
        assert post(browser, "/imports/2/remove").headers["location"] == "/imports/jobs/3"
    assert dispatcher.rung.count((Job.GAPS_TAKEBACK, 3)) == 1
    assert "State: waits for a worker" in browser.get("/imports/jobs/3").text
    assert '<a href="/imports/jobs/3">is being taken back</a>' in browser.get("/imports").text
    # The same file again would be known, and gone with the next moment.
    again = send(browser, "theirs.csv", THEIRS).headers["location"]
    post(browser, f"{again}/run", target="alpha.test", **{"map-source": "where found"})
    uploads.run(house.container, 4)
    assert "theirs.csv is being taken back at this moment" in browser.get(again).text
    takebacks.run(house.container, 3)
    takebacks.run(house.container, 3)
    taken_back = browser.get("/imports/jobs/3").text
    assert "The prospects stay as they are until the gap can be computed again." in taken_back
    assert "There is no export of a competitor" in taken_back
    history = browser.get("/imports").text
    assert 'href="/imports/2/remove"' not in history
    assert "being taken back" not in history
    assert "State: done" in browser.get("/imports/jobs/2").text
    assert "took back the import" in house.browser(Role.OPERATOR).get("/audit").text
    with house.db.read() as uow:
        done = uow.session.get(ImportJob, 2)
        assert done is not None
        assert (done.rows_done, done.rows_total) == (41, 41)


def test_the_day_of_an_upload_can_be_said(house: House) -> None:
    """Without one, a file that names no day would count as of today and take the place of a newer one."""
    site(house)
    browser = house.browser(Role.LEAD)
    place = send(browser, "theirs_2026-04-30.csv", THEIRS).headers["location"]
    assert 'type="date" value="2026-04-30"' in browser.get(place).text
    given = {"target": "alpha.test", "map-source": "where found"}
    for day, words in (("31.5.2026", "Write a day"), ("2999-01-01", "The day on which your tool made the file")):
        refused = post(browser, f"{place}/run", **given, as_of=day)
        assert refused.status_code == 422
        assert 'href="#f-as_of"' in refused.text
        assert words in refused.text
    assert post(browser, f"{place}/run", **given, as_of="2026-05-29").status_code == 303
    uploads.run(house.container, 1)
    with house.db.read() as uow:
        kept = uow.session.execute(select(Snapshot)).scalar_one()
        assert (str(kept.as_of), kept.report["as_of"]) == ("2026-05-29", "2026-05-29")
    assert "does not count" not in browser.get(place).text
    # What its file does not say is asked again on the page that waits for it, without another upload.
    dumb = send(browser, "dumb.csv", THEIRS).headers["location"]
    post(browser, f"{dumb}/run", **{"map-source": "where found"})
    uploads.run(house.container, 2)
    failed = browser.get(dumb, headers={"hx-request": "true"})
    assert failed.headers["HX-Refresh"] == "true"
    assert "does not say whose links it holds: choose it" in failed.text
    german = browser.get(dumb, headers={"accept-language": "de"}).text
    assert "dumb.csv: Die Datei sagt nicht, wessen Links sie enthält" in german
    assert 'id="f-target"' in failed.text
    # A list of an earlier day is kept and changes nothing: the person who brought it is told so.
    older = send(browser, "older_2026-04-01.csv", THEIRS + "https://late.test/x;1\n").headers["location"]
    post(browser, f"{older}/run", **given)
    uploads.run(house.container, 3)
    said = browser.get(older).text
    assert "The gap does not count this list of alpha.test: it counts theirs_2026-04-30.csv, which is newer" in said


def test_taking_an_import_back_can_be_stopped_until_it_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker computes the gap without it; the import goes with what is written, and not before."""
    site(house)
    browser = house.browser(Role.LEAD)
    for number, (name, text, target) in enumerate(
        (("ours.csv", OWN, "acme.test"), ("old.csv", THEIRS, "alpha.test"), ("new.csv", OWN[:-21], "alpha.test")), 1
    ):
        place = send(browser, name, text).headers["location"]
        post(browser, f"{place}/run", target=target, **{"map-source": "where found"})
        uploads.run(house.container, number)

    def kept() -> int:
        with house.db.read() as uow:
            return len(uow.session.execute(select(Snapshot)).all())

    def ask() -> str:
        return str(post(browser, "/imports/3/remove").headers["location"])

    def stop(*_: Any) -> None:
        raise Stopped

    def fail(*_: Any) -> None:
        raise NotFound("the disk is full")

    assert kept() == 3
    waiting = ask()
    post(browser, f"{waiting}/cancel")
    takebacks.run(house.container, int(waiting.rpartition("/")[2]))
    with monkeypatch.context() as patched:
        # A person cancels while it computes; the wish is obeyed at the last moment before it is written.
        patched.setattr(Watch, "last", stop)
        running = ask()
        takebacks.run(house.container, int(running.rpartition("/")[2]))
    assert waiting != running
    for place in (waiting, running):
        page = browser.get(place).text
        assert "State: cancelled" in page
        assert "Nothing was taken back: the import counts as before." in page
    assert kept() == 3
    with monkeypatch.context() as patched:
        # It fails: the page says why, and from there and from the history it can be asked for again.
        patched.setattr(Watch, "last", fail)
        failed = ask()
        takebacks.run(house.container, int(failed.rpartition("/")[2]))
    page = browser.get(failed).text
    assert "State: failed" in page
    assert "Nothing was taken back: the import counts as before." in page
    assert "the disk is full" in page
    for where in (page, browser.get("/imports").text):
        assert 'href="/imports/3/remove"' in where
    assert kept() == 3
    done = ask()
    assert done == failed
    takebacks.run(house.container, int(done.rpartition("/")[2]))
    page = browser.get(done).text
    assert "The import is taken back, and the gap is computed without it." in page
    assert "40 gaps in all" in page
    assert kept() == 2
    with house.db.read() as uow:
        over = uploads.get(uow, int(done.rpartition("/")[2]))
        assert (over.rows_done, over.rows_total, over.snapshots) == (42, 42, [])
    assert uploads.folder_of(house.container.settings).is_dir()


def test_the_format_of_an_upload_can_be_chosen(house: House) -> None:
    """A table of one target is recognised as none; whoever knows what it is says so, and the report says that somebody did."""
    site(house)
    browser = house.browser(Role.LEAD)
    place = send(browser, "intersect.csv", "Domain,alpha.test\nblog.test,3\nother.test,1\n").headers["location"]
    page = browser.get(place).text
    assert "A table of no known tool" in page
    assert '<option value="ahrefs-backlinks">ahrefs-backlinks – Ahrefs, Backlinks</option>' in page
    refused = post(browser, f"{place}/run", format="ahrefs-backlinks")
    assert refused.status_code == 422
    assert 'href="#f-format"' in refused.text
    assert "this is no Ahrefs, Backlinks export: it needs the columns" in refused.text
    assert 'id="f-map-source"' not in refused.text
    looked = browser.get(f"{place}?format=intersect").text
    assert "Read as: link intersect of any tool, chosen by hand" in looked
    assert 'id="f-map-source"' not in looked
    assert post(browser, f"{place}/run", format="intersect", **{"map-source": "domain"}).status_code == 303
    uploads.run(house.container, 1)
    for where in (place, "/imports"):
        assert "chosen by hand" in browser.get(where).text
    with house.db.read() as uow:
        kept = uow.session.execute(select(Snapshot)).scalar_one()
        assert (kept.target, kept.format, kept.rows_taken) == ("alpha.test", "intersect", 2)
        assert kept.report["format_by"] == "hand"
    # The same headers once more: the choice is there already, and it can be left to the file again.
    again = send(browser, "intersect-2.csv", "Domain,alpha.test\nthird.test,3\n").headers["location"]
    assert '<option value="intersect" selected>' in browser.get(again).text
    assert "A table of no known tool" in browser.get(f"{again}?format=").text


def test_columns_that_are_said_of_a_known_format_are_remembered(house: House) -> None:
    """Whoever reads a tool's table by columns of their own does not have to say them at each upload."""
    site(house)
    browser = house.browser(Role.LEAD)
    text = "Domain ascore,Domain,Backlinks,IP Address,Country,First seen,Last seen\n30,{},2,,,,\n"
    place = send(browser, "table.csv", text.format("blog.test")).headers["location"]
    assert "It seems to be: Semrush" in browser.get(place).text
    given = {"map-source": "domain", "map-authority": "domain ascore", "target": "alpha.test", "format": "generic"}
    assert post(browser, f"{place}/run", **given).status_code == 303
    uploads.run(house.container, 1)
    again = browser.get(send(browser, "table-2.csv", text.format("other.test")).headers["location"]).text
    assert '<option value="generic" selected>' in again
    assert re.search(r'id="f-map-authority".*?value="domain ascore" selected', again, re.DOTALL), "not remembered"


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
    honest = Watch.note

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

    monkeypatch.setattr(Watch, "note", note)
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
    large = b"where;what\n" + b"".join(b"https://editor-%d.test/;%s\n" % (n, b"A" * 200) for n in range(9_000))
    taken = browser.post("/imports/mentions", data=data, files={"file": ("large.csv", large)})
    assert taken.status_code == 303, taken.text
    empty = browser.post("/imports/mentions", data=data, files={"file": ("none.csv", b"")})
    assert empty.status_code == 422
    assert "uploads" not in empty.text


def test_the_account_of_the_data_is_kept_and_shown(house: House) -> None:
    """What a list cannot say is said where the gap is reviewed, and not thrown away with the run."""
    site(house)
    with house.db.work() as uow:
        uow.session.add(Competitor(site_id=1, domain="beta.test", created_at=uow.now()))
    browser = house.browser(Role.LEAD)
    assert "No account yet" in browser.get("/gap/account").text
    matrix = "Domain,Domain ascore,acme.test,alpha.test,beta.test,stranger.test,Matches\n" + "".join(
        f"site-{n}.test,40,0,{n % 2},1,1,2\n" for n in range(100)
    )
    console = "Site,Linking pages,Target pages\nfriend.test,3,1\n"
    wire = "https://prnewswire.com/x;5\nhttps://acme.test/own;9\n"
    for number, (name, text, given) in enumerate(
        (
            ("acme.test-backlinks_matrix.csv", matrix, {}),
            ("acme.test-Top linking sites-2026-05-01.csv", console, {}),
            ("alpha.csv", "where found;rank\n" + wire, {"target": "alpha.test", "map-source": "where found"}),
        ),
        1,
    ):
        place = send(browser, name, text).headers["location"]
        post(browser, f"{place}/run", **given)
        uploads.run(house.container, number)
    for address in (place, "/gap/account"):
        page = re.sub(r"\s+", " ", browser.get(address).text)
        assert "Lists that count" in page, address
        assert "columns of no known competitor are not used: stranger.test" in page
        assert "shows a sample of our links: not seen in it is no proof of no link" in page
        assert re.search(r'beta\.test</th><td class="num" data-label="Linking domains">100</td>.*?>98 %', page)
        # 50 link to both, 100 to beta alone or not.
        assert re.search(r'alpha\.test</th><td class="num">50</td><td class="num">50</td></tr>', page)
        assert "/gap/removed?site=1&amp;only=press-release" in page
        assert "rejected&#34;" not in page
        german = browser.get(address, headers={"accept-language": "de"}).text
        assert "zeigt einen Ausschnitt unserer Links: Was darin fehlt, beweist keinen fehlenden Link" in german
        assert "Spalten ohne bekannten Wettbewerber werden nicht benutzt: stranger.test" in german
    review = browser.get("/gap").text
    assert re.search(r"\d notes? on the data", review)
    assert "shows a sample of our links" in review
    assert "prnewswire.com" in browser.get("/gap/removed?only=press-release").text
    assert "prnewswire.com" not in browser.get("/gap/removed?only=own-domain").text
    assert "acme.test" in browser.get("/gap/removed?only=own-domain").text
    assert "prnewswire.com" in browser.get("/gap/removed?only=nonsense").text


def test_a_packed_upload_counts_its_rows_and_takes_every_column_that_is_mapped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(house)
    browser = house.browser(Role.LEAD)
    text = "where;rel;tongue\n" + "".join(f"https://blog-{n}.test/x;true;en\n" for n in range(3_000))
    data = {"csrf": csrf_of(browser.get("/")), "site": "1"}
    packed = browser.post("/imports", data=data, files={"file": ("alpha.csv.gz", gzip.compress(text.encode()))})
    place = packed.headers["location"]
    given = {"target": "alpha.test", "map-source": "where", "map-nofollow": "rel", "map-language": "tongue"}
    assert post(browser, f"{place}/run", **given).status_code == 303
    totals: list[int] = []
    note = Watch.note
    monkeypatch.setattr(Watch, "note", lambda self, done: (totals.append(self.total), note(self, done))[1])
    uploads.run(house.container, 1)
    assert set(totals) == {3_000}
    assert len(totals) >= 2
    own = send(browser, "ours.csv", OWN).headers["location"]
    post(browser, f"{own}/run", target="acme.test", **{"map-source": "where found"})
    uploads.run(house.container, 2)
    with house.db.read() as uow:
        one = uow.session.execute(select(Prospect).where(Prospect.domain == "blog-7.test")).scalar_one()  # type: ignore[arg-type]
    assert (one.dofollow, one.language) == (False, "en")
