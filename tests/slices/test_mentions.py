"""The mention check: four verdicts with their evidence, on real pages, and never a no where there is a doubt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import BadInput, Conflict
from app.jobs import Job, RecordingDispatcher
from app.mentions import repository, service
from app.models import BlockingEvent, Competitor, Link, MentionCheck, Prospect
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.webserver import redirect
from tests.support.world import a_page, a_prospect, a_site


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            a_prospect(uow, site, best_page=PAGE, mention_due_at=uow.now(), known_pages=[PAGE])
            uow.session.add(Competitor(site_id=site.id, domain="rival.test", name="Acme Rockets", created_at=uow.now()))
        yield made


def state(db: Database) -> tuple[Prospect, list[MentionCheck], list[str]]:
    with db.read() as look:
        return (
            prospects.get(look, 1),
            list(look.session.exec(select(MentionCheck).order_by(MentionCheck.id))),  # type: ignore[arg-type]
            [event.event for event in prospects_repository.events_of(look.session, 1)],
        )


def test_an_unlinked_mention_moves_on_with_its_quote(at: Desk, clock: FixedClock) -> None:
    at.serve("<title>A checklist</title><p>First things. We learned this from ACME in May. More.</p>")
    assert service.check(at, 1) is MentionVerdict.UNLINKED_MENTION
    prospect, [row], events = state(at.db)
    assert prospect.stage is Stage.CHECKED_MENTION
    assert prospect.mention is MentionVerdict.UNLINKED_MENTION
    assert prospect.mention_check_id == row.id
    assert prospect.mention_due_at is None
    assert prospect.best_page_title == "A checklist"
    assert (row.url, row.quote, row.checked_at) == (PAGE, "We learned this from ACME in May.", clock.now())
    assert [(page["url"], page["status"], page["verdict"]) for page in row.pages] == [(PAGE, 200, "unlinked-mention")]
    assert events == ["mention_checked"]


def test_a_link_that_is_there_already_is_a_win(at: Desk) -> None:
    at.serve(f"<p>Use {LINK} by Acme.</p>")
    assert service.check(at, 1) is MentionVerdict.LINKED
    prospect, [row], events = state(at.db)
    assert prospect.stage is Stage.WON
    assert row.link_target == "https://acme.test/guides/onboarding"
    assert events == ["link_seen"]
    with at.db.read() as look:
        link = look.session.exec(select(Link)).one()
        assert link.verified
        assert (link.source_url, link.dofollow, link.anchor) == (PAGE, True, "the onboarding guide")
        assert look.session.exec(select(BlockingEvent)).one().kind is Blocking.LINK_SEEN


SPAM = '<a rel="ugc nofollow" href="https://acme.test/">Acme</a>'


@pytest.mark.parametrize("html", [f"<p>{SPAM}</p>", f'<div style="left:-9999px">{LINK}</div>', f"<p hidden>{LINK}</p>"])
def test_a_link_that_no_editor_set_for_readers_is_for_a_person_to_look_at(at: Desk, html: str) -> None:
    at.serve(f"<p>A post on other things.</p>{html}")
    assert service.check(at, 1) is MentionVerdict.COULD_NOT_CHECK
    prospect, [row], events = state(at.db)
    assert (prospect.stage, prospect.mention_due_at, row.reason) == (Stage.PROSPECT, None, "possible-link")
    assert row.link_target is not None
    assert events == ["mention_unchecked"]
    with at.db.read() as look:
        assert look.session.exec(select(Link)).all() == []
    # Another page of theirs with a link is a win all the same.
    with at.db.work() as uow:
        prospects.get(uow, 1).known_pages = [PAGE, "http://editor.test/two"]
        service.request(uow, 1)
    at.serve(f"<p>Use {LINK}.</p>", "/two")
    assert service.check(at, 1) is MentionVerdict.LINKED


def test_no_mention_needs_every_page_to_be_read(at: Desk) -> None:
    with at.db.work() as uow:
        prospects.get(uow, 1).known_pages = [PAGE, "http://editor.test/two", "http://editor.test/gone"]
    at.serve("<p>Nothing of note. A word about Acme Rockets.</p>")
    at.serve("<p>secret</p>", "/two", status=403)
    assert service.check(at, 1) is MentionVerdict.COULD_NOT_CHECK
    prospect, [row], events = state(at.db)
    assert prospect.stage is Stage.PROSPECT
    assert (row.reason, row.url) == ("refused", "http://editor.test/two")
    assert [page["verdict"] for page in row.pages] == ["no-mention", "could-not-check", "could-not-check"]
    assert events == ["mention_unchecked"]
    at.serve("<p>Nothing here either.</p>", "/two")
    with at.db.work() as uow:
        service.request(uow, 1)
    # The third page is gone: what is not there mentions nobody.
    assert service.check(at, 1) is MentionVerdict.NO_MENTION
    assert state(at.db)[0].stage is Stage.CHECKED_MENTION


def test_when_every_page_is_gone_nothing_was_checked(at: Desk) -> None:
    assert service.check(at, 1) is MentionVerdict.COULD_NOT_CHECK
    prospect, [row], _ = state(at.db)
    assert (prospect.stage, row.reason) == (Stage.PROSPECT, "page-gone")


def test_the_second_page_may_hold_the_link(at: Desk) -> None:
    with at.db.work() as uow:
        prospects.get(uow, 1).known_pages = ["http://editor.test/two", "http://editor.test/three"]
    at.serve("<p>Acme is named here.</p>")
    at.serve(LINK, "/two")
    assert service.check(at, 1) is MentionVerdict.LINKED
    assert at.seen() == ["/blog/checklist", "/two"]


def test_a_link_through_a_redirect_counts(at: Desk) -> None:
    at.serve('<p>Read <a href="http://go.test/x1">this</a> by Acme.</p>')
    at.site.routes["/x1"] = redirect("http://acme.test/guides/onboarding?utm_source=go")
    assert service.check(at, 1) is MentionVerdict.LINKED
    assert "/guides/onboarding" not in " ".join(at.seen())  # our own page need not be asked
    with at.db.read() as look:
        assert look.session.exec(select(Link)).one().target_url == "http://acme.test/guides/onboarding?utm_source=go"


def test_robots_txt_is_obeyed_and_said(at: Desk) -> None:
    at.site.routes["/robots.txt"] = lambda handler: handler.give("User-agent: *\nDisallow: /blog/\n")
    at.serve(LINK)
    assert service.check(at, 1) is MentionVerdict.COULD_NOT_CHECK
    assert at.seen() == []
    prospect, [row], _ = state(at.db)
    assert row.reason == "robots"
    assert prospect.mention_due_at is None  # it will say the same in an hour: a person decides


def test_a_person_confirms_what_could_not_be_checked(at: Desk) -> None:
    with pytest.raises(Conflict, match="has not been tried yet"), at.db.work() as uow:
        service.confirm_unchecked(uow, 1, actor="ana", reason="seen by hand")
    service.check(at, 1)
    with pytest.raises(BadInput), at.db.work() as uow:
        service.confirm_unchecked(uow, 1, actor="ana", reason=" ")
    with at.db.work() as uow:
        service.confirm_unchecked(uow, 1, actor="ana", reason="seen by hand")
    prospect, _, events = state(at.db)
    assert prospect.stage is Stage.CHECKED_MENTION
    assert prospect.mention is MentionVerdict.COULD_NOT_CHECK
    assert events == ["mention_unchecked", "mention_checked"]
    with pytest.raises(Conflict), at.db.work() as uow:
        service.confirm_unchecked(uow, 1, actor="ana", reason="again")


def test_a_passing_fault_is_tried_again_three_times(at: Desk, clock: FixedClock) -> None:
    at.serve("", status=503)
    waits = []
    for _ in range(3):
        assert service.check(at, 1) is MentionVerdict.COULD_NOT_CHECK
        due = state(at.db)[0].mention_due_at
        waits.append(due and due - clock.now())
        clock.advance(timedelta(hours=5))
    assert waits == [timedelta(hours=1), timedelta(hours=4), None]
    assert service.check(at, 1) is None
    prospect, rows, _ = state(at.db)
    assert (prospect.stage, len(rows)) == (Stage.PROSPECT, 3)


def test_nothing_is_done_before_its_time_or_twice(at: Desk, clock: FixedClock) -> None:
    at.serve("<p>Nothing.</p>")
    with at.db.read() as look:
        assert repository.due(look.session, clock.now() - timedelta(seconds=1)) == []
        assert list(repository.due(look.session, clock.now())) == [1]
    assert service.check(at, 1) is MentionVerdict.NO_MENTION
    assert service.check(at, 1) is None
    assert service.check(at, 99) is None
    assert len(state(at.db)[1]) == 1


def test_of_two_workers_one_checks(at: Desk) -> None:
    at.serve("<p>Nothing.</p>")
    together = threading.Barrier(4)
    outcomes: list[MentionVerdict | None] = []

    def go() -> None:
        together.wait()
        outcomes.append(service.check(at, 1))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, None, None, MentionVerdict.NO_MENTION]
    assert len(state(at.db)[1]) == 1


def test_a_worker_that_died_leaves_a_claim_that_runs_out(at: Desk, clock: FixedClock) -> None:
    at.serve("<p>Nothing.</p>")
    with at.db.work() as uow:
        assert repository.claim(uow.session, 1, uow.now(), uow.now() + timedelta(minutes=15))
    assert service.check(at, 1) is None
    clock.advance(timedelta(minutes=16))
    assert service.check(at, 1) is MentionVerdict.NO_MENTION


def test_a_request_rings(at: Desk, dispatcher: RecordingDispatcher) -> None:
    with at.db.work() as uow:
        service.request(uow, 1)
    assert dispatcher.rung == [(Job.MENTIONS_CHECK, 1)]


def test_without_known_pages_the_front_page_is_asked(at: Desk) -> None:
    with at.db.work() as uow:
        prospect = prospects.get(uow, 1)
        prospect.best_page, prospect.known_pages = None, []
        assert service.pages_of(prospect) == ("https://editor.test/",)
        prospect.known_pages = ["editor.test/a b ", "https://editor.test/a%20b", " "]
        assert service.pages_of(prospect) == ("https://editor.test/a%20b",)
        prospect.known_pages = [f"http://editor.test/{n}" for n in range(20)]
        assert len(service.pages_of(prospect)) == service.MAX_PAGES
