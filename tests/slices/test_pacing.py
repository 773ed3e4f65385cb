"""Mail leaves in its recipient's hours and under every cap, against a real SMTP server and on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import event, func, select, text, update
from sqlmodel import col

from app import i18n
from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pacing import room_for_pitches, share
from app.domain.pipeline import Stage
from app.errors import BadInput
from app.models import (
    Mailbox,
    MailboxPacing,
    Outbound,
    OutboundKind,
    ProspectPlace,
    RecipientDay,
    Site,
    SiteDay,
    SitePacing,
)
from app.outbox import claims, conditions, pacing, plan, service
from app.outbox.delivery import Turn, drain
from app.settings import Settings
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


class Gate:
    current, reason, seen_event_id = True, "", 0

    def __call__(self, mailbox_id: int) -> Gate:
        return self


class Post:
    """One site, one mailbox, a clock at Monday 1 June 2026, 09:00 UTC, and the installation's window."""

    def __init__(self, db: Database, settings: Settings, clock: FixedClock, smtp: Sink) -> None:
        self.db, self.clock, self.smtp = db, clock, smtp
        self.settings = settings.model_copy(update={"send_window": "09:00-17:00"})
        with db.work() as uow:
            a_site(uow)
            self.mailbox(uow, "ana@acme.test")

    def mailbox(self, uow, email: str, **values) -> Mailbox:  # type: ignore[no-untyped-def]
        later = self.clock.now() + timedelta(days=400)
        return a_mailbox(uow, email, smtp_port=self.smtp.port, polled_at=later, **values)

    def add(
        self, domain: str, kind: OutboundKind = OutboundKind.PITCH, *, mailbox_id: int = 1, site_id: int = 1, **contact
    ) -> int:
        with self.db.work() as uow:
            stage = Stage.CHECKED_MENTION if kind is OutboundKind.PITCH else Stage.PITCHED
            prospect = a_prospect(uow, uow.session.get_one(Site, site_id), domain, stage=stage)
            mailbox = uow.session.get_one(Mailbox, mailbox_id)
            return service.enqueue(
                uow, VAULT, self.settings,
                conversation=a_conversation(uow, prospect, a_contact(uow, prospect, **contact), mailbox),
                kind=kind, subject="Your checklist", body_text="Hello Dana,\n\nyour checklist names us.\n",
                body_html=None, approved_by="ana", not_before=self.clock.now(),
            ).id  # fmt: skip

    def run(self, mailbox_id: int = 1, at: str | None = None) -> str:
        if at is not None:
            self.clock.at = datetime.fromisoformat(at).astimezone(UTC)
        return drain(self.db, self.settings, VAULT, Gate(), mailbox_id).stopped

    def row(self, row_id: int) -> Outbound:
        with self.db.read() as uow:
            return service.get(uow, row_id)

    def sent(self) -> list[str]:
        return [recipients[0].rpartition("@")[2] for _, recipients, _ in self.smtp.messages]


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def post(db: Database, settings: Settings, clock: FixedClock, smtp: Sink) -> Post:
    return Post(db, settings, clock, smtp)


def test_a_mail_leaves_in_the_hours_of_its_recipient(post: Post) -> None:
    tokyo, berlin, new_york = post.add("shimbun.jp"), post.add("zeitung.de"), post.add("gazette.us")
    post.run()
    assert post.sent() == ["zeitung.de"]
    assert post.row(tokyo).not_before == datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
    assert post.row(new_york).not_before == datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
    post.run(at="2026-06-01T14:00Z")
    assert post.sent() == ["zeitung.de", "gazette.us"]
    # The window was missed (nobody ran): the mail waits for the next one, which is not on the Saturday.
    post.run(at="2026-06-05T20:00Z")
    assert post.row(tokyo).not_before == datetime(2026, 6, 8, 0, 0, tzinfo=UTC)
    post.run(at="2026-06-08T00:00Z")
    assert post.sent()[-1] == "shimbun.jp"
    assert post.row(berlin).state is OutboundState.SENT


def test_a_window_that_closes_while_the_server_talks_holds_the_mail(post: Post) -> None:
    post.clock.at = datetime(2026, 6, 1, 14, 59, 59, tzinfo=UTC)
    row_id = post.add("zeitung.de")

    class Slow(Turn):
        def _commit(self, *args):  # type: ignore[no-untyped-def]
            post.clock.advance(timedelta(seconds=1))
            return super()._commit(*args)

    Slow(post.db, post.settings, VAULT, Gate(), 1).run()  # type: ignore[arg-type]
    assert post.sent() == []
    assert post.row(row_id).state is OutboundState.QUEUED
    post.run()
    assert post.row(row_id).not_before == datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
    post.run(at="2026-06-02T07:00Z")
    assert post.sent() == ["zeitung.de"]


def test_what_is_put_off_says_no_more_that_its_mailbox_could_not_be_read(post: Post) -> None:
    post.clock.at = datetime(2026, 6, 1, 14, 58, tzinfo=UTC)
    missed, capped = post.add("zeitung.de", OutboundKind.FOLLOW_UP), post.add("gazette.us", OutboundKind.FOLLOW_UP)
    gate = Gate()
    gate.current, gate.reason = False, "too many connections"
    drain(post.db, post.settings, VAULT, gate, 1)
    assert all("too many connections" in (post.row(row).hold_reason or "") for row in (missed, capped))
    with post.db.work() as uow:
        uow.session.add(SiteDay(site_id=1, day=post.clock.now().date(), used=1, cap=1))
    post.run(at="2026-06-01T15:04Z")
    assert post.sent() == []
    for row, at in ((missed, datetime(2026, 6, 2, 7, tzinfo=UTC)), (capped, datetime(2026, 6, 2, 13, tzinfo=UTC))):
        found = post.row(row)
        assert (found.not_before, found.hold_reason) == (at, None)
        with post.db.read() as uow:
            told = service.why_waiting(uow, found, post.settings)
        assert told is not None
        assert told.reason != "deferred"


def test_staff_and_the_site_may_set_other_hours_and_what_waits_follows(post: Post) -> None:
    row_id = post.add("zeitung.de")
    prospect_id = post.row(row_id).prospect_id

    def recompute() -> datetime:
        with post.db.work() as uow:
            assert plan.recompute(uow.session, post.settings, uow.now(), col(Outbound.prospect_id) == prospect_id) == 1
        return post.row(row_id).not_before

    with post.db.work() as uow:
        now = uow.now()
        uow.session.add(ProspectPlace(prospect_id=prospect_id, country="JP", set_by="ana", set_at=now))
    assert recompute() == datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
    with post.db.work() as uow:
        uow.session.add(SitePacing(site_id=1, send_window="18:00-20:00"))
    assert recompute() == datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    with post.db.work() as uow:
        uow.session.execute(update(SitePacing).values(send_window="always"))
    assert recompute() == now
    assert post.row(row_id).hours is None
    post.run()
    assert post.sent() == ["zeitung.de"]


def test_an_answer_that_a_person_writes_leaves_at_once(post: Post) -> None:
    post.clock.at = datetime(2026, 6, 6, 23, 0, tzinfo=UTC)  # a Saturday night
    post.add("zeitung.de", OutboundKind.REPLY)
    post.run()
    assert post.sent() == ["zeitung.de"]
    with post.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(SiteDay)).scalar_one() == 0


def test_a_site_sends_no_more_than_its_cap_and_the_rest_the_next_day(post: Post) -> None:
    with post.db.work() as uow:
        uow.session.add(SitePacing(site_id=1, daily_cap=2))
        other = a_site(uow, name="Other", domains=["other.test"])
        post.mailbox(uow, "ben@acme.test")
        other_id = other.id
    rows = [post.add(f"z{number}.de", mailbox_id=1 + number % 2) for number in range(6)]
    post.add("other.de", site_id=other_id)
    post.run(1)
    post.run(2)
    assert sorted(post.sent()) == ["other.de", "z0.de", "z2.de"]
    with post.db.read() as uow:
        assert {(day.site_id, day.used, day.cap) for day in uow.session.execute(select(SiteDay)).scalars()} == {
            (1, 2, 2),
            (other_id, 1, None),
        }
    post.run(1)
    assert post.row(rows[4]).not_before == datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
    post.run(2, at="2026-06-02T08:00Z")
    post.run(1)
    assert len(post.sent()) == 5


def test_a_recipients_domain_gets_no_more_than_its_cap_over_all_mailboxes(post: Post) -> None:
    post.settings = post.settings.model_copy(update={"recipient_cap": 1, "recipient_cap_days": 7})
    with post.db.work() as uow:
        post.mailbox(uow, "ben@acme.test")
    first = post.add("blog-one.de", email="ed@press.example.de")
    second = post.add("blog-two.de", mailbox_id=2, email="kim@news.example.de")
    apart = [post.add(f"blog{n}.de", email=f"editor{n}@gmail.com") for n in range(2)]
    post.run(1)
    post.run(2)
    post.run(2)
    assert [post.row(row).state for row in (first, *apart)] == [OutboundState.SENT] * 3
    held = post.row(second)
    assert held.state is OutboundState.QUEUED
    assert held.recipient == "example.de"
    period = held.not_before.date()
    assert date(2026, 6, 2) <= period <= date(2026, 6, 9)
    with post.db.read() as uow:
        keys = set(uow.session.execute(select(col(RecipientDay.recipient))).scalars())
    assert len(keys) == 3
    assert not any("editor" in key for key in keys)
    post.clock.at = held.not_before
    post.run(2)
    assert post.row(second).state is OutboundState.SENT


@pytest.mark.parametrize(("answer", "back"), [("451 4.3.0 later", True), ("554 5.7.1 spam", True), ("250 ok", False)])
def test_a_complete_refusal_gives_every_counter_its_mail_back(post: Post, answer: str, back: bool) -> None:
    post.smtp.answers["DOT"] = answer
    post.add("zeitung.de")
    post.run()
    with post.db.read() as uow:
        used = [uow.session.execute(select(func.sum(table.used))).scalar_one() for table in (SiteDay, RecipientDay)]
    assert used == ([0, 0] if back else [1, 1])


def test_two_mailboxes_at_once_do_not_pass_the_caps_of_site_and_recipient(post: Post) -> None:
    post.settings = post.settings.model_copy(update={"recipient_cap": 4})
    with post.db.work() as uow:
        uow.session.add(SitePacing(site_id=1, daily_cap=9))
        for number in range(3):
            post.mailbox(uow, f"m{number}@acme.test")
    for number in range(40):
        post.add(
            f"z{number}.de", mailbox_id=1 + number % 4, **({"email": f"a{number}@press.de"} if number < 20 else {})
        )
    threads = [threading.Thread(target=post.run, args=(number,)) for number in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in (1, 2, 3, 4):
        post.run(number)
    assert len(post.sent()) == 9
    assert post.sent().count("press.de") <= 4
    with post.db.read() as uow:
        assert uow.session.execute(select(col(SiteDay.used))).scalar_one() == 9
        spent = dict(uow.session.execute(select(col(RecipientDay.recipient), col(RecipientDay.used))).all())
    assert spent.get("press.de", 0) == post.sent().count("press.de")


def test_follow_ups_go_first_and_the_oldest_pitches_after_them(post: Post) -> None:
    with post.db.work() as uow:
        uow.session.execute(update(Mailbox).values(daily_cap=4))
    # The day begins earlier in Berlin, and still New York's older pitches have their place.
    older = [post.add(f"gazette{n}.us") for n in range(2)]
    for number in range(5):
        post.add(f"z{number}.de")
    follow_up = post.add("old.de", OutboundKind.FOLLOW_UP)
    post.run()
    assert post.sent() == ["old.de", "z0.de"]
    assert post.row(follow_up).state is OutboundState.SENT
    post.run(at="2026-06-01T14:00Z")
    assert post.sent()[2:] == ["gazette0.us", "gazette1.us"]
    assert [post.row(row).state for row in older] == [OutboundState.SENT] * 2


def test_the_share_of_the_database_is_the_share_of_the_rule(post: Post) -> None:
    places = ["jp", "de", "us", "br", "in"]
    rows = [
        post.add(
            f"s{number}.{places[number * 7 % 5]}", OutboundKind.FOLLOW_UP if number % 6 == 0 else OutboundKind.PITCH
        )
        for number in range(40)
    ]
    with post.db.work() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
        end = plan.day_end(mailbox, uow.now())
        today = [row for row in map(post.row, rows) if row.not_before < end]
        follow_ups = [row.id for row in today if row.kind is OutboundKind.FOLLOW_UP]
        pitches = [row.id for row in today if row.kind is OutboundKind.PITCH]
        for cap in (0, 1, 3, len(follow_ups), len(follow_ups) + 4, 39, 80):
            mailbox.daily_cap = cap
            found = plan.share(uow.session, mailbox, uow.now())
            assert {one for one in follow_ups if one <= found.follow_ups} == share(follow_ups, cap)
            room = room_for_pitches(cap, len(follow_ups))
            assert {one for one in pitches if one <= found.pitches} == share(pitches, room)
            assert found.short == (cap < len(today))
        uow.session.rollback()


def test_a_new_mailbox_grows(post: Post) -> None:
    with post.db.work() as uow:
        uow.session.add(MailboxPacing(mailbox_id=1, ramp_start=1, ramp_step=2))
        uow.session.execute(update(Mailbox).values(daily_cap=4))
    for number in range(9):
        post.add(f"z{number}.de")
    counts = []
    for day in range(1, 5):
        post.run(at=f"2026-06-0{day}T09:00Z")
        counts.append(len(post.sent()))
    assert counts == [1, 4, 8, 9]


def test_a_claim_looks_at_a_few_rows_however_many_wait(post: Post) -> None:
    row_id = post.add("zeitung.de")
    with post.db.work() as uow:
        # 20,000 mails that wait for their window, all approved before.
        columns = ", ".join(
            column.name for column in conditions.OUTBOUND.columns
            if column.name not in ("id", "message_id", "token", "prospect_id", "not_before", "closes_at")
        )  # fmt: skip
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000)"
        uow.session.execute(
            text(
                f"{numbers} INSERT INTO outbound (message_id, token, prospect_id, not_before, closes_at, {columns}) "
                f"SELECT '<m' || x || '>', 't' || x, prospect_id, :later, :closes, {columns} FROM outbound, n WHERE id = {row_id}"
            ),
            {"later": datetime(2026, 6, 2, 7, tzinfo=UTC), "closes": datetime(2026, 6, 2, 15, tzinfo=UTC)},
        )
    with post.db.work() as uow:
        if not post.db.is_sqlite:
            uow.session.execute(text("ANALYZE outbound"))
        ran: list[tuple[str, object]] = []

        @event.listens_for(post.db.engine, "before_cursor_execute")
        def keep(_connection, _cursor, sql, values, *_: object) -> None:  # type: ignore[no-untyped-def]
            ran.append((sql, values))

        claimed = claims.claim(uow.session, 1, 1, uow.now(), period=uow.now().date())
        event.remove(post.db.engine, "before_cursor_execute", keep)
        assert claimed is not None
        assert claimed.id == row_id
        uow.session.rollback()
        explain = "EXPLAIN QUERY PLAN " if post.db.is_sqlite else "EXPLAIN "
        lines = [str(line) for line in uow.session.connection().exec_driver_sql(explain + ran[0][0], ran[0][1])]
        assert sum("ix_outbound_queue" in line for line in lines) >= 3, lines
        assert not [line for line in lines if "Seq Scan on outbound" in line or "SCAN outbound" in line]


def why(post: Post, row_id: int) -> tuple[str, str, str | None]:
    with post.db.read() as uow:
        found = service.why_waiting(uow, service.get(uow, row_id), post.settings)
        assert found is not None
        return found.reason, found.sentence, found.until


def test_a_recipient_s_cap_of_a_week_ends_with_the_week(post: Post) -> None:
    post.settings = post.settings.model_copy(update={"recipient_cap": 1, "recipient_cap_days": 7})
    first = post.add("blog-one.de", email="ed@press.example.de")
    second = post.add("blog-two.de", email="kim@news.example.de")
    post.run()
    assert post.row(first).state is OutboundState.SENT
    with post.db.read() as uow:
        period = uow.session.execute(select(col(RecipientDay.day))).scalar_one()
    told = why(post, second)
    assert told[0] == "recipient-cap"
    ends = datetime.combine(period + timedelta(days=7), time(), tzinfo=UTC)
    assert told[2] is not None
    assert ends <= datetime.fromisoformat(told[2]) < ends + timedelta(days=4)
    # Before a turn has put it off, and with a cap that a person has lowered meanwhile, the answer is the same.
    with post.db.work() as uow:
        uow.session.get_one(Outbound, second).not_before = post.clock.now()
    assert why(post, second) == told
    post.clock.at = ends + timedelta(days=1)
    assert why(post, second)[0] != "recipient-cap"


def test_a_mail_says_why_it_waits_and_when_it_goes(post: Post) -> None:
    tokyo, berlin, jerusalem = post.add("shimbun.jp"), post.add("zeitung.de"), post.add("iton.il")
    assert why(post, tokyo) == (
        "hours",
        "it is 18:00 there; mail leaves at 09:00-17:00 in Asia/Tokyo, by ccTLD .jp",
        "2026-06-02T00:00:00+00:00",
    )
    # Berlin is ready; Tokyo was approved before it but cannot go now, and still counts as one before it.
    assert why(post, berlin)[0] == "queue"
    assert why(post, jerusalem)[0] == "queue"
    post.clock.at = datetime(2026, 6, 5, 9, 0, tzinfo=UTC)  # a Friday
    weekend = post.add("haaretz-blog.il")
    assert why(post, weekend)[:2] == (
        "weekend",
        "it is Friday there; mail leaves at 09:00-17:00 in Asia/Jerusalem, by ccTLD .il",
    )
    assert why(post, weekend)[2] == "2026-06-07T06:00:00+00:00"
    # On a page all of it is in the reader's language, as far as we have named it.
    i18n.read_by("de")
    try:
        with post.db.read() as uow:
            said = service.why_waiting(uow, service.get(uow, weekend), post.settings)
        assert said is not None
        assert i18n._(said.sentence) == (
            "dort ist Freitag; Mails gehen um 09:00-17:00 in Asia/Jerusalem hinaus, nach: Länderendung .il"
        )
    finally:
        i18n.read_by("en")
    post.clock.at = datetime(2026, 7, 14, 9, 0, tzinfo=UTC)
    holiday = post.add("journal.fr")
    reason, sentence, until = why(post, holiday)
    assert (reason, until) == ("holiday", "2026-07-15T07:00:00+00:00")
    assert sentence.startswith("it is a holiday in FR: ")
    with post.db.read() as uow:
        row = service.get(uow, weekend)
        assert row.not_before.isoformat() == "2026-06-07T06:00:00+00:00"


def test_a_mail_that_waits_for_a_cap_says_the_next_slot(post: Post) -> None:
    with post.db.work() as uow:
        uow.session.execute(update(Mailbox).values(daily_cap=2))
        uow.session.add(SitePacing(site_id=1, daily_cap=5))
    rows = [post.add(f"z{number}.de") for number in range(6)]
    post.run()
    reason, sentence, until = why(post, rows[2])
    assert (reason, sentence) == ("cap", "the mailbox has sent its 2 of today; it is the next")
    assert until == "2026-06-02T07:00:00+00:00"
    assert why(post, rows[4])[1:] == (
        "the mailbox has sent its 2 of today; 2 go before it",
        "2026-06-03T07:00:00+00:00",
    )
    # What it said comes true.
    post.run(at="2026-06-02T07:00Z")
    assert post.row(rows[3]).state is OutboundState.SENT
    assert post.row(rows[4]).state is OutboundState.QUEUED
    with post.db.work() as uow:
        uow.session.execute(update(Mailbox).values(daily_cap=50))
    post.run(at="2026-06-03T07:00Z")
    assert post.row(rows[5]).state is OutboundState.SENT


def test_what_a_server_has_put_off_past_its_window_goes_in_the_next(post: Post) -> None:
    post.smtp.answers["RCPT"] = "450 4.2.0 greylisted"
    post.clock.at = datetime(2026, 6, 5, 14, 58, tzinfo=UTC)  # a Friday, two minutes before five in Berlin
    row_id = post.add("zeitung.de")
    post.run()
    assert post.row(row_id).not_before > datetime(2026, 6, 5, 15, tzinfo=UTC)
    reason, _, until = why(post, row_id)
    assert (reason, until) == ("deferred", "2026-06-08T07:00:00+00:00")


@pytest.mark.parametrize("trouble", ["", "rests", "unreadable", "slow"])
def test_follow_ups_go_first_where_the_cap_of_a_site_is_short_whatever_their_mailbox(post: Post, trouble: str) -> None:
    with post.db.work() as uow:
        uow.session.add(SitePacing(site_id=1, daily_cap=3))
        post.mailbox(uow, "ben@acme.test")
    pitches = [post.add(f"z{number}.de") for number in range(3)]
    # New York wakes up when Berlin's pitches could all have left.
    for number in range(2):
        post.add(f"gazette{number}.us", OutboundKind.FOLLOW_UP, mailbox_id=2)
    with post.db.work() as uow:
        ben = uow.session.get_one(Mailbox, 2)
        if trouble == "rests":
            ben.paused_reason = "a person has to sign in"
        elif trouble == "unreadable":
            ben.poll_failures, ben.poll_error, ben.poll_due_at = (
                3,
                "no route to host",
                uow.now() + timedelta(minutes=20),
            )
        elif trouble == "slow":
            ben.gap_min_seconds = ben.gap_max_seconds = 86_400
    post.run(1)
    if trouble == "slow":
        # Of its two follow-ups one can leave until midnight.
        assert post.sent() == ["z0.de", "z1.de"]
        return
    if trouble:
        # What cannot leave today keeps no room.
        assert post.sent() == ["z0.de", "z1.de", "z2.de"]
        return
    assert post.sent() == ["z0.de"]
    assert why(post, pitches[1]) == (
        "site-cap",
        "its site may send 2 more today, and follow-ups go first: 2 are due",
        "2026-06-02T07:00:00+00:00",
    )
    post.run(2, at="2026-06-01T14:00Z")
    assert post.sent() == ["z0.de", "gazette0.us", "gazette1.us"]
    post.run(1, at="2026-06-02T07:00Z")
    assert sorted(post.sent()[3:]) == ["z1.de", "z2.de"]


def test_what_staff_set_moves_what_waits_at_once(post: Post) -> None:
    row_id = post.add("shimbun.jp")
    prospect_id = post.row(row_id).prospect_id
    with post.db.work() as uow:
        assert pacing.hours_of_prospect(uow, post.settings, prospect_id).zone_source == "ccTLD .jp"
        found = pacing.set_hours_of_prospect(
            uow, post.settings, prospect_id, country="GB", zone=None, window=None, actor="ana"
        )
        assert (found.zone, found.zone_source, found.window_source) == ("Europe/London", "set by staff", "installation")
    assert post.row(row_id).not_before == datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    with post.db.work() as uow:
        pacing.set_site(uow, post.settings, 1, window="13:00-14:00", daily_cap=1, cooldown_days=None)
    assert post.row(row_id).not_before == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    with post.db.work() as uow:
        for values, field in (
            ({"country": "QQ", "zone": None, "window": None}, "country"),
            ({"country": None, "zone": "Europe/Nowhere", "window": None}, "zone"),
            ({"country": None, "zone": None, "window": "9 to 5"}, "window"),
        ):
            with pytest.raises(BadInput) as refused:
                pacing.set_hours_of_prospect(uow, post.settings, prospect_id, **values, actor="ana")  # type: ignore[arg-type]
            assert [problem.field for problem in refused.value.problems] == [field]


def test_a_lower_cap_takes_nothing_back_and_a_higher_one_counts_today(post: Post) -> None:
    rows = [post.add(f"z{number}.de") for number in range(6)]

    def cap(mailbox: int, site: int | None) -> None:
        with post.db.work() as uow:
            pacing.set_site(uow, post.settings, 1, window=None, daily_cap=site, cooldown_days=None)
            found = pacing.set_mailbox(
                uow, 1, daily_cap=mailbox, gap_min_seconds=0, gap_max_seconds=0, ramp_start=None, ramp_step=5,
                language=None, site_ids=[],
            )  # fmt: skip
            assert found.used_today <= found.cap_today

    cap(3, None)
    post.run()
    cap(2, 2)
    post.run()
    assert len(post.sent()) == 3
    cap(9, 5)
    post.run()
    assert len(post.sent()) == 5
    assert why(post, rows[5])[0] == "site-cap"
    cap(9, None)
    post.run()
    assert len(post.sent()) == 6
