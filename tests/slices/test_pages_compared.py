"""A page of ours changes: fits and drafts of its site follow, in batches that go on where they were cut off; what people chose stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.jobs import Job, RecordingDispatcher
from app.models import Page, Pitch, PitchState, Prospect, Site
from app.pitches import our_pages
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.settings import Settings
from app.sites import pages
from app.sites import service as sites
from tests.support.pitching import Desk, a_desk

TITLE = "Employee payroll software for small teams"


@pytest.fixture
def desk(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with a_desk(db, settings, clock) as ready:
        yield ready


def add(desk: Desk, slug: str, title: str) -> int:
    with desk.db.work() as uow:
        return pages.add_page(uow, 1, f"https://acme.test/{slug}", title=title, topic=title).id


def fits(desk: Desk) -> dict[str, int | None]:
    with desk.db.read() as look:
        return {one.domain: one.fit_page_id for one in look.session.exec(select(Prospect))}


def draft(desk: Desk, prospect_id: int) -> Pitch:
    with desk.db.read() as look:
        statement = select(Pitch).where(Pitch.prospect_id == prospect_id, Pitch.state == PitchState.DRAFT)
        return look.session.exec(statement).one()


def a_draft(desk: Desk, domain: str, title: str = TITLE) -> int:
    made = desk.prospect(
        domain, mention=False, best_page_title=title, anchor=None, target=None, best_page=f"https://{domain}/p"
    )
    with desk.db.work() as uow:
        pitches.propose(uow, made)
    return made


def test_a_new_page_reaches_prospects_and_drafts_and_one_put_away_leaves_them(
    desk: Desk, dispatcher: RecordingDispatcher
) -> None:
    first = a_draft(desk, "one.test")
    old = draft(desk, first).page_id
    made = add(desk, "payroll", TITLE)
    assert (Job.GAPS_REFIT, 1) in dispatcher.rung
    assert our_pages.run(desk, 1) == 1
    assert our_pages.run(desk, 1) is None
    assert fits(desk)["one.test"] == made
    after = draft(desk, first)
    assert after.page_id == made
    assert "https://acme.test/payroll" in after.body_text
    version = after.version
    with desk.db.work() as uow:
        pages.compare_anew(uow, 1)
    our_pages.run(desk, 1)
    assert draft(desk, first).version == version, "written again without a reason"
    with desk.db.work() as uow:
        pages.archive_page(uow, 1, made)
    our_pages.run(desk, 1)
    assert draft(desk, first).page_id == old
    assert fits(desk)["one.test"] != made


def test_what_a_person_has_chosen_or_written_stays(desk: Desk) -> None:
    other = add(desk, "hiring", "Hiring plans")
    chosen, edited = a_draft(desk, "one.test"), a_draft(desk, "two.test")
    with desk.db.work() as uow:
        pitch = draft(desk, chosen)
        pitches.choose(uow, pitch.id, pitch.version, actor="ana", page_id=other)
        text = draft(desk, edited)
        pitches.edit(uow, text.id, text.version, text.subject, "A word of mine.\n\n" + text.body_text, actor="ana")
    before = draft(desk, edited).body_text
    made = add(desk, "payroll", TITLE)
    our_pages.run(desk, 1)
    assert fits(desk) == {"one.test": made, "two.test": made}
    assert draft(desk, chosen).page_id == other
    assert draft(desk, edited).body_text == before
    with desk.db.work() as uow:
        pitches.propose(uow, chosen)
        page = uow.session.get_one(Page, other)
        values = {name: getattr(page, name) for name in pages.FIELDS} | {"summary": "Forty plans to copy"}
        pages.change_page(uow, other, page.version, **values)
    assert draft(desk, chosen).page_id == other, "a new proposal took the page away"
    our_pages.run(desk, 1)
    assert "Forty plans to copy" in draft(desk, chosen).body_text
    with desk.db.work() as uow:
        pages.archive_page(uow, 1, other)
    our_pages.run(desk, 1)
    assert draft(desk, chosen).page_id == made, "a page that is put away is offered to nobody"


def test_a_sender_that_changes_signs_the_drafts_that_wait(desk: Desk) -> None:
    made, edited = a_draft(desk, "one.test"), a_draft(desk, "two.test")
    with desk.db.work() as uow:
        text = draft(desk, edited)
        pitches.edit(uow, text.id, text.version, text.subject, "A word of mine.\n\n" + text.body_text, actor="ana")
        site = uow.session.get_one(Site, 1)
        given = {name: getattr(site, name) for name in sites.FIELDS} | {"postal_address": "5 New Street, Newtown"}
        sites.change(uow, 1, site.version, **given)
    assert our_pages.run(desk, 1) == 2
    assert "5 New Street, Newtown" in draft(desk, made).body_text
    assert "A word of mine" in draft(desk, edited).body_text


def test_a_stop_ends_a_run_between_two_batches_and_the_next_one_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_pages, "_BATCH", 2)
    for number in range(3):
        desk.prospect(f"site-{number}.test", mention=False, best_page_title=TITLE)
    made = add(desk, "payroll", TITLE)
    desk.stopping.set()
    assert our_pages.run(desk, 1) == 2
    desk.stopping.clear()
    with desk.db.read() as look:
        assert our_pages.due(look.session, look.now()) == [1]
    assert our_pages.run(desk, 1) == 1
    assert set(fits(desk).values()) == {made}


def test_the_place_in_the_queue_follows_the_fit(desk: Desk) -> None:
    made = desk.prospect("site.test", mention=False, best_page_title=TITLE)
    with desk.db.work() as uow:
        prospects.rerank(uow.session.get_one(Prospect, made), 2)
    add(desk, "payroll", TITLE)
    our_pages.run(desk, 1)
    with desk.db.work() as uow:
        row = uow.session.get_one(Prospect, made)
        follows, row.rank_key = row.rank_key, ""
        assert row.fit
        prospects.rerank(row, 2)
        assert follows == row.rank_key


def test_a_run_that_was_cut_off_goes_on_and_a_change_begins_it_anew(
    desk: Desk, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_pages, "_BATCH", 2)
    for number in range(5):
        desk.prospect(f"site-{number}.test", mention=False, best_page_title=TITLE)
    made = add(desk, "payroll", TITLE)
    honest, seen = our_pages.fit.refit_all, []

    def dies(uow: object, site: Site, batch: list[Prospect]) -> None:
        seen.append([one.id for one in batch])
        if len(seen) == 2:
            raise RuntimeError("power cut")
        honest(uow, site, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(our_pages.fit, "refit_all", dies)
    with pytest.raises(RuntimeError):
        our_pages.run(desk, 1)
    assert our_pages.run(desk, 1) is None, "its claim still runs"
    clock.advance(timedelta(minutes=16))
    with desk.db.read() as look:
        assert our_pages.due(look.session, look.now()) == [1]
    assert our_pages.run(desk, 1) == 3
    assert seen == [[1, 2], [3, 4], [3, 4], [5]]
    assert set(fits(desk).values()) == {made}


def test_a_change_between_two_batches_begins_it_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(our_pages, "_BATCH", 2)
    for number in range(3):
        desk.prospect(f"site-{number}.test", mention=False, best_page_title=TITLE)
    with desk.db.work() as uow:
        pages.compare_anew(uow, 1)
    honest, calls = desk.db.work, []

    def work() -> object:
        calls.append(1)
        if len(calls) == 2:
            add(desk, "payroll", TITLE)
        return honest()

    monkeypatch.setattr(desk.db, "work", work)
    assert our_pages.run(desk, 1) == 2, "it went on with a claim that was not its own any more"
    monkeypatch.setattr(desk.db, "work", honest)
    assert our_pages.run(desk, 1) == 3
    assert None not in fits(desk).values()
