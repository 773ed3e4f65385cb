"""The reports on both databases: what counts as a case and as a win, and every figure against a count by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from app.db.work import Database, UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.domain.reputation import Incident
from app.reports import outreach, quality
from app.reports.outreach import Scope
from tests.conftest import START
from tests.support.campaign import Campaign
from tests.support.world import a_mailbox, a_site

DAY = timedelta(days=1)


def begin(uow: UnitOfWork, name: str = "Acme") -> Campaign:
    return Campaign(uow, a_site(uow, name=name), a_mailbox(uow, f"{name.lower()}@acme.test"))


def funnel(uow: UnitOfWork, scope: Scope) -> dict[str, Any]:
    found = {step.name: step.count for step in outreach.report(uow, scope).funnel}
    assert list(found) == ["gap", "ready", "approved", "delivered", "replied", "agreed", "live", "lasting"]
    return found


def test_what_is_a_case_and_what_is_a_win(db: Database) -> None:
    with db.work() as uow:
        made = begin(uow)
        sent = START - 100 * DAY
        won = made.prospect(domain="won.test")
        made.pitch(won, sent)
        made.link(won, sent + 9 * DAY)
        typed = made.prospect(domain="typed.test")
        made.pitch(typed, sent)
        made.link(typed, sent + DAY, verified=False)
        before = made.prospect(domain="linked-before.test")
        made.pitch(before, sent)
        made.link(before, sent - DAY)
        made.pitch(made.prospect(domain="bounced.test"), sent, bounced=True)
        made.pitch(made.prospect(domain="refused.test"), sent, state=OutboundState.REJECTED)
        made.pitch(made.prospect(domain="waiting.test"), sent, state=OutboundState.QUEUED)
        # The second mail to one prospect (a reclamation, say) opens no case of its own, in whichever period it left.
        again = made.prospect(domain="again.test")
        made.pitch(again, sent - 200 * DAY)
        mail = made.pitch(again, sent, agreed=True, angle="link-reclamation")
        made.reply(mail, sent + DAY)
        machine = made.prospect(domain="machine.test")
        made.reply(made.pitch(machine, sent), sent + DAY, kind="auto-reply")
        made.prospect(domain="unchecked.test", stage=Stage.PROSPECT)
        made.prospect(domain="unsure.test", stage=Stage.PROSPECT, mention="could-not-check")
    with db.read() as uow:
        assert funnel(uow, Scope(days=180)) == {
            "gap": 10, "ready": 9, "approved": 7, "delivered": 4, "replied": 0, "agreed": 0, "live": 1, "lasting": 1,
        }  # fmt: skip
        assert funnel(uow, Scope(days=None)) == {
            "gap": 10, "ready": 9, "approved": 8, "delivered": 5, "replied": 1, "agreed": 1, "live": 1, "lasting": 1,
        }  # fmt: skip
        assert funnel(uow, Scope(days=90))["delivered"] == 0
        named = [row["domain"] for row in outreach.cases(uow, Scope(days=180), "delivered")]
        assert sorted(named) == ["linked-before.test", "machine.test", "typed.test", "won.test"]
        assert [row["domain"] for row in outreach.cases(uow, Scope(days=None), "live")] == ["won.test"]
        assert [row["domain"] for row in outreach.cases(uow, Scope(days=None), "replied")] == ["again.test"]


@pytest.mark.parametrize(
    ("seen", "lost", "old_enough", "lasting"),
    [
        (90, None, 1, 1),
        (90 - 1 / 86_400, None, 0, 0),
        (89, None, 0, 0),
        (200, 89, 1, 0),
        (200, 90, 1, 1),
        (200, 150, 1, 1),
    ],
)
def test_a_link_lasts_when_it_stood_for_90_days(
    db: Database, seen: float, lost: int | None, old_enough: int, lasting: int
) -> None:
    """`seen`: days ago; `lost`: days after it was seen."""
    with db.work() as uow:
        made = begin(uow)
        prospect = made.prospect()
        made.pitch(prospect, START - 300 * DAY)
        at = START - seen * DAY
        made.link(prospect, at, lost_at=None if lost is None else at + lost * DAY)
    with db.read() as uow:
        last = outreach.report(uow, Scope(days=None)).funnel[-1]
    assert (last.name, last.of, last.count) == ("lasting", old_enough, lasting)


def test_weeks_and_cuts_add_up_to_what_was_made(db: Database) -> None:
    """Many cases with every cut; counted once more in Python, from the plan and not from the database."""
    plan: list[dict[str, Any]] = []
    with db.work() as uow:
        sides = [begin(uow), begin(uow, "Beta")]
        for number in range(120):
            made = sides[number % 5 == 0]
            sent = START - timedelta(days=1 + number % 80, hours=number % 24)
            one = {
                "sent": sent,
                "tier": (1, 2, 3, None)[number % 4],
                "angle": ("coverage-gap", "unlinked-mention")[number % 3 == 0],
                "template": f"t@{number % 2}",
                "person": ("ana@acme.test", "ben@acme.test")[number % 7 < 3],
                "mailbox": made.mailbox.email,
                "authority": (None, 5.0, 20.0, 79.9, 95.0)[number % 5],
                "won": 1 + number % 11 if number % 3 == 1 else None,
                "replied": number % 6 == 0,
            }
            prospect = made.prospect(tier=one["tier"], authority=one["authority"])
            mail = made.pitch(prospect, sent, angle=one["angle"], template=one["template"], person=one["person"])
            if one["won"]:
                made.link(prospect, sent + one["won"] * DAY + timedelta(hours=1))
                made.link(prospect, sent + 30 * DAY)  # a second one is no second win
            if one["replied"]:
                made.reply(mail, sent + DAY)
                made.reply(mail, sent + 2 * DAY)
            plan.append(one)
        site_id = sides[0].site.id
    with db.read() as uow:
        found = outreach.report(uow, Scope())
        mine = outreach.report(uow, Scope(site_id=site_id, tier=1, angle="coverage-gap", person="ben@acme.test"))
    assert (found.total.hits, found.total.n) == (40, 120)
    assert found.total.rate == pytest.approx(1 / 3)
    assert found.median_days == sorted(one["won"] for one in plan if one["won"])[19]
    by_week: dict[date, list[dict[str, Any]]] = {}
    for one in plan:
        day = one["sent"].date()
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(one)
    assert {week.week: (week.share.hits, week.share.n) for week in found.weeks} == {
        week: (sum(one["won"] is not None for one in some), len(some)) for week, some in by_week.items()
    }
    assert [week.open for week in found.weeks] == [
        START.date() - week.week < timedelta(days=found.median_days + 6) for week in found.weeks
    ]
    assert found.weeks[-1].open
    assert not found.weeks[0].open
    bands = {
        None: (),
        5.0: ("ahrefs", 0, 19),
        20.0: ("ahrefs", 20, 39),
        79.9: ("ahrefs", 60, 79),
        95.0: ("ahrefs", 80, 100),
    }
    keys: dict[str, Any] = {
        "tier": lambda one: (one["tier"],) if one["tier"] else (),
        "authority": lambda one: bands[one["authority"]],
        **{cut: lambda one, cut=cut: (one[cut],) for cut in ("angle", "template", "mailbox", "person")},
    }
    for cut, key in keys.items():
        wanted: dict[Any, list[int]] = {}
        for one in plan:
            line = wanted.setdefault(key(one), [0, 0, 0])
            line[0] += one["won"] is not None
            line[1] += 1
            line[2] += one["replied"]
        assert {line.key: [line.wins.hits, line.wins.n, line.replies.hits] for line in found.cuts[cut]} == wanted, cut
    # What is not known is the last line.
    assert found.cuts["tier"][-1].key == ()
    chosen = [
        one
        for one in plan
        if (one["tier"], one["angle"], one["person"]) == (1, "coverage-gap", "ben@acme.test")
        and one["mailbox"] == "acme@acme.test"
    ]
    assert chosen
    assert (mine.total.hits, mine.total.n) == (sum(one["won"] is not None for one in chosen), len(chosen))


def test_a_week_without_a_mail_is_a_week_and_without_a_win_every_one_is_open(db: Database) -> None:
    with db.work() as uow:
        made = begin(uow)
        made.pitch(made.prospect(), START - 60 * DAY)
        made.pitch(made.prospect(), START - 30 * DAY)
    with db.read() as uow:
        found = outreach.report(uow, Scope())
    assert [week.share.n for week in found.weeks] == [1, 0, 0, 0, 1]
    assert all(
        (after.week - before.week).days == 7 for before, after in zip(found.weeks, found.weeks[1:], strict=False)
    )
    assert found.median_days is None
    assert all(week.open for week in found.weeks)


def test_pages_of_cases_hold_each_once(db: Database) -> None:
    with db.work() as uow:
        made = begin(uow)
        for number in range(7):
            made.pitch(made.prospect(), START - (1 + number // 3) * DAY)
    seen: list[int] = []
    before = None
    with db.read() as uow:
        while page := outreach.cases(uow, Scope(), "delivered", before=before, limit=2):
            seen += [row["id"] for row in page]
            before = page[-1]["sent_at"], page[-1]["id"]
    assert len(seen) == 7 == len(set(seen))


def test_reply_time_reasons_and_delivery(db: Database) -> None:
    with db.work() as uow:
        made, other = begin(uow), begin(uow, "Beta")
        sent = START - 20 * DAY
        for number, minutes in enumerate((10, 20, 30, 40, 500)):
            mail = made.pitch(made.prospect(), sent)
            came = sent + DAY
            made.reply(
                mail, came, answered=came + timedelta(minutes=minutes, seconds=59), due=came + timedelta(minutes=45)
            )
            if number == 0:
                made.incident(mail, Incident.COMPLAINT, came)
                made.reply(mail, came)  # nobody has answered it yet: it has no time
        for _ in range(20):
            other.pitch(other.prospect(), sent, bounced=False)
        bad = other.pitch(other.prospect(), sent, bounced=True)
        other.incident(bad, Incident.POLICY, sent)
        # Refused at the door, for its address and for another reason: only the first was sent as far as bounces go.
        for kind in (Incident.HARD_BOUNCE, None):
            door = other.pitch(other.prospect(), sent, state=OutboundState.REJECTED)
            if kind:
                other.incident(door, kind, sent)
        for reason, was in (
            ("no-reply", Stage.PITCHED), ("no-reply", Stage.FOLLOWED_UP), ("declined", Stage.PITCHED),
            ("not-relevant", Stage.CHECKED_MENTION),
        ):  # fmt: skip
            made.give_up(made.prospect(), reason, START - DAY, was=was)
        back = made.prospect()
        made.give_up(back, "declined", START - DAY)
        back.stage = Stage.PROSPECT  # opened again: it is not lost
        made.give_up(made.prospect(), "declined", START - 91 * DAY)
        site_id = made.site.id
    with db.read() as uow:
        time = quality.reply_time(uow, Scope())
        why = quality.reasons(uow, Scope())
        sites_why = quality.reasons(uow, Scope(site_id=site_id + 1))
        boxes = quality.delivery(uow, Scope())
        mine = quality.delivery(uow, Scope(site_id=site_id))
    assert (time.answered, time.p50, time.p90, time.in_time) == (5, 30, 500, 4)
    assert why.skipped == [("not-relevant", 1)]
    assert why.lost == [("no-reply", 2), ("declined", 1)]
    assert sites_why.lost == []
    assert [
        (one.domain, one.mailbox, one.bounces.hits, one.complaints.hits, one.bounces.n, one.refused) for one in boxes
    ] == [
        ("acme.test", None, 2, 1, 32, 1),
        ("acme.test", "acme@acme.test", 0, 1, 10, 0),
        ("acme.test", "beta@acme.test", 2, 0, 22, 1),
    ]
    assert boxes[1].bounces.few
    assert boxes[2].bounces.rate == pytest.approx(2 / 22)
    assert [one.mailbox for one in mine] == [None, "acme@acme.test"]
