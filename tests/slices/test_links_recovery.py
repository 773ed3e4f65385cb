"""The strip of a link's days, and the list of links to win back with the draft that asks for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.link_watch import DayState, Trouble
from app.domain.pipeline import Stage
from app.links import history, service
from app.models import Link, LinkCheck, LinkState, Outbound, OutboundKind, Pitch, Site
from app.reports import recovery
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.webserver import redirect
from tests.support.world import a_contact, a_conversation, a_mailbox, a_page, a_prospect, a_site
from workers import links

DAY = timedelta(days=1)
NOFOLLOW = LINK.replace("<a ", '<a rel="nofollow" ')
SCRIPTS = '<div id="root"></div><script src="/app.js"></script>'


@pytest.fixture
def won(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    """A prospect that was pitched by mail and links to us since today."""
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            prospect = a_prospect(uow, site, best_page=PAGE, stage=Stage.PITCHED)
            thread = a_conversation(uow, prospect, a_contact(uow, prospect), a_mailbox(uow))
            sent = Outbound(
                site_id=1,
                mailbox_id=thread.mailbox_id,
                prospect_id=prospect.id,
                conversation_id=thread.id,
                kind=OutboundKind.PITCH,
                message_id="<pitch@acme.test>",
                token="token",
                to_address="dana@editor.test",
                subject="Your checklist",
                raw=b"",
                raw_sha256="",
                state=OutboundState.SENT,
                not_before=uow.now(),
                expires_at=uow.now(),
                approved_by="ana",
                created_at=uow.now(),
            )
            uow.session.add(sent)
        made.serve(f"<p>Use {LINK} today.</p>")
        assert service.look_for_link(made, 1).seen
        yield made


def look(at: Desk, clock: FixedClock, html: str, *, status: int = 200, **headers: str) -> LinkState | None:
    """Tomorrow's look at the page as it is then."""
    clock.advance(DAY)
    at.serve(html, status=status, **headers)
    links.check(at, 1)  # type: ignore[arg-type]
    return the_link(at).state


def the_link(at: Desk) -> Link:
    with at.db.read() as uow:
        return uow.session.exec(select(Link)).one()


def days(at: Desk, count: int) -> list[tuple[DayState, Trouble | None]]:
    with at.db.read() as uow:
        return [(day.state, day.trouble) for day in history.strips(uow, [1], days=count)[1]]


def recoveries(at: Desk, **filters: Any) -> list[dict[str, Any]]:
    with at.db.read() as uow:
        return recovery.listing(uow, **filters)


def test_a_strip_says_what_each_day_saw(won: Desk, clock: FixedClock) -> None:
    look(won, clock, NOFOLLOW)
    look(won, clock, "<p>fault</p>", status=403)
    look(won, clock, "<p>Nothing.</p>")
    look(won, clock, SCRIPTS)
    clock.advance(DAY)
    look(won, clock, "<p>Nothing.</p>")
    assert days(won, 8) == [
        (DayState.NONE, None),
        (DayState.LIVE, None),
        (DayState.CHANGED, Trouble.NOFOLLOW),
        (DayState.UNKNOWN, Trouble.BLOCKED),
        (DayState.MISSING, Trouble.REMOVED),
        (DayState.UNKNOWN, Trouble.NOT_RENDERED),
        (DayState.NONE, None),
        (DayState.LOST, Trouble.REMOVED),
    ]


def test_looks_of_before_states_were_kept_are_read_by_their_verdict(won: Desk, clock: FixedClock) -> None:
    with won.db.work() as uow:
        for verdict, good in (("linked", True), ("no-mention", True), ("could-not-check", False)):
            clock.advance(DAY)
            uow.session.add(LinkCheck(link_id=1, verdict=verdict, good_fetch=good, at=uow.now()))
    assert [state for state, _ in days(won, 3)] == [DayState.LIVE, DayState.MISSING, DayState.UNKNOWN]


@pytest.mark.parametrize(
    ("serve", "trouble", "detail", "fact"),
    [
        (lambda at: at.serve("<p>Nothing.</p>"), Trouble.REMOVED, None, "the page no longer had the link"),
        (lambda at: at.serve("x", status=404), Trouble.PAGE_GONE, "404", "the page answered 404 (not found)"),
        (
            lambda at: at.site.routes.update({"/blog/checklist": redirect("http://editor.test/news")}),
            Trouble.REDIRECTED,
            "http://editor.test/news",
            "its address led to /news, which does not have the link",
        ),
    ],
)
def test_a_lost_link_has_its_reason_and_a_draft_in_the_old_thread(
    won: Desk, clock: FixedClock, serve: Any, trouble: Trouble, detail: str | None, fact: str
) -> None:
    won.serve("<p>The news.</p>", "/news")
    assert recoveries(won) == []
    serve(won)
    for _ in range(2):
        clock.advance(DAY)
        links.check(won, 1)  # type: ignore[arg-type]
    found = recoveries(won)[0]
    assert (found["kind"], found["trouble"], found["detail"]) == ("lost", trouble, detail)
    assert (found["domain"], found["source_url"], found["stage"]) == ("editor.test", PAGE, Stage.CHECKED_MENTION)
    assert (found["since"], found["lost_at"]) == (clock.now() - DAY, clock.now())
    assert (found["last_seen_at"], found["conversation_id"]) == (clock.now() - 2 * DAY, 1)
    assert found["pitch_state"] == "draft"
    with won.db.read() as uow:
        pitch = uow.session.get_one(Pitch, found["pitch_id"])
    assert pitch.subject == found["pitch_subject"]
    assert "Until 1 June 2026 your page" in pitch.body_text
    assert f"When I looked again on 3 June 2026, {fact}." in " ".join(pitch.body_text.split())
    assert fact in pitch.why
    assert recoveries(won, kind="changed") == []
    assert recoveries(won, site_id=2) == []


def test_a_link_that_is_worth_less_is_listed_on_a_second_look(won: Desk, clock: FixedClock) -> None:
    assert look(won, clock, NOFOLLOW) is LinkState.CHANGED
    assert recoveries(won) == []  # one look may be a false alarm
    look(won, clock, "x", status=503)
    assert recoveries(won) == []  # and one that could not be made is none
    look(won, clock, NOFOLLOW)
    found = recoveries(won)[0]
    assert (found["kind"], found["trouble"], found["detail"]) == ("changed", Trouble.NOFOLLOW, 'rel="nofollow"')
    assert found["since"] == clock.now() - 2 * DAY
    assert (found["pitch_id"], found["conversation_id"]) == (None, None)
    look(won, clock, "x", status=503)
    assert [row["link_id"] for row in recoveries(won, kind="changed")] == [1]
    look(won, clock, LINK)
    assert recoveries(won) == []
    assert (the_link(won).trouble, the_link(won).changed_at) == (None, None)


def test_a_change_that_was_taken_back_between_begins_anew(won: Desk, clock: FixedClock) -> None:
    for html in (NOFOLLOW, LINK, NOFOLLOW):
        look(won, clock, html)
    assert recoveries(won) == []


@pytest.mark.parametrize(
    ("html", "status", "trouble"),
    [("x", 403, Trouble.BLOCKED), (SCRIPTS, 200, Trouble.NOT_RENDERED), ("x", 500, Trouble.UNREADABLE)],
)
def test_what_could_not_be_checked_is_never_lost(
    won: Desk, clock: FixedClock, html: str, status: int, trouble: Trouble
) -> None:
    assert {look(won, clock, html, status=status) for _ in range(4)} == {LinkState.UNKNOWN}
    assert recoveries(won) == []
    assert the_link(won).trouble is trouble


def test_a_lost_link_stays_lost_once(won: Desk, clock: FixedClock) -> None:
    for _ in range(2):
        look(won, clock, "<p>Nothing.</p>")
    lost_at = the_link(won).lost_at
    clock.advance(7 * DAY)
    look(won, clock, "x", status=410)
    link = the_link(won)
    assert (link.state, link.lost_at, link.trouble) == (LinkState.LOST, lost_at, Trouble.PAGE_GONE)
    clock.advance(7 * DAY)
    look(won, clock, LINK)
    assert recoveries(won) == []


def test_pages_of_the_list_follow_one_another(won: Desk, clock: FixedClock) -> None:
    with won.db.work() as uow:
        for number in range(5):
            prospect = a_prospect(uow, uow.session.get_one(Site, 1), f"p{number}.test", stage=Stage.WON)
            uow.session.add(
                Link(
                    site_id=1,
                    prospect_id=prospect.id,
                    source_url=f"http://p{number}.test/",
                    state=LinkState.LOST,
                    verified=True,
                    first_seen_at=uow.now(),
                    first_missing_at=uow.now() + timedelta(hours=number // 2),
                    lost_at=uow.now() + DAY,
                )
            )
    whole = [(row["since"], row["link_id"]) for row in recoveries(won)]
    assert whole == sorted(whole, reverse=True)
    assert len(whole) == 5
    paged = []
    while page := recoveries(won, before=paged[-1] if paged else None, limit=2):
        paged += [(row["since"], row["link_id"]) for row in page]
    assert paged == whole
