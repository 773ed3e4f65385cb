"""Ninety days of many mailboxes by the rules of app.domain.pacing and app.domain.calendar; no clock, no database.

Every mail is checked against an independent reading of its recipient's wall clock. The marker `soak` runs it in full size.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest

from app.calendars import hours_key, hours_of, work_days
from app.domain import pacing
from app.domain.calendar import business_moment
from app.domain.pacing import Candidate, Hours, Slot
from app.domain.places import place_of
from tests.support.soak import part

ENDINGS = ["de", "fr", "uk", "us", "jp", "au", "br", "in", "il", "ca", "cl", "nz", "sa", "eg", "mx", "se"]
OPENS, CLOSES = "09:00", "17:00"
DAYS = 90
DOMAIN_CAP = 2
SITES = 8
SITE_CAP = 90


@dataclass
class Mail:
    number: int
    prospect: int
    step: int
    due: datetime
    box: int
    slot: Slot
    since: datetime
    """When it could first have left by its hours."""


@dataclass
class Box:
    number: int
    zone: ZoneInfo
    cap: int
    language: str | None
    next_send_at: datetime | None = None
    used: Counter[date] = field(default_factory=Counter)
    caps: dict[date, int] = field(default_factory=dict)
    waiting: dict[int, Mail] = field(default_factory=dict)
    wakes_at: datetime | None = None


@dataclass
class Sent:
    mail: Mail
    at: datetime
    box: int
    follow_ups_due: int


@dataclass
class Simulation:
    """One run. The rules that a test breaks on purpose are fields."""

    start: datetime
    boxes_n: int
    prospects_n: int
    seed: int = 1
    next_slot: Callable[[datetime, Hours], Slot] = pacing.next_slot
    share: Callable[[Iterable[int], int], set[int]] = pacing.share
    room_for_pitches: Callable[[int, int], int] = pacing.room_for_pitches
    domain_cap: int = DOMAIN_CAP

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "UTC"]
        languages = [None, None, "de", "fr"]
        self.boxes = [Box(n, ZoneInfo(zones[n % 5]), 20 + 10 * (n % 4), languages[n % 4]) for n in range(self.boxes_n)]
        self.sites: Counter[tuple[int, date]] = Counter()
        self.domains: Counter[tuple[str, date]] = Counter()
        self.sent: list[Sent] = []
        self.mails = 0
        self.places = []
        for number in range(self.prospects_n):
            ending = ENDINGS[number % len(ENDINGS)]
            language = self.dice.choice(["de", "fr", "en", None])
            # Every fourth editor works for a house with several blogs.
            recipient = f"house{number % 1200}.{ending}" if number % 4 == 0 else f"blog{number}.{ending}"
            place = place_of(f"blog{number}.{ending}", language)
            key = hours_key(place.zone, place.country, f"{OPENS}-{CLOSES}")
            self.places.append((place, hours_of(key), language, recipient))

    def run(self) -> Simulation:
        end = self.start + timedelta(days=DAYS)
        # Staff approve a batch each day of the first half, the largest on the first day: the queue is longer than the caps.
        arrivals: list[tuple[datetime, int]] = []
        for number in range(self.prospects_n):
            day = 0 if number % 3 == 0 else self.dice.randrange(DAYS // 2)
            arrivals.append((self.start + timedelta(days=day, minutes=self.dice.randrange(600)), number))
        events: list[tuple[datetime, int, int, int, int]] = [
            (at, 0, n, n, 0) for n, (at, _) in enumerate(sorted(arrivals))
        ]
        heapq.heapify(events)
        order = [number for _, number in sorted(arrivals)]
        tick = len(events)
        while events:
            at, kind, _, what, step = heapq.heappop(events)
            if at >= end:
                break
            tick += 1
            if kind == 0:  # a mail is approved, or a follow-up falls due
                box = self._enqueue(order[what] if step == 0 else what, step, at)
                wanted = max(at, box.next_send_at or at)
                if box.wakes_at is None or wanted < box.wakes_at:
                    box.wakes_at = wanted
                    heapq.heappush(events, (wanted, 1, tick, box.number, 0))
                continue
            box = self.boxes[what]
            if box.wakes_at != at:
                continue
            box.wakes_at = again = self._turn(box, at)
            if again is not None:
                heapq.heappush(events, (again, 1, tick, box.number, 0))
            if self.sent and self.sent[-1].at == at and self.sent[-1].box == box.number:
                done = self.sent[-1].mail
                if done.step < 2 and self.dice.random() < 0.8:
                    _, hours, *_ = self.places[done.prospect]
                    due = business_moment(at, 4 if done.step == 0 else 7, hours.zone, hours.days)
                    heapq.heappush(events, (due, 0, tick, done.prospect, done.step + 1))
                    self.home[done.prospect] = box.number
        return self

    home: dict[int, int] = field(default_factory=dict)

    def _enqueue(self, prospect: int, step: int, at: datetime) -> Box:
        _, hours, language, _ = self.places[prospect]
        if step:
            box = self.boxes[self.home[prospect]]
        else:
            today = at.date()
            best = pacing.choose_mailbox(
                [Candidate(b.number, b.cap, b.used[today], len(b.waiting), b.language) for b in self.boxes], language
            )
            assert best is not None
            box = self.boxes[best.id]
        self.mails += 1
        slot = self.next_slot(at, hours)
        box.waiting[self.mails] = Mail(self.mails, prospect, step, at, box.number, slot, slot.start)
        return box

    def _cap(self, box: Box, day: date) -> int:
        worked = sum(1 for one, used in box.used.items() if used and one < day)
        return box.caps.setdefault(day, pacing.ramp_cap(box.cap, 5, 5, worked))

    def _turn(self, box: Box, now: datetime) -> datetime | None:
        """Send one mail if one may leave; when to look again, or None when nothing waits."""
        if not box.waiting:
            return None
        if box.next_send_at is not None and box.next_send_at > now:
            return box.next_send_at
        day = now.astimezone(box.zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=box.zone).astimezone(UTC)
        for mail in box.waiting.values():
            if mail.slot.end <= now and mail.slot.start <= now:
                mail.slot = self.next_slot(now, self.places[mail.prospect][1])
        left = self._cap(box, day) - box.used[day]
        if left <= 0:
            return midnight
        room = pacing.capacity(left, (midnight - now).total_seconds(), 150)
        today = [mail for mail in box.waiting.values() if mail.slot.start < midnight]
        follow_ups = self.share((mail.number for mail in today if mail.step), room)
        pitches = self.share(
            (mail.number for mail in today if not mail.step),
            self.room_for_pitches(room, sum(1 for mail in today if mail.step)),
        )
        ours = follow_ups | pitches
        due = [mail for mail in today if mail.number in ours and mail.slot.start <= now]
        due.sort(key=lambda mail: (not mail.step, mail.number))
        for mail in due:
            if self._take(box, mail, now, day):
                gap = pacing.gap_seconds(60, 240, self.dice.random())
                box.next_send_at = now + timedelta(seconds=gap)
                return box.next_send_at
        later = [mail.slot.start for mail in box.waiting.values() if mail.slot.start > now]
        return min([midnight, *later])

    def _take(self, box: Box, mail: Mail, now: datetime, day: date) -> bool:
        _, hours, _, recipient = self.places[mail.prospect]
        utc_day, site = now.date(), mail.prospect % SITES
        if (
            self.sites[site, utc_day] >= SITE_CAP
            or self.domains[recipient, pacing.period_start(utc_day, 1)] >= self.domain_cap
        ):
            tomorrow = datetime.combine(utc_day + timedelta(days=1), time(), tzinfo=UTC)
            mail.slot = self.next_slot(tomorrow, hours)
            return False
        self.sites[site, utc_day] += 1
        self.domains[recipient, pacing.period_start(utc_day, 1)] += 1
        box.used[day] += 1
        del box.waiting[mail.number]
        waiting = sum(1 for one in box.waiting.values() if one.step and one.slot.start <= now < one.slot.end)
        self.sent.append(Sent(mail, now, box.number, waiting if not mail.step else 0))
        return True

    def faults(self, longest: timedelta) -> list[str]:
        """What a careful person would object to, found with the library's calendars and plain wall clocks."""
        found: list[str] = []
        by_box: dict[int, list[datetime]] = defaultdict(list)
        by_site, by_domain = Counter(), Counter()  # type: ignore[var-annotated]
        calendars = {}
        for sent in self.sent:
            place, _, _, recipient = self.places[sent.mail.prospect]
            local = sent.at.astimezone(ZoneInfo(place.zone))
            calendar = calendars.setdefault(place.country, holidays.country_holidays(place.country))
            if not OPENS <= local.strftime("%H:%M") < CLOSES:
                found.append(f"outside the window: {local} {place.zone}")
            if local.date() in calendar or local.weekday() in calendar.weekend:
                found.append(f"holiday or weekend: {local} {place.country}")
            waited = sent.at - sent.mail.since
            if waited > longest:
                found.append(f"starved: {waited} step {sent.mail.step}")
            if sent.follow_ups_due:
                found.append(f"a pitch before {sent.follow_ups_due} due follow-ups")
            if sent.mail.step and self.home[sent.mail.prospect] != sent.box:
                found.append("a conversation changed its mailbox")
            by_box[sent.box].append(sent.at)
            by_site[sent.mail.prospect % SITES, sent.at.date()] += 1
            by_domain[recipient, sent.at.date()] += 1
        for number, times in by_box.items():
            box = self.boxes[number]
            found += [f"spacing: {b - a}" for a, b in pairwise(times) if b - a < timedelta(seconds=60)]
            counts = Counter(at.astimezone(box.zone).date() for at in times)
            for n, (day, used) in enumerate(sorted(counts.items())):
                if used > min(box.cap, 5 + 5 * n):
                    found.append(f"mailbox {number}: {used} on {day}")
        found += [f"site cap: {key} {used}" for key, used in by_site.items() if used > SITE_CAP]
        found += [f"domain cap: {key} {used}" for key, used in by_domain.items() if used > DOMAIN_CAP]
        last = self.start + timedelta(days=DAYS)
        found += [
            f"starved at the end: mail {mail.number}"
            for box in self.boxes for mail in box.waiting.values() if last - mail.since > longest
        ]  # fmt: skip
        return found


# Over the change to winter time in the north and to summer time in the south, and the other way round.
AUTUMN = datetime(2026, 9, 14, 6, 0, tzinfo=UTC)
SPRING = datetime(2027, 1, 25, 6, 0, tzinfo=UTC)
# What waits longer than this expires (app.outbox.service.KEEP_FOR); with holidays in a row, five to six days are needed.
LONGEST = timedelta(days=14)


@pytest.mark.parametrize("start", [AUTUMN, SPRING], ids=["autumn", "spring"])
def test_ninety_days_of_fifty_mailboxes_and_five_thousand_prospects(start: datetime) -> None:
    done = Simulation(start, boxes_n=50, prospects_n=5000).run()
    assert done.faults(LONGEST) == []
    assert len({place.country for place, *_ in done.places}) >= 12
    # It was no walk in the park: caps of every kind were reached, and what was due has left.
    assert len(done.sent) > 11_000
    assert max(done.domains.values()) == DOMAIN_CAP
    assert max(done.sites.values()) == SITE_CAP
    assert any(box.used[day] == cap for box in done.boxes for day, cap in box.caps.items())
    zones = {place.zone for place, *_ in done.places}
    offsets = {zone: {sent.at.astimezone(ZoneInfo(zone)).utcoffset() for sent in done.sent} for zone in zones}
    assert sum(len(found) == 2 for found in offsets.values()) >= 6


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 22))
def test_ninety_days_with_other_dice(seed: int) -> None:
    for start in (AUTUMN, SPRING):
        done = Simulation(start, boxes_n=part(50, 2), prospects_n=part(5000, 100), seed=seed).run()
        print(f"dice {seed}, from {start:%B}: {done.mails} mails, {len(done.faults(LONGEST))} faults")  # noqa: T201
        assert done.faults(LONGEST) == []


def _frozen_offset(moment: datetime, hours: Hours) -> Slot:
    """The mistake of keeping the offset that holds when the window is computed first."""
    offset = AUTUMN.astimezone(hours.zone).utcoffset()
    from datetime import timezone

    return pacing.next_slot(moment, Hours(timezone(offset or timedelta()), hours.days, hours.opens, hours.closes))


def _no_holidays(moment: datetime, hours: Hours) -> Slot:
    return pacing.next_slot(moment, Hours(hours.zone, work_days(None), hours.opens, hours.closes))


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"next_slot": _frozen_offset}, "outside the window"),
        ({"next_slot": _no_holidays}, "holiday or weekend"),
        ({"domain_cap": 10**6}, "domain cap"),
        ({"share": lambda waiting, room: set(sorted(waiting, reverse=True)[:room])}, "starved"),
        ({"room_for_pitches": lambda today, follow_ups: today}, None),
    ],
    ids=["one-offset", "no-holidays", "no-domain-cap", "youngest-first", "no-room-kept"],
)
def test_a_broken_rule_is_seen(broken: dict[str, object], complaint: str | None) -> None:
    # Too few mailboxes, so that whoever comes last is seen; the cap of a house needs many.
    size = {"boxes_n": 40, "prospects_n": 3600} if complaint == "domain cap" else {"boxes_n": 2, "prospects_n": 900}
    done = Simulation(AUTUMN, **size, **broken).run()  # type: ignore[arg-type]
    whole = Simulation(AUTUMN, **size).run()
    if complaint is not None:
        assert any(fault.startswith(complaint) for fault in done.faults(timedelta(days=30)))
        assert not any(fault.startswith(complaint) for fault in whole.faults(timedelta(days=30)))
        return

    # Without room kept for them, follow-ups wait longer.
    def worst(run: Simulation) -> timedelta:
        return max(sent.at - sent.mail.since for sent in run.sent if sent.mail.step)

    assert worst(done) > worst(whole)
