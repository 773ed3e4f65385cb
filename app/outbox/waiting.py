"""Why a mail has not left: one sentence, and the time at which it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.calendars import holiday_name, hours_of
from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.pacing import Hours, estimate, next_slot, pause_end, period_start, ramp_cap, window_on
from app.domain.said import Day, say
from app.errors import Skip
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import expiry, plan, recipients
from app.outbox.looks import Looks
from app.settings import Settings

_WEEKDAYS = (
    say("Monday"),
    say("Tuesday"),
    say("Wednesday"),
    say("Thursday"),
    say("Friday"),
    say("Saturday"),
    say("Sunday"),
)


def why_waiting(uow: UnitOfWork, row: Outbound, settings: Settings) -> Skip | None:
    """Why a message has not left, in one sentence, and until when; None when it is not waiting.

    The time is that of the next slot for what waits for its hours or a cap, and an estimate for what waits for others.
    """
    return why_all(uow, [row], settings)[0]


def why_all(uow: UnitOfWork, rows: Sequence[Outbound], settings: Settings) -> list[Skip | None]:
    """`why_waiting` of each row, in a number of statements that does not grow with them."""
    looks = Looks(uow, rows, settings)
    return [_why(looks, row) for row in rows]


def _why(looks: Looks, row: Outbound) -> Skip | None:
    if row.state is OutboundState.AMBIGUOUS:
        return Skip(
            "ambiguous", row.hold_reason or say("the server's answer was lost: it may have arrived; decide what it was")
        )
    if row.state in (OutboundState.CLAIMED, OutboundState.COMMITTED):
        return Skip("sending", say("it is being sent now"))
    if row.state is not OutboundState.QUEUED:
        return None
    if looks.held is not None:
        return looks.held
    stopped = _stopped(looks, row)
    if stopped is not None:
        return stopped
    mailbox, now = looks.mailboxes.get(row.mailbox_id), looks.now
    if mailbox is None or not mailbox.active:
        return Skip(
            "mailbox-off",
            say(
                "its mailbox is switched off; `gapbridge mailbox resume` switches it on, and on {day} the mail is given up",
                day=Day.of(row.expires_at),
            ),
        )
    if expiry.rests(mailbox, now):
        return Skip(
            "mailbox-paused",
            say(
                "its mailbox rests: {paused_reason}; the time that it may wait stands still meanwhile, until {day} at the latest",
                paused_reason=mailbox.paused_reason,
                day=Day.of(expiry.ends_at(row, mailbox, now)),
            ),
            _iso(mailbox.paused_until),
        )
    if row.expires_at <= now:
        # The turn takes it out; while the clock is in doubt it does not.
        return looks.clock or Skip("expired", say("it has waited too long and is taken out with the next turn"))
    if looks.blocked(row, for_good=False):
        return Skip("possible-reply", say("they may have answered: look at the inbox and say whether it is a reply"))
    kept = _in_front(looks, row) or _against(looks, row, mailbox)
    if kept is not None:
        return kept
    # What put it off once stays in the row until it is claimed; it is the reason only until that time has come.
    if row.hold_reason and row.not_before > now:
        # Where its slot has closed by then, it leaves in the next one.
        missed = row.closes_at is not None and row.closes_at <= row.not_before and row.wanted_at != row.not_before
        return Skip("deferred", row.hold_reason, _iso(_slot_from(row, row.not_before) if missed else row.not_before))
    return _paced(looks, row, mailbox, now)


def _stopped(looks: Looks, row: Outbound) -> Skip | None:
    """What has ended its conversation, or a person who lets it rest."""
    if looks.blocked(row, for_good=True):
        return Skip(
            "stopped",
            say(
                "an answer, opt-out, bounce or link came first; it is taken out when its mailbox is next looked through"
            ),
        )
    if looks.resting(row):
        return Skip("follow-ups-stopped", say("somebody has stopped their follow-ups: it rests until they go on"))
    return None


def _in_front(looks: Looks, row: Outbound) -> Skip | None:
    """The claim passes over what stands behind a mail to the same prospect that is not done with."""
    state, outbound_id, subject = looks.before(row) or (None, 0, "")
    if state is OutboundState.AMBIGUOUS:
        return Skip(
            "unsure-before",
            say(
                "it is not known whether message {outbound_id} to them, {subject}, has arrived: decide that first",
                outbound_id=outbound_id,
                subject=subject,
            ),
        )
    if state is not None:
        return Skip("sending-before", say("another message to them is being sent now"))
    if row.evidence is not None:
        return Skip("restored", say("it may have left before this data was restored: it is looked for now"))
    return None


def _against(looks: Looks, row: Outbound, mailbox: Mailbox) -> Skip | None:
    """What keeps a message back that could otherwise leave: our own domain, or the address that it goes to."""
    held = looks.domain_hold(mailbox) if row.kind is OutboundKind.PITCH else None
    if held is not None or row.kind is OutboundKind.REPLY:
        return held
    return looks.address_refusal(row)


def _paced(looks: Looks, row: Outbound, mailbox: Mailbox, now: datetime) -> Skip:
    closed = row.closes_at is not None and row.closes_at <= now
    if row.not_before > now or closed:
        capped = _capped(looks, row, now)
        if capped is not None:
            return capped
        if row.wanted_at is None or row.wanted_at >= row.not_before or row.hours is None:
            return Skip("undo-window", say("it can still be undone"), _iso(row.not_before))
        at = recipients.slot(row.hours, now).start if closed else row.not_before
        return _outside_hours(looks, row, mailbox, now, at)
    capped = _capped(looks, row, now)
    if capped is not None:
        return capped
    if row.kind is OutboundKind.PITCH and row.site_id in looks.kept:
        site_left, first = looks.kept[row.site_id]
        said = say(
            "its site may send {left} more today, and follow-ups go first: {number} are due",
            left=site_left,
            number=first,
        )
        return Skip("site-cap", said, _iso(_slot_from(row, plan.tomorrow(now))))
    cap, left = looks.today(mailbox)
    ahead = looks.ahead(row)
    at = _estimate(looks, row, mailbox, now, ahead=ahead, left=left)
    if left <= 0:
        sent = say("the mailbox has sent its {cap} of today; {line}", cap=cap, line=_line(ahead))
        if cap < mailbox.daily_cap:
            sent = say(
                "the mailbox has sent its {cap} of today (it is new and grows by its ramp); {line}",
                cap=cap,
                line=_line(ahead),
            )
        return Skip("cap", sent, _iso(at))
    if ahead >= left:
        return Skip(
            "queue", say("the mailbox may send {left} more today, and {line}", left=left, line=_line(ahead)), _iso(at)
        )
    if ahead:
        return Skip("queue", say("mails leave with a pause between them, and {line}", line=_line(ahead)), _iso(at))
    if pause_end(mailbox.next_send_at, mailbox.gap_max_seconds, now) is not None:
        return Skip("spacing", say("mails leave with a pause between them"), _iso(at))
    return Skip("next", say("it leaves with the next turn of the mailbox"), _iso(now))


def _line(ahead: int) -> str:
    if ahead == 0:
        return say("it is the next")
    return say("{number} go before it", number=ahead) if ahead > 1 else say("1 goes before it")


def _capped(looks: Looks, row: Outbound, now: datetime) -> Skip | None:
    if row.kind is OutboundKind.REPLY:
        return None
    of_site = looks.site_day(row)
    if of_site is not None and of_site.cap is not None and of_site.used >= of_site.cap:
        at = _slot_from(row, max(plan.tomorrow(now), row.not_before))
        return Skip("site-cap", say("its site has sent its {cap} of today", cap=of_site.cap), _iso(at))
    newest, days = looks.recipient_day(row), looks.settings.recipient_cap_days
    # A period that is over counts no more.
    if newest is None or newest.used < newest.cap or newest.day < period_start(now.astimezone(UTC).date(), days):
        return None
    who = row.recipient.rpartition("@")[2] if row.recipient else say("the recipient")
    at = _slot_from(row, max(plan.period_end(newest.day, days), row.not_before))
    return Skip("recipient-cap", say("{who} has had its {cap} mails of this period", who=who, cap=newest.cap), _iso(at))


def _outside_hours(looks: Looks, row: Outbound, mailbox: Mailbox, now: datetime, at: datetime) -> Skip:
    assert row.hours is not None  # noqa: S101 - asked by the caller
    zone, country, span = row.hours.split(" ")
    hours = hours_of(row.hours)
    local = max(now, row.wanted_at or now).astimezone(hours.zone)
    name = holiday_name(None if country == "--" else country, local.date())
    reason, what = _closed(hours, local, name, country)
    said = say(
        "{what}; mail leaves at {span} in {zone}, by {source}",
        what=what,
        span=span,
        zone=zone,
        source=looks.place_source(row, mailbox),
    )
    return Skip(reason, said, _iso(at))


def _closed(hours: Hours, local: datetime, holiday: str | None, country: str) -> tuple[str, str]:
    if local.date() not in hours.days:
        if local.weekday() in hours.days.weekend:
            return "weekend", say("it is {weekday} there", weekday=_WEEKDAYS[local.weekday()])
        named = holiday or Day.of(local.date())
        return "holiday", say("it is a holiday in {country}: {holiday}", country=country, holiday=named)
    slot = window_on(local.date(), hours)
    if slot is not None and local < slot.start:
        return "hours", say("it is only {time} there", time=f"{local:%H:%M}")
    return "hours", say("it is {time} there", time=f"{local:%H:%M}")


def _slot_from(row: Outbound, moment: datetime) -> datetime:
    return next_slot(moment, hours_of(row.hours)).start if row.hours is not None else moment


def _estimate(looks: Looks, row: Outbound, mailbox: Mailbox, now: datetime, *, ahead: int, left: int) -> datetime:
    ramp = looks.ramps.get(mailbox.id)
    start, step = (ramp.ramp_start, ramp.ramp_step) if ramp else (None, 0)
    used = looks.days_used[mailbox.id]
    return estimate(
        now,
        ahead=ahead,
        left_today=max(0, left),
        cap_on=lambda day: ramp_cap(mailbox.daily_cap, start, step, used + day - 1),
        mean_gap=(mailbox.gap_min_seconds + mailbox.gap_max_seconds) / 2,
        next_send_at=pause_end(mailbox.next_send_at, mailbox.gap_max_seconds, now),
        zone=ZoneInfo(mailbox.time_zone),
        slot_after=lambda moment: _slot_from(row, moment),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
