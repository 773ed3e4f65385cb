"""Why a mail has not left: one sentence, and the time at which it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from app.calendars import holiday_name, hours_of
from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.delivery import OutboundState
from app.domain.pacing import Hours, estimate, next_slot, ramp_cap, window_on
from app.domain.said import say
from app.errors import Skip
from app.installation import hold
from app.models import Mailbox, MailboxPacing, Outbound, OutboundKind, Prospect, RecipientDay, SiteDay
from app.outbox import claims, plan, recipients, repository, statements
from app.prospects import address_check
from app.prospects import repository as prospects_repository


def why_waiting(uow: UnitOfWork, row: Outbound) -> Skip | None:
    """Why a message has not left, in one sentence, and until when; None when it is not waiting.

    The time is that of the next slot for what waits for its hours or a cap, and an estimate for what waits for others.
    """
    if row.state is OutboundState.AMBIGUOUS:
        return Skip(
            "ambiguous", row.hold_reason or say("the server's answer was lost: it may have arrived; decide what it was")
        )
    if row.state in (OutboundState.CLAIMED, OutboundState.COMMITTED):
        return Skip("sending", say("it is being sent now"))
    if row.state is not OutboundState.QUEUED:
        return None
    held = hold.refusal(uow.session)
    if held is not None:
        return held
    mailbox, now = uow.session.get(Mailbox, row.mailbox_id), uow.now()
    if mailbox is None or not mailbox.active:
        return Skip("mailbox-off", say("its mailbox is switched off; `gapbridge mailbox resume` switches it on"))
    if mailbox.paused_reason and (mailbox.paused_until is None or mailbox.paused_until > now):
        return Skip(
            "mailbox-paused",
            say("its mailbox rests: {paused_reason}", paused_reason=mailbox.paused_reason),
            _iso(mailbox.paused_until),
        )
    if prospects_repository.blocking_after(uow.session, row.prospect_id, row.event_floor):
        return Skip("possible-reply", say("they may have answered: look at the inbox and say whether it is a reply"))
    against = _against(uow, row, mailbox)
    if against is not None:
        return against
    if row.hold_reason:
        return Skip("deferred", row.hold_reason, _iso(row.not_before))
    return _paced(uow, row, mailbox, now)


def _against(uow: UnitOfWork, row: Outbound, mailbox: Mailbox) -> Skip | None:
    """What keeps a message back that could otherwise leave: our own domain, or the address that it goes to."""
    held = deliverability.hold_of(uow.session, mailbox.email) if row.kind is OutboundKind.PITCH else None
    if held is not None or row.kind is OutboundKind.REPLY:
        return held
    return address_check.refusal(uow.session, uow.now(), row.to_address)


def _paced(uow: UnitOfWork, row: Outbound, mailbox: Mailbox, now: datetime) -> Skip:
    closed = row.closes_at is not None and row.closes_at <= now
    if row.not_before > now or closed:
        capped = _capped(uow, row, now)
        if capped is not None:
            return capped
        if row.wanted_at is None or row.wanted_at >= row.not_before or row.hours is None:
            return Skip("undo-window", say("it can still be undone"), _iso(row.not_before))
        at = recipients.slot(row.hours, now).start if closed else row.not_before
        return _outside_hours(uow, row, mailbox, now, at)
    capped = _capped(uow, row, now)
    if capped is not None:
        return capped
    day = now.astimezone(ZoneInfo(mailbox.time_zone)).date()
    counter = statements.counter(uow.session, mailbox.id, day)
    cap = counter[1] if counter else repository.cap_of(uow.session, mailbox, now)
    left = cap - counter[0] if counter else cap
    ahead = _ahead(uow, row)
    at = _estimate(uow, row, mailbox, now, ahead=ahead, left=left)
    if left <= 0:
        ramp = " (it is new and grows by its ramp)" if cap < mailbox.daily_cap else ""
        return Skip(
            "cap",
            say("the mailbox has sent its {cap} of today{ramp}; {line}", cap=cap, ramp=ramp, line=_line(ahead)),
            _iso(at),
        )
    if ahead >= left:
        return Skip(
            "queue", say("the mailbox may send {left} more today, and {line}", left=left, line=_line(ahead)), _iso(at)
        )
    if ahead:
        return Skip("queue", say("mails leave with a pause between them, and {line}", line=_line(ahead)), _iso(at))
    if mailbox.next_send_at is not None and mailbox.next_send_at > now:
        return Skip("spacing", say("mails leave with a pause between them"), _iso(at))
    return Skip("next", say("it leaves with the next turn of the mailbox"), _iso(now))


def _line(ahead: int) -> str:
    return "it is the next" if not ahead else f"{ahead} {'goes' if ahead == 1 else 'go'} before it"


def _ahead(uow: UnitOfWork, row: Outbound) -> int:
    if row.kind is OutboundKind.REPLY:
        return 0
    end = row.closes_at or uow.now()
    ahead = claims.older_than(uow.session, row)
    if row.kind is OutboundKind.PITCH:
        ahead += claims.waiting_today(uow.session, row.mailbox_id, OutboundKind.FOLLOW_UP, uow.now(), end, 10_000)
    return ahead


def _capped(uow: UnitOfWork, row: Outbound, now: datetime) -> Skip | None:
    if row.kind is OutboundKind.REPLY:
        return None
    session, today = uow.session, now.astimezone(UTC).date()
    of_site = session.get(SiteDay, (row.site_id, today))
    if of_site is not None and of_site.cap is not None and of_site.used >= of_site.cap:
        at = _slot_from(row, max(plan.tomorrow(now), row.not_before))
        return Skip("site-cap", say("its site has sent its {cap} of today", cap=of_site.cap), _iso(at))
    newest = session.execute(
        select(RecipientDay)
        .where(col(RecipientDay.recipient) == row.recipient, col(RecipientDay.day) <= today)
        .order_by(col(RecipientDay.day).desc())
        .limit(1)
    ).scalar_one_or_none()
    # A period that is over counts no more; one that runs has put the mail off, or will with the mailbox's next turn.
    if newest is None or newest.used < newest.cap or (newest.day < today and row.not_before <= now):
        return None
    who = row.recipient.rpartition("@")[2] if row.recipient else "the recipient"
    at = _slot_from(row, max(plan.period_end(newest.day, 1), row.not_before))
    return Skip("recipient-cap", say("{who} has had its {cap} mails of this period", who=who, cap=newest.cap), _iso(at))


def _outside_hours(uow: UnitOfWork, row: Outbound, mailbox: Mailbox, now: datetime, at: datetime) -> Skip:
    assert row.hours is not None  # noqa: S101 - asked by the caller
    zone, country, span = row.hours.split(" ")
    hours = hours_of(row.hours)
    local = max(now, row.wanted_at or now).astimezone(hours.zone)
    prospect = uow.session.get_one(Prospect, row.prospect_id)
    source = recipients.known(uow.session, prospect, mailbox).place().source
    where = f"{span} in {zone}, by {source}"
    name = holiday_name(None if country == "--" else country, local.date())
    reason, what = _closed(hours, local, name, country)
    return Skip(reason, say("{what}; mail leaves at {where}", what=what, where=where), _iso(at))


def _closed(hours: Hours, local: datetime, holiday: str | None, country: str) -> tuple[str, str]:
    if local.date() not in hours.days:
        if local.weekday() in hours.days.weekend:
            return "weekend", f"it is {local:%A} there"
        return "holiday", f"it is a holiday in {country}: {holiday or local.date().isoformat()}"
    slot = window_on(local.date(), hours)
    early = slot is not None and local < slot.start
    return "hours", f"it is {'only ' if early else ''}{local:%H:%M} there"


def _slot_from(row: Outbound, moment: datetime) -> datetime:
    return next_slot(moment, hours_of(row.hours)).start if row.hours is not None else moment


def _estimate(uow: UnitOfWork, row: Outbound, mailbox: Mailbox, now: datetime, *, ahead: int, left: int) -> datetime:
    ramp = uow.session.get(MailboxPacing, mailbox.id)
    start, step = (ramp.ramp_start, ramp.ramp_step) if ramp else (None, 0)
    used = repository.days_used(uow.session, mailbox.id)
    return estimate(
        now,
        ahead=ahead,
        left_today=max(0, left),
        cap_on=lambda day: ramp_cap(mailbox.daily_cap, start, step, used + day - 1),
        mean_gap=(mailbox.gap_min_seconds + mailbox.gap_max_seconds) / 2,
        next_send_at=mailbox.next_send_at,
        zone=ZoneInfo(mailbox.time_zone),
        slot_after=lambda moment: _slot_from(row, moment),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
