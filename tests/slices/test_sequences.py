"""Sequences: follow-ups in the same thread, in business days from what was sent, stopped by whatever came first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.address_rules import MailHost
from app.domain.blocking import Blocking
from app.domain.delivery import KEEP_FOR, OutboundState
from app.domain.pipeline import Event, Facts, LostReason, Stage
from app.domain.sequence_rules import STARTER
from app.errors import BadInput, Conflict, NotFound
from app.mail.render.templates import TemplateSource
from app.models import (
    Conversation,
    ConversationState,
    Inbound,
    InboundState,
    Link,
    LinkState,
    MailDomain,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    RunState,
    Sequence,
    SequenceRun,
    Site,
    StageEvent,
    SuppressionKind,
)
from app.outbox import repository
from app.outbox import service as outbox
from app.outbox.committing import Committed
from app.outbox.delivery import Turn
from app.pitches import service as pitches
from app.prospects import service as prospects
from app.prospects import suppression
from app.sequences import service as sequences
from app.sequences.advance import MAX_WITHOUT_SERVER, Advanced
from app.settings import Settings
from tests.support.editorial import LINK
from tests.support.pitching import EDITOR, Desk, OpenGate, a_desk
from tests.support.webserver import Handler
from tests.support.world import VAULT

BERLIN = ZoneInfo("Europe/Berlin")


class Sight(Enum):
    """What the editor's page is."""

    LINK = (200, f"<p>For the first days, {LINK} helps. {'More words. ' * 30}</p>")
    NO_LINK = (200, f"<p>Teams such as Acme run a customer onboarding like this. {'More words. ' * 30}</p>")
    GONE = (404, "<p>Nothing here.</p>")
    UNKNOWN = (503, "<p>Come back later.</p>")


class Eyes:
    """What the next looks at the page will see; without more, the page stands there without a link."""

    def __init__(self, desk: Desk) -> None:
        assert desk.at is not None
        self.sights: list[Sight] = []
        self.meanwhile: list[Callable[[], object]] = []
        self._site = desk.at.site
        self._site.routes["/blog/checklist"] = self._serve

    def _serve(self, handler: Handler) -> None:
        for action in self.meanwhile:
            action()
        status, html = (self.sights.pop(0) if self.sights else Sight.NO_LINK).value
        handler.give(html, status=status)

    @property
    def looked(self) -> list[str]:
        return [path for path in self._site.paths() if path != "/robots.txt"]


@pytest.fixture
def desk(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with a_desk(db, settings, clock, mail=True) as ready:
        yield ready


@pytest.fixture
def eyes(desk: Desk) -> Eyes:
    return Eyes(desk)


def due(desk: Desk) -> list[int]:
    with desk.db.read() as uow:
        return sequences.sweep(uow)


def step(desk: Desk, eyes: Eyes, run_id: int = 1) -> Advanced:
    return sequences.advance(desk, run_id)


def events(desk: Desk) -> list[str]:
    with desk.db.read() as uow:
        return [line.event for line in uow.session.exec(select(StageEvent).order_by(StageEvent.id))]


def go_to(desk: Desk, moment: datetime) -> None:
    desk.clock.advance(moment - desk.clock.now())


def follow_up_is_due(desk: Desk, eyes: Eyes) -> datetime:
    """After the pitch: the run has its due time, and the clock stands there."""
    assert step(desk, eyes) is Advanced.WAITING
    at = desk.run().due_at
    assert at is not None
    go_to(desk, at)
    return at


def blocked(desk: Desk, kind: Blocking, prospect_id: int = 1) -> int:
    with desk.db.work() as uow:
        return prospects.block(uow, prospect_id, kind).id


def dns(desk: Desk, state: MailHost) -> None:
    """What was told just now of the mail server of the editor's domain."""
    with desk.db.work() as uow:
        uow.session.execute(delete(MailDomain))
        uow.session.add(
            MailDomain(domain=EDITOR.rpartition("@")[2], state=state, found="nothing", checked_at=uow.now(), tries=0)
        )


class TestTheWholeWay:
    def test_pitch_follow_up_last_and_no_reply(self, desk: Desk, eyes: Eyes) -> None:
        run = desk.pitched()
        assert (run.next_step, run.due_at) == (1, None)
        assert due(desk) == [run.id]  # The pitch was just sent: the due time is not known yet.
        sent_at = desk.clock.now()

        # Monday 11:01 in Berlin and four business days later; Thursday 4 June 2026 is Corpus Christi in parts only.
        first = follow_up_is_due(desk, eyes)
        assert first.astimezone(BERLIN) == (sent_at + timedelta(days=4)).astimezone(BERLIN)
        assert due(desk) == [run.id]
        assert step(desk, eyes) is Advanced.QUEUED
        assert due(desk) == []  # It waits in the outbox.
        assert step(desk, eyes) is Advanced.WAITING
        assert desk.stored(1).stage is Stage.PITCHED
        # Held up for three days before it leaves: the next wait counts from there.
        desk.clock.advance(timedelta(days=3))
        assert desk.send().sent == 1
        assert desk.stored(1).stage is Stage.FOLLOWED_UP

        second = follow_up_is_due(desk, eyes)
        assert second.astimezone(BERLIN).date() == date(2026, 6, 17)  # 7 business days after Monday 8 June
        assert step(desk, eyes) is Advanced.QUEUED
        assert desk.send().sent == 1

        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.ENDED
        prospect = desk.stored(1)
        assert prospect.stage is Stage.LOST
        assert desk.run().end_reason == LostReason.NO_REPLY.value
        assert desk.send().sent == 0
        assert due(desk) == []
        assert len(eyes.looked) == 3
        assert eyes.looked[0] == "/blog/checklist"

        pitch, follow_up, last = desk.mails()
        assert follow_up["Subject"] == last["Subject"] == f"Re: {pitch['Subject']}"
        assert follow_up["In-Reply-To"] == pitch["Message-ID"]
        assert last["In-Reply-To"] == follow_up["Message-ID"]
        assert last["References"].split() == [pitch["Message-ID"], follow_up["Message-ID"]]
        text = follow_up.get_body(("plain",)).get_content()
        assert "On 1 June 2026 I wrote to you about your page http://editor.test/blog/checklist." in text
        assert "the page names Acme without a link." in text
        assert "This is my last mail" in last.get_body(("plain",)).get_content()
        assert all(mail["List-Unsubscribe"] for mail in (pitch, follow_up, last))

    def test_a_repeated_bell_sends_nothing_twice(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        assert [step(desk, eyes) for _ in range(3)] == [Advanced.QUEUED, Advanced.WAITING, Advanced.WAITING]
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Outbound)).all()) == 2

    def test_many_workers_make_one_follow_up(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        ready = threading.Barrier(4)

        def work() -> Advanced:
            ready.wait()
            return step(desk, eyes)

        with ThreadPoolExecutor(4) as pool:
            done = [future.result() for future in [pool.submit(work) for _ in range(4)]]
        assert sorted(done) == [Advanced.QUEUED, Advanced.WAITING, Advanced.WAITING, Advanced.WAITING]
        assert desk.send().sent == 1

    def test_a_weekend_and_a_holiday_do_not_count(self, desk: Desk, eyes: Eyes) -> None:
        go_to(desk, datetime(2026, 12, 22, 9, 0, tzinfo=UTC))
        desk.pitched()
        # 23, 24, (25, 26 holidays, 27 Sunday), 28, 29
        assert follow_up_is_due(desk, eyes).astimezone(BERLIN).date() == date(2026, 12, 29)

    def test_what_is_late_does_not_leave_on_a_closed_day(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        friday = follow_up_is_due(desk, eyes)
        desk.clock.advance(timedelta(days=1))
        assert [step(desk, eyes), step(desk, eyes)] == [Advanced.WAITING, Advanced.WAITING]
        assert desk.run().due_at == friday + timedelta(days=3)
        assert (eyes.looked, due(desk)) == ([], [])
        desk.clock.advance(timedelta(days=2))
        assert step(desk, eyes) is Advanced.QUEUED

    def test_the_hour_stays_over_the_change_of_summer_time(self, desk: Desk, eyes: Eyes) -> None:
        go_to(desk, datetime(2026, 10, 21, 9, 0, tzinfo=UTC))
        desk.pitched()
        at = follow_up_is_due(desk, eyes).astimezone(BERLIN)
        assert (at.date(), at.hour, at.minute) == (date(2026, 10, 27), 11, 1)


class TestStops:
    @pytest.mark.parametrize(
        "kind", [Blocking.REPLY, Blocking.UNSUBSCRIBE, Blocking.HARD_BOUNCE, Blocking.COMPLAINT, Blocking.STAFF_STOP]
    )
    def test_an_event_ends_it(self, desk: Desk, eyes: Eyes, kind: Blocking) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        blocked(desk, kind)
        assert due(desk) == [1]
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == kind.value
        assert eyes.looked == []
        assert due(desk) == []
        assert step(desk, eyes) is Advanced.ENDED
        assert len(desk.mails()) == 1

    def test_it_ends_at_once_and_not_only_when_due(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        step(desk, eyes)
        blocked(desk, Blocking.REPLY)
        assert due(desk) == [1]

    def test_a_reply_between_the_look_and_the_second_transaction(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        eyes.meanwhile.append(lambda: blocked(desk, Blocking.REPLY))
        assert step(desk, eyes) is Advanced.ENDED
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Outbound)).all()) == 1

    def test_a_reply_cancels_the_follow_up_that_waits(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        step(desk, eyes)
        blocked(desk, Blocking.REPLY)
        assert desk.send().sent == 0
        assert step(desk, eyes) is Advanced.ENDED
        with desk.db.read() as uow:
            states = [row.state for row in uow.session.exec(select(Outbound).order_by(Outbound.id))]
        assert states == [OutboundState.SENT, OutboundState.CANCELLED]

    def test_an_older_event_does_not_stop_a_new_conversation(self, desk: Desk, eyes: Eyes) -> None:
        prospect_id = desk.prospect()
        blocked(desk, Blocking.REPLY, prospect_id)
        desk.approve(desk.propose(prospect_id))
        desk.clock.advance(desk.settings.undo_window)
        assert desk.send().sent == 1
        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.QUEUED

    def test_a_possible_reply_pauses_until_a_person_has_looked(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        event = blocked(desk, Blocking.POSSIBLE_REPLY)
        assert step(desk, eyes) is Advanced.PAUSED
        assert due(desk) == []
        with desk.db.work() as uow:
            prospects.clear_block(uow, event, actor="ana")
        assert due(desk) == [1]
        assert step(desk, eyes) is Advanced.QUEUED

    def test_suppressed_meanwhile(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        with desk.db.work() as uow:
            suppression.suppress(
                uow, VAULT, EDITOR, kind=SuppressionKind.ADDRESS, reason="unsubscribed", source="t", actor="t"
            )
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "suppressed"

    def test_a_slip_of_their_dns_puts_the_follow_up_off_and_ends_nothing(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        at = follow_up_is_due(desk, eyes)
        dns(desk, MailHost.NONE)
        assert step(desk, eyes) is Advanced.WAITING
        assert (desk.run().state, events(desk)[-1]) == (RunState.ACTIVE, "follow_up_put_off")
        due_at = desk.run().due_at
        assert due_at is not None
        assert due_at > at
        assert step(desk, eyes) is Advanced.WAITING
        go_to(desk, due_at)
        dns(desk, MailHost.OK)
        assert step(desk, eyes) is Advanced.QUEUED
        assert desk.run().next_step == 2

    def test_a_domain_that_stays_without_a_mail_server_ends_it(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        for number in range(MAX_WITHOUT_SERVER + 1):
            dns(desk, MailHost.NONE)
            told = step(desk, eyes)
            assert told is (Advanced.ENDED if number == MAX_WITHOUT_SERVER else Advanced.WAITING)
            if told is Advanced.WAITING:
                due_at = desk.run().due_at
                assert due_at is not None
                go_to(desk, due_at)
        assert desk.run().end_reason == "no-mail-server"

    def test_given_up_by_a_person(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        step(desk, eyes)
        with desk.db.work() as uow:
            prospects.give_up(uow, 1, LostReason.DECLINED, actor="ana")
        assert due(desk) == [1]
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "given_up"

    def test_staff_stop_and_resume(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        at = follow_up_is_due(desk, eyes)
        with desk.db.work() as uow:
            with pytest.raises(Conflict):
                sequences.rest(uow, 1, actor="ana")
            run = uow.session.get_one(SequenceRun, 1)
            run.state, run.end_reason = RunState.PAUSED, "contract"
            assert sequences.rest(uow, 1, actor="ana").end_reason == "staff_stop"
        assert step(desk, eyes) is Advanced.PAUSED
        assert due(desk) == []
        with desk.db.work() as uow:
            assert sequences.resume(uow, 1, actor="ana").state is RunState.ACTIVE
            with pytest.raises(Conflict):
                sequences.resume(uow, 1, actor="ana")
        assert due(desk) == [1]
        assert step(desk, eyes) is Advanced.QUEUED
        assert at == desk.clock.now()
        assert {"sequence_paused", "sequence_resumed"} <= set(events(desk))

    def test_what_waits_in_the_outbox_rests_with_the_others(self, desk: Desk, eyes: Eyes, settings: Settings) -> None:
        """Who stops the follow-ups has stopped the one that was written already, however long, and lets it go on with them."""
        desk.pitched()
        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.QUEUED
        desk.clock.advance(settings.undo_window)
        with desk.db.work() as uow:
            assert not sequences.leaves_now(uow, sequences.stop(uow, 1, actor="ana"))
        for _ in range(2):
            assert desk.send().sent == 0
            with desk.db.read() as uow:
                row = outbox.get(uow, 2)
                assert row.state is OutboundState.QUEUED
                why = outbox.why_waiting(uow, row, settings)
                assert repository.due_mailboxes(uow.session, uow.now()) == []
            assert why is not None
            assert why.reason == "follow-ups-stopped"
            assert why.sentence == "somebody has stopped their follow-ups: it rests until they go on"
            desk.clock.advance(KEEP_FOR * 3)
        with desk.db.work() as uow:
            sequences.resume(uow, 1, actor="ana")
        assert desk.send().sent == 1
        assert len(desk.mails()) == 2

    def test_a_stop_between_the_claim_and_the_commit_is_heard(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        assert step(desk, eyes) is Advanced.QUEUED

        class Late(Turn):
            def _commit(self, *args: object) -> Committed | None:  # type: ignore[override]
                with desk.db.work() as uow:
                    sequences.stop(uow, 1, actor="ana")
                return super()._commit(*args)  # type: ignore[arg-type]

        turn = Late(desk.db, desk.settings, VAULT, OpenGate(), 1)
        turn.run()
        assert len(desk.mails()) == 1
        with desk.db.read() as uow:
            assert outbox.get(uow, 2).state is OutboundState.QUEUED

    def test_a_person_wants_no_more_for_now(self, desk: Desk, eyes: Eyes) -> None:
        """Stopped while they go on; what was stopped is due as before when it goes on."""
        desk.pitched()
        at = follow_up_is_due(desk, eyes)
        with desk.db.work() as uow:
            run = sequences.stop(uow, 1, actor="ana")
            assert (run.state, run.end_reason, run.due_at) == (RunState.PAUSED, "staff_stop", None)
            with pytest.raises(Conflict, match="no follow-ups to"):
                sequences.stop(uow, 1, actor="ana")
            with pytest.raises(NotFound):
                sequences.stop(uow, 99, actor="ana")
        assert due(desk) == []
        assert step(desk, eyes) is Advanced.PAUSED
        assert len(desk.mails()) == 1
        with desk.db.read() as uow:
            assert uow.session.get_one(Conversation, 1).state is ConversationState.OPEN
        with desk.db.work() as uow:
            sequences.resume(uow, 1, actor="ana")
        assert step(desk, eyes) is Advanced.QUEUED
        assert at == desk.clock.now()


class TestTheirPage:
    def test_a_link_that_is_there_is_a_win(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        eyes.sights.append(Sight.LINK)
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "link_seen"
        assert desk.stored(1).stage is Stage.WON
        assert len(desk.mails()) == 1
        with desk.db.read() as uow:
            link = uow.session.exec(select(Link)).one()
        assert (link.verified, link.target_url) == (True, "https://acme.test/guides/onboarding")

    def test_before_giving_up_it_is_looked_at_too(self, desk: Desk, eyes: Eyes) -> None:
        with desk.db.work() as uow:
            sequences.save_version(uow, 1, [dict(STARTER[0]), {"template": None, "wait_business_days": 3}], actor="ana")
        desk.pitched()
        follow_up_is_due(desk, eyes)
        eyes.sights.append(Sight.LINK)
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "link_seen"
        assert desk.stored(1).stage is Stage.WON

    def test_a_page_that_is_gone_asks_for_a_person(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        eyes.sights.append(Sight.GONE)
        assert step(desk, eyes) is Advanced.PAUSED
        assert desk.run().end_reason == "page_gone"
        assert due(desk) == []

    def test_unknown_is_put_off_twice_and_then_the_follow_up_goes(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        at = follow_up_is_due(desk, eyes)
        eyes.sights.extend([Sight.UNKNOWN] * 3)
        days = []
        for _ in range(2):
            assert step(desk, eyes) is Advanced.WAITING
            assert due(desk) == []
            # The next call computes the same time again.
            assert step(desk, eyes) is Advanced.WAITING
            due_at = desk.run().due_at
            assert due_at is not None
            go_to(desk, due_at)
            days.append((due_at - at).days)
        assert days == [3, 4]  # From Friday to Monday to Tuesday.
        assert step(desk, eyes) is Advanced.QUEUED
        assert len(eyes.looked) == 3


class TestAbsence:
    def auto_reply(self, desk: Desk, returns_on: date | None) -> None:
        with desk.db.work() as uow:
            conversation = uow.session.exec(select(Conversation)).one()
            uow.session.add(
                Inbound(
                    mailbox_id=1,
                    content_key=str(uow.now()),
                    state=InboundState.DONE,
                    size=1,
                    kind="auto-reply",
                    returns_on=returns_on,
                    conversation_id=conversation.id,
                    prospect_id=1,
                    received_at=uow.now(),
                    stored_at=uow.now(),
                )
            )

    def test_the_day_of_return_moves_the_follow_up(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        self.auto_reply(desk, date(2026, 6, 19))  # a Friday
        assert follow_up_is_due(desk, eyes).astimezone(BERLIN) == datetime(2026, 6, 22, 11, 1, tzinfo=BERLIN)

    def test_also_when_it_comes_late(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        self.auto_reply(desk, date(2026, 6, 19))
        assert step(desk, eyes) is Advanced.WAITING
        assert desk.run().due_at == datetime(2026, 6, 22, 9, 1, tzinfo=UTC)

    def test_without_a_day_five_business_days(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        desk.clock.advance(timedelta(days=1))
        self.auto_reply(desk, None)
        assert follow_up_is_due(desk, eyes).astimezone(BERLIN).date() == date(2026, 6, 9)

    def test_an_absurd_day_is_not_believed(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        self.auto_reply(desk, date(3026, 6, 19))
        assert follow_up_is_due(desk, eyes).astimezone(BERLIN).date() == date(2026, 6, 8)


class TestNotSent:
    def test_a_cancelled_pitch_frees_the_domain(self, desk: Desk, eyes: Eyes) -> None:
        prospect_id = desk.prospect()
        row = desk.approve(desk.propose(prospect_id))
        with desk.db.work() as uow:
            outbox.cancel(uow, row.id, actor="ana", reason="wrong person")
        assert due(desk) == [1]
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "not_sent"
        with desk.db.read() as uow:
            assert uow.session.exec(select(Conversation)).one().state is ConversationState.CLOSED
            assert uow.session.exec(select(Pitch)).one().state is PitchState.WITHDRAWN
        assert desk.approve(desk.propose(prospect_id)).state is OutboundState.QUEUED

    def test_an_unsure_message_holds_everything(self, desk: Desk, eyes: Eyes) -> None:
        run = desk.pitched()
        with desk.db.work() as uow:
            row = uow.session.exec(select(Outbound)).one()
            row.state, row.sent_at = OutboundState.AMBIGUOUS, None
        desk.clock.advance(timedelta(days=30))
        assert due(desk) == []
        assert step(desk, eyes, run.id) is Advanced.WAITING

    def test_a_follow_up_that_would_break_the_contract_is_not_sent(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        follow_up_is_due(desk, eyes)
        with desk.db.work() as uow:
            pitches.save_template_version(
                uow, "follow-up-1", TemplateSource("Re: {{ first_subject }}", "word " * 150), actor="ana"
            )
        assert step(desk, eyes) is Advanced.PAUSED
        assert desk.run().end_reason == "contract"
        with desk.db.read() as uow:
            note = uow.session.exec(select(StageEvent).where(StageEvent.event == "sequence_paused")).one()
        assert "too-long" in note.data["detail"]

    def test_undone(self, desk: Desk, eyes: Eyes) -> None:
        pitch = desk.propose(desk.prospect())
        desk.approve(pitch)
        with desk.db.work() as uow:
            pitches.undo(uow, pitch.id, actor="ana")
        assert due(desk) == []
        assert step(desk, eyes) is Advanced.ENDED


class TestReclamation:
    def test_in_the_old_thread(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        with desk.db.work() as uow:
            prospects.apply(uow, 1, Event.LINK_SEEN, Facts(link_parsed=True), actor="system")
        assert step(desk, eyes) is Advanced.ENDED
        desk.clock.advance(timedelta(days=20))
        with desk.db.work() as uow:
            prospects.apply(uow, 1, Event.LINK_LOST, Facts(good_failed_checks=2), actor="system")
            uow.session.add(
                Link(
                    site_id=1,
                    prospect_id=1,
                    source_url="http://editor.test/blog/checklist",
                    target_url="https://acme.test/guides/onboarding",
                    state=LinkState.LOST,
                    verified=True,
                    first_seen_at=uow.now(),
                    last_seen_at=uow.now() - timedelta(days=2),
                    lost_at=uow.now(),
                )
            )
        pitch = desk.propose(1)
        assert pitch.angle == "link-reclamation"
        row = desk.approve(pitch)
        assert row.kind is OutboundKind.PITCH
        desk.clock.advance(desk.settings.undo_window)
        assert desk.send().sent == 1
        first, second = desk.mails()
        assert second["Subject"] == f"Re: {first['Subject']}"
        assert second["In-Reply-To"] == first["Message-ID"]
        with desk.db.read() as uow:
            assert len(uow.session.exec(select(Conversation)).all()) == 1
        run = desk.run()
        assert step(desk, eyes, run.id) is Advanced.WAITING
        due_at = desk.run().due_at
        assert due_at is not None
        go_to(desk, due_at)
        assert step(desk, eyes, run.id) is Advanced.QUEUED
        assert desk.send().sent == 1
        assert desk.mails()[-1]["Subject"] == f"Re: {first['Subject']}"


class TestVersions:
    def test_the_starter_is_installed_once(self, desk: Desk) -> None:
        with desk.db.work() as uow:
            first = sequences.ensure_starter(uow, uow.session.get_one(Site, 1))
            again = sequences.ensure_starter(uow, 1)
        assert (first.id, again.version) == (again.id, 1)
        assert [(s["template"], s["wait_business_days"]) for s in first.steps] == [
            ("pitch", 0),
            ("follow-up-1", 4),
            ("follow-up-last", 7),
            (None, 7),
        ]

    def test_who_is_on_the_way_stays_on_the_old_version(self, desk: Desk, eyes: Eyes) -> None:
        desk.pitched()
        with desk.db.work() as uow:
            new = sequences.save_version(
                uow,
                1,
                [dict(STARTER[0]), {"template": "follow-up-last", "wait_business_days": 10}],
                actor="ana",
            )
            assert new.version == 2
        assert follow_up_is_due(desk, eyes).astimezone(BERLIN).date() == date(2026, 6, 5)
        desk.approve(desk.propose(desk.prospect("other.test")))
        with desk.db.read() as uow:
            assert uow.session.get_one(Sequence, desk.run().sequence_id).version == 2

    def test_a_sequence_without_giving_up_just_ends(self, desk: Desk, eyes: Eyes) -> None:
        with desk.db.work() as uow:
            sequences.save_version(uow, 1, [dict(STARTER[0])], actor="ana")
        desk.pitched()
        assert step(desk, eyes) is Advanced.ENDED
        assert desk.run().end_reason == "finished"
        assert desk.stored(1).stage is Stage.PITCHED

    @pytest.mark.parametrize(
        ("steps", "said"),
        [
            ([], "1 to 5 steps"),
            ([{"template": "follow-up-1", "wait_business_days": 0}], "step 1"),
            ([dict(STARTER[0]), {"template": "follow-up-1", "wait_business_days": 0}], "step 2"),
            ([dict(STARTER[0]), {"template": "coverage-gap", "wait_business_days": 4}], "no template"),
            ([dict(STARTER[0]), dict(STARTER[3]), dict(STARTER[1])], "only the last step"),
            ([dict(STARTER[0]), {"template": "follow-up-1", "wait_business_days": "4"}], "whole number"),
            ([dict(STARTER[0])] + [dict(STARTER[1])] * 5, "1 to 5 steps"),
        ],
    )
    def test_what_is_refused(self, desk: Desk, steps: list[dict[str, object]], said: str) -> None:
        with pytest.raises(BadInput) as refusal, desk.db.work() as uow:
            sequences.save_version(uow, 1, steps, actor="ana")
        assert said in refusal.value.problems[0].problem

    def test_preview(self) -> None:
        start = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
        plan = sequences.preview(STARTER, start, zone="Europe/Berlin", country="DE")
        assert [(template, at.date().isoformat()) for template, at in plan] == [
            ("pitch", "2026-12-22"),
            ("follow-up-1", "2026-12-29"),
            ("follow-up-last", "2027-01-08"),
            (None, "2027-01-19"),
        ]
        # Neither an unknown zone nor an unknown country stops a sequence.
        plan = sequences.preview(STARTER, start, zone="Mars/Olympus", country="XX")
        assert plan[1][1].date() == date(2026, 12, 28)

    def test_unknown_run(self, desk: Desk, eyes: Eyes) -> None:
        with pytest.raises(NotFound):
            step(desk, eyes, 99)
