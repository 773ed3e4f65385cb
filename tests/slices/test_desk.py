"""The desk on both databases: leases, decisions and their undoing, kept texts, pins, and approving several."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from app.clock import SteppedClock
from app.desk import bulk
from app.desk import service as desk
from app.desk.service import Person
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import LostReason, Stage
from app.domain.snooze import NEVER, presets
from app.errors import BadInput, Conflict, Refused
from app.models import Contact, DecisionKind, DomainLease, KeptText, Outbound, Prospect, Role, StageEvent
from app.pitches import service as pitches
from app.prospects import leases, pins
from app.prospects import service as prospects
from app.reports.prospects import Lane, queue
from app.settings import Settings
from app.team import users
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.support.world import a_prospect, a_site


@pytest.fixture
def house(settings: Settings, clock: Any) -> Any:
    made = House(settings, clock=SteppedClock(clock.now()))
    yield made
    made.close()


def person(house: House, name: str) -> Person:
    with house.db.work() as uow:
        user = users.by_email(uow, f"{name}@acme.test") or users.create(
            uow, email=f"{name}@acme.test", name=name.title(), role=Role.LEAD, password="correct horse battery"
        )
        return Person(user.id, f"user:{user.id}", user.email, user.name)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    monkeypatch.setattr(users, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))


def approve(house: House, who: Person, prospect_id: int, **more: Any) -> Any:
    with house.db.work() as uow:
        pitch = desk.pitch_repository.draft_of(uow.session, prospect_id)
        container = house.container
        return desk.approve(uow, container.vault, container.settings, who, pitch.id, pitch.version, **more)


def test_two_people_and_a_key_never_hold_one_domain(house: House) -> None:
    """U12: fifty claims each at the same moment, a key between them, and two sites with the same domains. Every claim gets a
    domain that nobody else holds; a race that is lost costs another try and nothing else.
    """
    with house.db.work() as uow:
        for name in ("acme.test", "other.test"):
            site = a_site(uow, name=name, domains=[name])
            for number in range(130):
                tier = 1 + number % 3
                key = f"{tier}-{number:03}-{name}"
                a_prospect(uow, site, f"site-{number:03}.test", tier=tier, rank_key=key, stage=Stage.CHECKED_MENTION)
    ana, ben = person(house, "ana"), person(house, "ben")
    # A key has no list of its own decisions; it claims as a caller.
    who = [ana, ben, Person(ana.id, "key:7", "key:crm", "key:crm")]
    taken: dict[str, list[int]] = {one.caller: [] for one in who}
    failed: list[BaseException] = []

    def work(one: Person) -> None:
        try:
            for _ in range(10 if one.caller == "key:7" else 50):
                with house.db.work() as uow:
                    found = desk.take_next(uow, one, Lane(), after=_place(uow, taken[one.caller]))
                assert found is not None, "an empty screen"
                taken[one.caller].append(found)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in who]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with house.db.read() as uow:
        names = {one: {prospects.get(uow, number).domain for number in numbers} for one, numbers in taken.items()}
        held = uow.session.execute(select(DomainLease.domain, DomainLease.holder)).all()
    # Both sites offer each domain: whoever holds it may be given it again, nobody else.
    everybody = [name for found in names.values() for name in found]
    assert len(everybody) == len(set(everybody))
    assert {domain for domain, _ in held} == set(everybody)
    assert all(domain in names[holder] for domain, holder in held)


def _place(uow: Any, taken: list[int]) -> tuple[str, int] | None:
    if not taken:
        return None
    last = prospects.get(uow, taken[-1])
    return last.rank_key, last.id


def test_a_lease_runs_out_is_renewed_and_taken_over_on_record(house: House) -> None:
    ids = furnish(house)
    ana, ben = person(house, "ana"), person(house, "ben")
    number = ids[DOMAINS[0]]
    with house.db.work() as uow:
        prospect = prospects.get(uow, number)
        assert leases.claim(uow, prospect, holder=ana.caller, name=ana.name)
        assert not leases.claim(uow, prospect, holder=ben.caller, name=ben.name)
        assert not leases.claim(uow, prospect, holder=ben.caller, name=ben.name, soft=True)
    for _ in range(12):
        house.clock.advance(timedelta(minutes=9))  # type: ignore[attr-defined]
        with house.db.work() as uow:
            assert leases.claim(uow, prospects.get(uow, number), holder=ana.caller, name=ana.name)
    with pytest.raises(Refused, match="not approved") as refused:
        approve(house, ben, number)
    assert [skip.reason for skip in refused.value.skips] == ["leased"]
    assert "Ana works on" in refused.value.skips[0].sentence
    with house.db.work() as uow:
        desk.keep(uow, ana, number, pitch_id=1, version=1, subject="Half", body_text="a text")
    with pytest.raises(BadInput), house.db.work() as uow:
        leases.take_over(uow, number, holder=ben.caller, name=ben.name, reason=" ")
    with house.db.work() as uow:
        row = leases.take_over(uow, number, holder=ben.caller, name=ben.name, reason="Ana is ill")
        assert (row.taken_from, row.note) == (ana.caller, "Ben: Ana is ill")
    with house.db.read() as uow:
        assert uow.session.get(KeptText, (number, ana.id)).body_text == "a text"
        noted = select(StageEvent.reason).where(StageEvent.event == "lease_taken_over")
        assert uow.session.execute(noted).scalar_one() == "Ana is ill"
    house.clock.advance(timedelta(minutes=10, seconds=1))  # type: ignore[attr-defined]
    with house.db.work() as uow:
        assert leases.claim(uow, prospects.get(uow, number), holder=ana.caller, name=ana.name)
        # A soft lease never weakens a hold.
        leases.claim(uow, prospects.get(uow, number), holder=ana.caller, name=ana.name, soft=True)
        assert not leases.held(uow.session, DOMAINS[0], uow.now()).soft
        leases.release(uow, DOMAINS[0], holder=ben.caller)
        assert leases.held(uow.session, DOMAINS[0], uow.now()) is not None
    # Taken by a clock that was ahead, and has been put right since: nobody holds it.
    with house.db.work() as uow:
        uow.session.get_one(DomainLease, DOMAINS[0]).until += timedelta(days=1)
    with house.db.work() as uow:
        assert leases.held(uow.session, DOMAINS[0], uow.now()) is None
        assert leases.claim(uow, prospects.get(uow, number), holder=ben.caller, name=ben.name, soft=True)


def test_every_decision_can_be_taken_back_in_turn(house: House) -> None:
    """U15, U20: approve, skip, snooze and leave, undone backwards to where everything stood."""
    ids = furnish(house, more=4)
    ana = person(house, "ana")
    first, second, third, fourth = (ids[name] for name in (DOMAINS[0], DOMAINS[1], DOMAINS[2], "site-000.test"))

    def listed() -> list[int]:
        with house.db.read() as uow:
            return [row["id"] for row in queue(uow, person=(ana.id, ana.caller))]

    before = listed()
    approve(house, ana, first, undo_seconds=600)
    with house.db.work() as uow:
        desk.skip(uow, ana, second, LostReason.WRONG_LANGUAGE)
    with house.db.work() as uow:
        desk.snooze(uow, ana, third, uow.now() + timedelta(days=1))
    with house.db.work() as uow:
        desk.leave(uow, ana, fourth)
    with house.db.read() as uow:
        waiting = uow.session.execute(select(Outbound).where(Outbound.prospect_id == first)).scalar_one()
        assert abs(waiting.not_before - waiting.created_at - timedelta(seconds=600)) < timedelta(seconds=5)
        assert uow.session.get(Prospect, second).stage is Stage.LOST
        assert fourth in [row["id"] for row in queue(uow)], "left to the others"
    assert listed() == [number for number in before if number not in (first, second, third, fourth)]
    kinds = []
    for _ in range(4):
        with house.db.work() as uow:
            undone = desk.undo(uow, ana)
            assert undone.problem is None
            kinds.append(undone.decision.kind)
            assert leases.held(uow.session, prospects.get(uow, undone.decision.prospect_id).domain, uow.now())
    assert kinds == [DecisionKind.PASS, DecisionKind.SNOOZE, DecisionKind.SKIP, DecisionKind.APPROVE]
    assert listed() == before
    with house.db.read() as uow:
        assert uow.session.get(Outbound, waiting.id).state is OutboundState.CANCELLED
    with pytest.raises(Conflict, match="nothing to take back"), house.db.work() as uow:
        desk.undo(uow, ana)
    ben = person(house, "ben")
    with pytest.raises(Conflict), house.db.work() as uow:
        desk.undo(uow, ben)


def test_while_an_approved_mail_waits_its_prospect_is_neither_skipped_nor_put_aside(house: House) -> None:
    """It would stop the mail, and taking it back would not bring that back."""
    ids, ana = furnish(house), person(house, "ana")
    first = ids[DOMAINS[0]]
    approve(house, ana, first, undo_seconds=600)
    for verb in (
        lambda uow: desk.skip(uow, ana, first, LostReason.WRONG_LANGUAGE),
        lambda uow: desk.snooze(uow, ana, first, uow.now() + timedelta(days=1)),
    ):
        with house.db.work() as uow:
            leases.claim(uow, prospects.get(uow, first), holder=ana.caller, name=ana.name)
        with pytest.raises(Conflict, match="an approved mail waits in the outbox"), house.db.work() as uow:
            verb(uow)
    with house.db.read() as uow:
        waiting = uow.session.execute(select(Outbound).where(Outbound.prospect_id == first)).scalar_one()
        assert waiting.state is OutboundState.QUEUED
    page = house.browser(Role.OUTREACH).get(f"/queue/{first}").text
    assert "Approved: its mail waits in the outbox." in page
    assert "There is no draft" not in page
    assert "Approve and next" not in page


def test_after_an_undo_the_next_item_is_the_one_that_was_open(house: House) -> None:
    """It is held by the same person, as what was open is; the one about which a decision is on its way is left out."""
    furnish(house)
    ana = person(house, "ana")
    with house.db.work() as uow:
        order = [row["id"] for row in queue(uow, Lane())]
        first, second, third = order[:3]
        assert desk.take_next(uow, ana, Lane()) == first
    approve(house, ana, first)
    with house.db.work() as uow:
        # The page has gone on: the second is open, and held.
        leases.claim(uow, prospects.get(uow, second), holder=ana.caller, name=ana.name)
    with house.db.work() as uow:
        assert desk.undo(uow, ana).decision.prospect_id == first
        place = (prospects.get(uow, first).rank_key, first)
        assert desk.take_next(uow, ana, Lane(), after=place, soft=True) == second
        assert not leases.held(uow.session, prospects.get(uow, second).domain, uow.now()).soft
        assert desk.take_next(uow, ana, Lane(), after=place, soft=True, but=second) == third
        # What a page says is open may be gone since.
        assert desk.take_next(uow, ana, Lane(), after=place, soft=True, but=99_999) == second


def test_what_has_left_is_said_once_and_the_next_undo_goes_on(house: House) -> None:
    ids = furnish(house)
    ana = person(house, "ana")
    with house.db.work() as uow:
        desk.skip(uow, ana, ids[DOMAINS[1]], LostReason.OTHER)
    approve(house, ana, ids[DOMAINS[0]])
    with house.db.work() as uow:
        row = uow.session.execute(select(Outbound).where(Outbound.prospect_id == ids[DOMAINS[0]])).scalar_one()
        row.state, row.sent_at = OutboundState.SENT, uow.now()
    with house.db.work() as uow:
        undone = desk.undo(uow, ana)
        assert undone.problem is not None
        assert "cannot be taken back" in undone.problem
    with house.db.work() as uow:
        assert desk.undo(uow, ana).decision.kind is DecisionKind.SKIP
    with house.db.read() as uow:
        assert uow.session.get(Outbound, row.id).state is OutboundState.SENT


def test_only_the_last_twenty_decisions_come_back(house: House) -> None:
    ids = furnish(house, more=25)
    ana = person(house, "ana")
    for n in range(22):
        with house.db.work() as uow:
            desk.leave(uow, ana, ids[f"site-{n:03}.test"])
    for _ in range(20):
        with house.db.work() as uow:
            desk.undo(uow, ana)
    with pytest.raises(Conflict), house.db.work() as uow:
        desk.undo(uow, ana)


def test_a_snooze_ends_at_its_time_or_with_a_reply(house: House) -> None:
    ids = furnish(house)
    ana, number = person(house, "ana"), ids[DOMAINS[0]]
    with house.db.work() as uow:
        desk.snooze(uow, ana, number, NEVER)
    with house.db.work() as uow:
        assert number not in [row["id"] for row in queue(uow)]
        prospects.block(uow, number, Blocking.REPLY)
    with house.db.work() as uow:
        assert prospects.get(uow, number).snoozed_until is None
        with pytest.raises(BadInput):
            desk.snooze(uow, ana, number, uow.now())
        desk.snooze(uow, ana, number, uow.now() + timedelta(hours=1))
    house.clock.advance(timedelta(minutes=59))  # type: ignore[attr-defined]
    with house.db.read() as uow:
        assert number not in [row["id"] for row in queue(uow)]
    house.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    with house.db.read() as uow:
        assert queue(uow)[0]["id"] == number


@pytest.mark.parametrize(
    ("now", "name", "wanted"),
    [
        # The clocks go forward in the night to Sunday: nine o'clock is an hour earlier in UTC.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), "tomorrow", datetime(2026, 3, 29, 7, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "tomorrow", datetime(2026, 10, 25, 8, tzinfo=UTC)),
        # Late on Sunday in UTC is Monday in Berlin: the next Monday is a week away.
        (datetime(2026, 6, 7, 23, tzinfo=UTC), "monday", datetime(2026, 6, 15, 7, tzinfo=UTC)),
        (datetime(2026, 6, 5, 9, tzinfo=UTC), "monday", datetime(2026, 6, 8, 7, tzinfo=UTC)),
        (datetime(2026, 6, 5, 9, tzinfo=UTC), "two-weeks", datetime(2026, 6, 19, 7, tzinfo=UTC)),
    ],
)
def test_presets_are_mornings_of_the_persons_own_zone(now: datetime, name: str, wanted: datetime) -> None:
    assert {one.name: one.until for one in presets(now, ZoneInfo("Europe/Berlin"))}[name] == wanted


def test_pins_stand_in_front_of_their_lane_and_are_few(house: House) -> None:
    ids = furnish(house, more=30)
    with house.db.work() as uow:
        order = [row["id"] for row in queue(uow)]
        low = order[-1]
        pins.pin(uow, low, actor="lead")
        pins.pin(uow, low, actor="lead")
    with house.db.read() as uow:
        listed = queue(uow, limit=10)
        assert [listed[0]["id"], *order[:9]] == [row["id"] for row in listed]
        assert listed[0]["pinned"] == 1
        rest = queue(uow, after=(listed[-1]["rank_key"], listed[-1]["id"]), limit=100)
        assert low not in [row["id"] for row in rest]
        assert {row["id"] for row in [*listed, *rest]} == set(order)
    with house.db.work() as uow:
        for number in order[:19]:
            pins.pin(uow, number, actor="lead")
        with pytest.raises(Conflict, match="20"):
            pins.pin(uow, order[19], actor="lead")
        pins.unpin(uow, low, actor="lead")
        pins.pin(uow, order[19], actor="lead")
    assert ids


def test_several_are_approved_only_when_alike_read_and_of_lower_tiers(house: House) -> None:
    """U22: whatever is posted."""
    furnish(house, more=40)
    lead = person(house, "ana")
    vault, settings = house.container.vault, house.container.settings
    with house.db.work() as uow:
        for row in queue(uow, limit=200):
            prospect = prospects.get(uow, row["id"])
            if prospect.mention is MentionVerdict.NO_MENTION and prospect.domain.startswith("site-"):
                pitches.propose(uow, prospect.id)
        odd = next(row["id"] for row in queue(uow, limit=200) if row["mention"] == "unlinked-mention" and row["id"] > 9)
        prospects.get(uow, odd).tier = 2
        pitches.propose(uow, odd)
    with house.db.read() as uow:
        found = bulk.candidates(uow, vault, settings, lead, Lane())
        assert 3 < len(found) <= bulk.MOST
        assert {one.prospect.tier for one in found} == {2, 3}
        assert len({(one.pitch.angle, one.pitch.template_version) for one in found}) == 1
        chosen = [(one.pitch.id, one.pitch.version) for one in found]
        proofs = {bulk.proof(vault, lead, pitch) for pitch in bulk.to_open(vault, lead, [one.pitch for one in found])}
        drafts = uow.session.execute(
            select(desk.Pitch.id, desk.Pitch.version, Prospect.tier, desk.Pitch.angle)
            .join(Prospect, Prospect.id == desk.Pitch.prospect_id)
            .where(desk.Pitch.state == "draft")
        ).all()
    first_tier = next((row.id, row.version) for row in drafts if row.tier == 1)
    other = next((row.id, row.version) for row in drafts if row.tier == 2 and row.angle != found[0].pitch.angle)

    def refused(wanted: list[tuple[int, int]], given: set[str]) -> set[str]:
        with pytest.raises(Refused) as error, house.db.work() as uow:
            bulk.approve(uow, vault, settings, lead, wanted, given)
        return {skip.reason for skip in error.value.skips}

    assert "bulk-unread" in refused(chosen, set())
    assert "bulk-unread" in refused(chosen, {"guess"} | set(list(proofs)[:2]))
    assert "bulk-tier" in refused([*chosen[:2], first_tier], proofs)
    assert "bulk-mixed" in refused([*chosen[:2], other], proofs)
    warned = found[0].prospect.domain
    with house.db.work() as uow:
        uow.session.get_one(Contact, found[0].contact.id).source_url = None
    assert refused(chosen, proofs) == {"bulk-warned"}
    with house.db.read() as uow:
        assert warned not in {one.prospect.domain for one in bulk.candidates(uow, vault, settings, lead, Lane())}, (
            "a draft with a warning is not even offered"
        )
    with house.db.work() as uow:
        uow.session.get_one(Contact, found[0].contact.id).source_url = f"https://{warned}/about"
    assert refused([], proofs) == {"bulk-empty"}
    assert refused(chosen * 9, proofs) == {"bulk-many"}
    with house.db.read() as uow:
        assert uow.session.execute(select(func.count()).select_from(Outbound)).scalar_one() == 2, "none of them went"
    with house.db.work() as uow:
        done = bulk.approve(uow, vault, settings, lead, chosen, proofs)
    with house.db.read() as uow:
        queued = select(func.count()).select_from(Outbound).where(Outbound.state == OutboundState.QUEUED)
        assert uow.session.execute(queued).scalar_one() == len(chosen)
    with house.db.work() as uow:
        assert bulk.undo(uow, lead, done[0].id) == len(chosen)
        assert bulk.undo(uow, lead, done[0].id) == 0


def test_a_key_respects_a_persons_lease(house: House) -> None:
    ids = furnish(house)
    ana = person(house, "ana")
    with house.db.work() as uow:
        leases.claim(uow, prospects.get(uow, ids[DOMAINS[0]]), holder=ana.caller, name=ana.name)
        pitch = desk.pitch_repository.draft_of(uow.session, ids[DOMAINS[0]])
    api = house.api()
    answer = api.post(f"/api/v1/pitches/{pitch.id}/approve", json={"version": pitch.version})
    assert answer.status_code == 409
    assert "leased" in answer.text
    house.clock.advance(timedelta(minutes=11))  # type: ignore[attr-defined]
    assert api.post(f"/api/v1/pitches/{pitch.id}/approve", json={"version": pitch.version}).status_code == 200
