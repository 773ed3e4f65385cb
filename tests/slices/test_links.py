"""Links: won when seen, watched every day, lost only on proof, and found again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.link_watch import Trouble
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import BadInput, NotFound
from app.links import repository, service
from app.models import (
    BlockingEvent,
    Conversation,
    ConversationState,
    Link,
    LinkCheck,
    LinkState,
    MentionCheck,
    StageEvent,
)
from app.prospects import service as prospects
from app.settings import Settings
from tests.support.editorial import LINK, PAGE, Desk, desk
from tests.support.webserver import redirect
from tests.support.world import a_contact, a_conversation, a_mailbox, a_page, a_prospect, a_site

DAY = timedelta(days=1)


@pytest.fixture
def at(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    """A prospect that was pitched and that links to us since today."""
    with desk(db, settings, clock) as made:
        with db.work() as uow:
            site = a_site(uow)
            a_page(uow, site)
            prospect = a_prospect(uow, site, best_page=PAGE, stage=Stage.PITCHED)
            a_conversation(uow, prospect, a_contact(uow, prospect), a_mailbox(uow))
        made.serve(f"<p>Use {LINK} today.</p>")
        yield made


@pytest.fixture
def won(at: Desk) -> Desk:
    assert service.look_for_link(at, 1).seen
    return at


def the_link(db: Database) -> Link:
    with db.read() as look:
        return look.session.exec(select(Link)).one()


def stage(db: Database) -> Stage:
    with db.read() as look:
        return prospects.get(look, 1).stage


def events(db: Database) -> list[str]:
    with db.read() as look:
        return [row.event for row in look.session.exec(select(StageEvent).order_by(StageEvent.id))]  # type: ignore[arg-type]


def day_after_day(at: Desk, clock: FixedClock, *looks: Any) -> list[LinkState | None]:
    """One look each day at what `looks` serve."""
    states = []
    for serve in looks:
        clock.advance(DAY)
        serve(at)
        states.append(service.check_link(at, 1))
    return states


def there(at: Desk) -> None:
    at.serve(f"<p>Use {LINK} today.</p>")


def without(at: Desk) -> None:
    at.serve("<p>We used Acme once. Not any more.</p>")


def gone(at: Desk) -> None:
    at.serve("<p>gone</p>", status=410)


def broken(at: Desk) -> None:
    at.serve("<p>fault</p>", status=500)


def closed(at: Desk) -> None:
    at.serve("<p>no robots</p>", status=403)


def test_a_link_that_is_seen_wins_and_ends_what_is_under_way(won: Desk, clock: FixedClock) -> None:
    link = the_link(won.db)
    assert (link.state, link.verified, link.source_url) == (LinkState.LIVE, True, PAGE)
    assert link.target_url == "https://acme.test/guides/onboarding"
    assert (link.anchor, link.context, link.rel, link.dofollow) == (
        "the onboarding guide",
        "Use the onboarding guide today.",
        [],
        True,
    )
    assert link.check_due_at == clock.now() + DAY
    assert stage(won.db) is Stage.WON
    with won.db.read() as look:
        assert look.session.exec(select(BlockingEvent)).one().kind is Blocking.LINK_SEEN
        assert look.session.exec(select(Conversation)).one().state is ConversationState.CLOSED


def test_a_link_that_nobody_sees_wins_nothing(at: Desk, clock: FixedClock) -> None:
    at.serve(f"<p hidden>{LINK}</p>")
    sighting = service.look_for_link(at, 1)
    assert (sighting.seen, sighting.finding.reason) == (False, "possible-link")
    assert stage(at.db) is Stage.PITCHED
    # A person may vouch for it; then it is looked at, and is not verified by what nobody sees.
    with at.db.work() as uow:
        service.override_win(uow, 1, url=PAGE, reason="it is in their menu", actor="ana")
    clock.advance(DAY)
    assert service.check_link(at, 1) is LinkState.UNKNOWN
    assert not the_link(at.db).verified
    at.serve(f"<p>{LINK}</p>")
    clock.advance(DAY)
    assert service.check_link(at, 1) is LinkState.LIVE
    assert the_link(at.db).verified


def test_a_lost_link_that_is_back_where_nobody_sees_it_is_no_win(won: Desk, clock: FixedClock) -> None:
    day_after_day(won, clock, without, without)
    assert the_link(won.db).state is LinkState.LOST
    clock.advance(8 * DAY)
    won.serve(f"<p hidden>{LINK}</p>")
    assert service.check_link(won, 1) is LinkState.LOST
    assert stage(won.db) is Stage.CHECKED_MENTION


def test_without_a_link_nothing_happens(at: Desk) -> None:
    for serve, verdict in (
        (without, MentionVerdict.UNLINKED_MENTION),
        (gone, MentionVerdict.COULD_NOT_CHECK),
        (broken, MentionVerdict.COULD_NOT_CHECK),
    ):
        serve(at)
        sighting = service.look_for_link(at, 1)
        assert not sighting.seen
        assert sighting.finding.verdict is verdict
    assert stage(at.db) is Stage.PITCHED
    assert events(at.db) == []


def test_a_person_names_the_page(at: Desk) -> None:
    without(at)
    at.serve(LINK, "/elsewhere")
    assert service.look_for_link(at, 1, "http://editor.test/elsewhere", actor="ana").seen
    assert the_link(at.db).source_url == "http://editor.test/elsewhere"


def test_a_link_on_somebody_elses_page_wins_nothing(at: Desk) -> None:
    at.serve(LINK, "/x")
    with pytest.raises(BadInput, match=r"is not a page of editor\.test"):
        service.look_for_link(at, 1, "http://old.test/x", actor="ana")
    assert stage(at.db) is Stage.PITCHED


def test_looking_twice_is_one_win(won: Desk) -> None:
    assert service.look_for_link(won, 1).seen
    assert events(won.db) == ["link_seen"]
    with won.db.read() as look:
        assert list(look.session.execute(select(LinkCheck.verdict)).scalars()) == ["linked", "linked"]


def test_a_standing_link_stays_live(won: Desk, clock: FixedClock) -> None:
    assert day_after_day(won, clock, there, there) == [LinkState.LIVE, LinkState.LIVE]
    assert the_link(won.db).last_seen_at == clock.now()
    assert service.check_link(won, 1) is None  # not due again today


def test_lost_after_two_good_fetches_a_day_apart(won: Desk, clock: FixedClock) -> None:
    assert day_after_day(won, clock, without) == [LinkState.LIVE]
    assert stage(won.db) is Stage.WON
    assert the_link(won.db).first_missing_at == clock.now()
    assert day_after_day(won, clock, without) == [LinkState.LOST]
    link = the_link(won.db)
    assert link.lost_at == clock.now()
    assert stage(won.db) is Stage.CHECKED_MENTION
    assert events(won.db) == ["link_seen", "link_lost"]
    with won.db.read() as look:
        check = look.session.exec(select(MentionCheck)).one()
        assert (check.verdict, check.quote) == (MentionVerdict.UNLINKED_MENTION, "We used Acme once.")
        assert prospects.get(look, 1).mention_check_id == check.id


def test_two_good_fetches_on_one_day_are_not_enough(won: Desk, clock: FixedClock) -> None:
    day_after_day(won, clock, without)
    for _ in range(5):
        clock.advance(timedelta(hours=4))
        with won.db.work() as uow:
            service.get(uow, 1).check_due_at = uow.now()
        assert service.check_link(won, 1) is LinkState.LIVE
    assert stage(won.db) is Stage.WON
    clock.advance(timedelta(hours=4) - timedelta(seconds=1))
    with won.db.work() as uow:
        service.get(uow, 1).check_due_at = uow.now()
    assert service.check_link(won, 1) is LinkState.LIVE
    clock.advance(timedelta(hours=1))
    assert service.check_link(won, 1) is LinkState.LOST


@pytest.mark.parametrize("failed", [broken, closed])
def test_a_failed_fetch_never_counts(won: Desk, clock: FixedClock, failed: Any) -> None:
    assert day_after_day(won, clock, *[failed] * 5) == [LinkState.UNKNOWN] * 5
    assert the_link(won.db).first_missing_at is None
    assert day_after_day(won, clock, without, failed, failed) == [LinkState.LIVE, LinkState.UNKNOWN, LinkState.UNKNOWN]
    assert stage(won.db) is Stage.WON
    assert day_after_day(won, clock, without) == [LinkState.LOST]


@pytest.mark.parametrize(
    "html",
    [
        '<iframe src="/_Incapsula_Resource?incident_id=1"></iframe>',
        '<div class="g-recaptcha"></div><p>Please show that you are no robot.</p>',
        "<h1>Down for maintenance</h1>",
        "<p>We use cookies. Acme and 300 partners.</p><button>Accept</button>",
    ],
    ids=["challenge", "captcha", "maintenance", "consent"],
)
def test_what_stands_before_a_page_proves_nothing(won: Desk, clock: FixedClock, html: str) -> None:
    def wall(at: Desk) -> None:
        at.serve(html)

    assert day_after_day(won, clock, wall, wall, wall) == [LinkState.UNKNOWN] * 3
    assert (the_link(won.db).trouble, stage(won.db)) == (Trouble.UNREADABLE, Stage.WON)
    assert day_after_day(won, clock, there) == [LinkState.LIVE]


def test_a_page_that_was_moved_behind_a_login_proves_nothing(won: Desk, clock: FixedClock) -> None:
    def moved(at: Desk) -> None:
        at.site.routes["/blog/checklist"] = redirect("http://editor.test/login")
        at.serve(f"<p>{'Read all of our articles. ' * 60}</p>", "/login")

    assert day_after_day(won, clock, moved, moved, moved) == [LinkState.UNKNOWN] * 3
    assert (the_link(won.db).trouble, stage(won.db)) == (Trouble.UNREADABLE, Stage.WON)


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [(200, 20, LinkState.UNKNOWN), (200, 100, LinkState.LOST), (30, 12, LinkState.LOST)],
    ids=["next to nothing is left", "still a page", "it was short before"],
)
def test_a_page_that_is_nearly_empty_proves_nothing(
    at: Desk, clock: FixedClock, before: int, after: int, state: LinkState
) -> None:
    at.serve(f"<p>Use {LINK}. {'word ' * before}</p>")
    assert service.look_for_link(at, 1).seen

    def nearly_empty(at: Desk) -> None:
        at.serve(f"<p>{'word ' * after}</p>")

    assert day_after_day(at, clock, nearly_empty, nearly_empty)[-1] is state


def test_a_fetch_with_the_link_between_starts_anew(won: Desk, clock: FixedClock) -> None:
    states = day_after_day(won, clock, without, there, without)
    assert states == [LinkState.LIVE] * 3
    assert stage(won.db) is Stage.WON
    assert day_after_day(won, clock, without) == [LinkState.LOST]


def test_a_page_that_is_gone_twice_has_lost_the_link(won: Desk, clock: FixedClock) -> None:
    assert day_after_day(won, clock, gone, gone) == [LinkState.LIVE, LinkState.LOST]
    with won.db.read() as look:
        line = look.session.exec(select(StageEvent).where(StageEvent.event == "link_lost")).one()
        assert line.reason == "page-gone"


def test_a_page_that_leads_elsewhere_now_says_so(won: Desk, clock: FixedClock) -> None:
    won.site.routes["/blog/checklist"] = redirect("http://editor.test/")
    won.serve("<p>Welcome.</p>", "/")
    clock.advance(DAY)
    service.check_link(won, 1)
    clock.advance(DAY)
    assert service.check_link(won, 1) is LinkState.LOST
    with won.db.read() as look:
        line = look.session.exec(select(StageEvent).where(StageEvent.event == "link_lost")).one()
        assert line.reason == "redirected"


def test_no_answer_and_no_robots_are_unknown(won: Desk, clock: FixedClock) -> None:
    clock.advance(DAY)
    won.site.shutdown()
    won.site.server_close()
    assert service.check_link(won, 1) is LinkState.UNKNOWN
    assert the_link(won.db).first_missing_at is None
    with contextlib.suppress(OSError):
        won.site.socket.close()


def test_a_lost_link_that_comes_back_is_a_win_again(won: Desk, clock: FixedClock) -> None:
    day_after_day(won, clock, without, without)
    clock.advance(7 * DAY)
    there(won)
    assert service.check_link(won, 1) is LinkState.LIVE
    link = the_link(won.db)
    assert (link.lost_at, link.first_missing_at) == (None, None)
    assert stage(won.db) is Stage.WON
    assert events(won.db) == ["link_seen", "link_lost", "link_seen"]


def test_another_standing_link_keeps_the_win(won: Desk, clock: FixedClock) -> None:
    won.serve(LINK, "/other")
    assert service.look_for_link(won, 1, "http://editor.test/other").seen
    states = day_after_day(won, clock, without, without)
    assert states == [LinkState.LIVE, LinkState.LOST]
    assert stage(won.db) is Stage.WON
    assert events(won.db) == ["link_seen", "link_gone"]


@pytest.mark.parametrize(
    ("html", "headers", "change"),
    [
        (LINK.replace("<a ", '<a rel="sponsored" '), {}, "nofollow"),
        (LINK, {"X_Robots_Tag": "noindex"}, "noindex"),
        (LINK, {"X_Robots_Tag": "none"}, "nofollow"),
        (f'<meta name="robots" content="nofollow">{LINK}', {}, "nofollow"),
        (f'<link rel="canonical" href="http://origin.test/">{LINK}', {}, "canonical"),
        ('<a href="https://acme.test/">home</a>', {}, "target"),
        (f'<div style="display:none">{LINK}</div>', {}, "hidden"),
    ],
)
def test_a_link_that_is_worth_less_is_changed(
    won: Desk, clock: FixedClock, html: str, headers: dict[str, str], change: str
) -> None:
    clock.advance(DAY)
    won.serve(html, **headers)
    assert service.check_link(won, 1) is LinkState.CHANGED
    with won.db.read() as look:
        line = look.session.exec(select(StageEvent).where(StageEvent.event == "link_changed")).one()
        assert change in line.data["changes"]
    clock.advance(DAY)
    assert service.check_link(won, 1) is LinkState.CHANGED  # compared with the first sight, not with yesterday
    assert events(won.db).count("link_changed") == 1
    assert day_after_day(won, clock, there) == [LinkState.LIVE]
    assert stage(won.db) is Stage.WON


def test_a_person_may_vouch_for_a_win_that_is_not_verified(at: Desk, clock: FixedClock) -> None:
    without(at)
    with pytest.raises(BadInput), at.db.work() as uow:
        service.override_win(uow, 1, url=PAGE, reason=" ", actor="ana")
    with at.db.work() as uow:
        service.override_win(uow, 1, url=PAGE, reason="behind their paywall", actor="ana")
    link = the_link(at.db)
    assert (link.verified, link.override_reason, link.state) == (False, "behind their paywall", LinkState.UNKNOWN)
    assert stage(at.db) is Stage.WON
    # Never seen, so never lost.
    assert day_after_day(at, clock, without, without, without) == [LinkState.UNKNOWN] * 3
    assert stage(at.db) is Stage.WON
    # Seen at last: the same row, verified from now on, and still one win.
    assert day_after_day(at, clock, there) == [LinkState.LIVE]
    link = the_link(at.db)
    assert link.verified
    assert link.first_seen_at == clock.now()
    assert events(at.db) == ["link_seen"]


def test_what_is_due(won: Desk, clock: FixedClock) -> None:
    with won.db.read() as look:
        assert list(repository.due(look.session, clock.now())) == []
        assert list(repository.due(look.session, clock.now() + DAY)) == [1]
    assert service.check_link(won, 99) is None
    with pytest.raises(NotFound), won.db.work() as uow:
        service.get(uow, 99)
