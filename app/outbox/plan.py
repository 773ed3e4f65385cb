"""What one turn of a mailbox prepares before it claims: slots that have passed, caps that are reached, and whose turn it is.

A waiting mail carries its slot (`not_before`, `closes_at`), so that a claim is one look into an index. What moves slots
moves them here, many rows at once: rows with the same hours have the same next slot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import Session, col

from app.db.parts import parts
from app.domain.delivery import NOT_LEFT, OutboundState
from app.domain.pacing import capacity, room_for_pitches
from app.installation import steady
from app.mail import resting
from app.models import (
    Conversation,
    Mailbox,
    Outbound,
    OutboundKind,
    Prospect,
    ProspectPlace,
    RunState,
    SequenceRun,
    Site,
    SiteDay,
    SitePacing,
)
from app.outbox import claims, recipients, repository, statements
from app.prospects import working_hours
from app.settings import Settings

_QUIET = {"synchronize_session": False}
# Above any id: the whole queue may leave.
EVERYTHING = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Share:
    """Up to which id follow-ups and pitches are among today's mails. `short`: not all that waits can leave today."""

    follow_ups: int = EVERYTHING
    pitches: int = EVERYTHING

    @property
    def short(self) -> bool:
        """Whether somebody has to wait for another day."""
        return self.follow_ups != EVERYTHING or self.pitches != EVERYTHING


def tidy(session: Session, settings: Settings, mailbox: Mailbox, now: datetime, period: date) -> None:
    """Move the slots that have passed, and put off what a reached cap forbids. `period` is the first day of the present period
    of recipients' caps.

    Before a heartbeat has noted that the clock has leapt, none moves.
    """
    doubt = steady.doubt(session, now)
    if doubt is not None and doubt.until is None:
        return
    if doubt is not None:
        mend(session, settings, mailbox.id, now)
    _move(session, [*_due(mailbox.id, now), col(Outbound.closes_at) <= now], now)
    for site_id, recipient in claims.capped_in_front(session, mailbox.id, now, period):
        if site_id is not None:
            _put_off(session, mailbox.id, col(Outbound.site_id) == site_id, tomorrow(now))
        if recipient is not None:
            until = period_end(period, settings.recipient_cap_days)
            _put_off(session, mailbox.id, col(Outbound.recipient) == recipient, until)


def mend(session: Session, settings: Settings, mailbox_id: int, now: datetime) -> None:
    """For a day after a leap of the clock: what was put off to days ahead is reckoned anew, by the clock that holds now."""
    doubt = steady.doubt(session, now)
    if doubt is None or doubt.until is None:
        return
    astray = select(col(Outbound.id)).where(col(Outbound.mailbox_id) == mailbox_id, *repository.astray(now))
    for some in parts(session.execute(astray).scalars().all()):
        mine = col(Outbound.id).in_(some)
        _set(session, [mine], hold_reason=None, not_before=col(Outbound.wanted_at))
        recompute(session, settings, now, mine)


def _due(mailbox_id: int, until: datetime) -> list[ColumnElement[bool]]:
    # Each kind by its name, because the index of the queue goes kind by kind.
    return [
        col(Outbound.mailbox_id) == mailbox_id,
        col(Outbound.state) == OutboundState.QUEUED,
        col(Outbound.kind).in_((OutboundKind.FOLLOW_UP, OutboundKind.PITCH)),
        col(Outbound.not_before) <= until,
    ]


def tomorrow(now: datetime) -> datetime:
    """The next midnight, UTC: when the counters of sites begin again."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), tzinfo=UTC)


def period_end(period: date, days: int) -> datetime:
    """When the counters of recipients begin again."""
    return datetime.combine(period + timedelta(days=days), time(), tzinfo=UTC)


def day_end(mailbox: Mailbox, now: datetime) -> datetime:
    """The next midnight in the mailbox's zone: when its counter begins again."""
    zone = ZoneInfo(mailbox.time_zone)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def recompute(session: Session, settings: Settings, now: datetime, *where: ColumnElement[bool]) -> int:
    """Give every waiting mail that fits `where` the hours and the slot that hold now; how many there were.

    A row that a worker holds is moved too: its commit looks at the slot again.
    """
    found = session.execute(
        select(Outbound.id, Prospect, Site, Mailbox, ProspectPlace, SitePacing)  # type: ignore[call-overload]
        .join(Prospect, col(Prospect.id) == col(Outbound.prospect_id))
        .join(Site, col(Site.id) == col(Prospect.site_id))
        .join(Mailbox, col(Mailbox.id) == col(Outbound.mailbox_id))
        .outerjoin(ProspectPlace, col(ProspectPlace.prospect_id) == col(Prospect.id))
        .outerjoin(SitePacing, col(SitePacing.site_id) == col(Prospect.site_id))
        .where(
            col(Outbound.state).in_(NOT_LEFT),
            col(Outbound.kind) != OutboundKind.REPLY,
            *where,
        )
    ).all()
    groups: dict[str | None, list[int]] = {}
    for row_id, *facts in found:
        groups.setdefault(working_hours.Known(*facts).hours(settings), []).append(row_id)
    # What was put off by a server's answer or an absence keeps that moment; what only waited for its hours begins anew.
    wanted = func.coalesce(col(Outbound.wanted_at), col(Outbound.not_before))
    for key, ids in groups.items():
        for some in parts(ids):
            mine = col(Outbound.id).in_(some)
            _set(session, [mine], hours=key)
            _set(session, [mine, col(Outbound.hold_reason).is_(None)], not_before=wanted, closes_at=None)
            _set(session, [mine, col(Outbound.hold_reason).is_not(None)], closes_at=None)
            if key is None:
                continue
            later = session.execute(
                select(col(Outbound.id), col(Outbound.not_before)).where(mine, col(Outbound.not_before) > now)
            ).all()
            slot = recipients.slot(key, now)
            _set(session, [mine, col(Outbound.not_before) <= now], not_before=slot.start, closes_at=slot.end)
            for row_id, at in later:
                slot = recipients.slot(key, at)
                _set(session, [col(Outbound.id) == row_id], not_before=slot.start, closes_at=slot.end)
    return len(found)


def _set(session: Session, where: list[ColumnElement[bool]], **values: Any) -> None:
    session.execute(update(Outbound).where(*where).values(**values).execution_options(**_QUIET))


def _put_off(session: Session, mailbox_id: int, whose: ColumnElement[bool], until: datetime) -> None:
    where = [*_due(mailbox_id, until - timedelta(microseconds=1)), whose]
    _move(session, [*where, col(Outbound.hours).is_not(None)], until)
    _set(session, [*where, col(Outbound.hours).is_(None)], not_before=until, hold_reason=None)


def _move(session: Session, where: list[ColumnElement[bool]], moment: datetime) -> None:
    """Give what fits `where` the first slot from `moment` on. Whatever held it before, it waits for this slot now."""
    for key in session.execute(select(col(Outbound.hours)).where(*where).distinct()).scalars().all():
        if key is not None:
            slot = recipients.slot(key, moment)
            mine = [*where, col(Outbound.hours) == key]
            _set(session, mine, not_before=slot.start, closes_at=slot.end, hold_reason=None)


def share(session: Session, mailbox: Mailbox, now: datetime) -> Share:
    """Today's share of what waits."""
    zone_day: date = now.astimezone(ZoneInfo(mailbox.time_zone)).date()
    counter = statements.counter(session, mailbox.id, zone_day)
    left = counter[1] - counter[0] if counter else repository.cap_of(session, mailbox, now)
    end = day_end(mailbox, now)
    today = _can_send(mailbox, left, end - now)
    follow_ups = _oldest(session, mailbox.id, OutboundKind.FOLLOW_UP, today, now, end)
    if follow_ups is not None:
        return Share(follow_ups, 0)
    waiting = claims.waiting_today(session, mailbox.id, OutboundKind.FOLLOW_UP, now, end, today)
    room = room_for_pitches(today, waiting + _runs_due(session, mailbox.id, end, today))
    pitches = _oldest(session, mailbox.id, OutboundKind.PITCH, room, now, end)
    return Share() if pitches is None else Share(EVERYTHING, pitches)


def site_caps(session: Session, settings: Settings) -> dict[int, int]:
    """The sites that have a cap of mails a day, by id."""
    own = {one.site_id: one.daily_cap for one in session.execute(select(SitePacing)).scalars() if one.daily_cap}
    if settings.site_daily_cap is None:
        return own
    every = session.execute(select(col(Site.id))).scalars()
    return {site_id: own.get(site_id, settings.site_daily_cap) for site_id in every}


def kept_for_follow_ups(session: Session, caps: Mapping[int, int], now: datetime) -> dict[int, tuple[int, int]]:
    """Of the sites with these `caps` those that may send no pitch now, because their follow-ups need what is left of today.

    By id: (what the cap leaves, how many follow-ups are due).
    """
    return kept_of(session, caps, needed_by_follow_ups(session, caps, now), now)


def kept_of(
    session: Session, caps: Mapping[int, int], needed: Mapping[int, int], now: datetime
) -> dict[int, tuple[int, int]]:
    """The same where what the follow-ups need is known already (`needed_by_follow_ups`): one statement, or none."""
    wanted = {site: count for site, count in needed.items() if count > 0}
    if not wanted:
        return {}
    left = {site: caps[site] for site in wanted}
    today = now.astimezone(UTC).date()
    spent = select(SiteDay).where(col(SiteDay.day) == today, col(SiteDay.site_id).in_(list(wanted)))
    for day in session.execute(spent).scalars():
        left[day.site_id] = day.cap - day.used if day.cap is not None else EVERYTHING
    return {site: (left[site], count) for site, count in wanted.items() if 0 < left[site] <= count}


def needed_by_follow_ups(session: Session, caps: Mapping[int, int], now: datetime) -> dict[int, int]:
    """How many follow-ups of these sites can leave until their day, which is one in UTC, is over; sites without any are left out.

    All mailboxes count that can send, each for no more than it can send until then itself.
    """
    if not caps:
        return {}
    end = tomorrow(now)
    due = {(site, box): n for site, box, n in claims.follow_ups_of_sites(session, caps, now, end)}
    unwritten = (
        select(col(Conversation.site_id), col(Conversation.mailbox_id), func.count())
        .join(SequenceRun, col(Conversation.id) == col(SequenceRun.conversation_id))
        .where(*_falls_due(end), col(Conversation.site_id).in_(list(caps)))
        .group_by(col(Conversation.site_id), col(Conversation.mailbox_id))
    )
    for site, box, n in session.execute(unwritten):
        due[site, box] = due.get((site, box), 0) + int(n)
    room = _room(session, {box for _, box in due}, now, end)
    wanted: dict[int, int] = {}
    for (site, box), n in due.items():
        wanted[site] = wanted.get(site, 0) + min(n, room.get(box, 0))
    return wanted


def _room(session: Session, mailbox_ids: Collection[int], now: datetime, end: datetime) -> dict[int, int]:
    """How many mails each of these mailboxes can still send until `end`; those that rest, or could not be read last, send no follow-up."""
    able = select(Mailbox).where(
        col(Mailbox.id).in_(list(mailbox_ids)),
        col(Mailbox.poll_failures) == 0,
        resting.may_send(now, resting.furthest(now)),
    )
    mailboxes = list(session.execute(able).scalars())
    caps = repository.caps_of(session, mailboxes, now)
    found = {}
    for box in mailboxes:
        day = statements.counter(session, box.id, now.astimezone(ZoneInfo(box.time_zone)).date())
        found[box.id] = _can_send(box, caps[box.id] if day is None else day[1] - day[0], end - now)
    return found


def _can_send(mailbox: Mailbox, left: int, time_left: timedelta) -> int:
    return capacity(left, time_left.total_seconds(), (mailbox.gap_min_seconds + mailbox.gap_max_seconds) / 2)


def _oldest(
    session: Session, mailbox_id: int, kind: OutboundKind, room: int, now: datetime, end: datetime
) -> int | None:
    """The id of the youngest of the `room` oldest mails that may leave before `end`; None when there is room for all."""
    if claims.waiting_today(session, mailbox_id, kind, now, end, room + 1) <= room:
        return None
    return claims.nth_oldest(session, mailbox_id, kind, now, end, room) if room else 0


def _runs_due(session: Session, mailbox_id: int, end: datetime, most: int) -> int:
    """Follow-ups that fall due today (or since yesterday) and are not written yet."""
    statement = (
        select(col(SequenceRun.id))
        .join(Conversation, col(Conversation.id) == col(SequenceRun.conversation_id))
        .where(*_falls_due(end), col(Conversation.mailbox_id) == mailbox_id)
        .limit(most)
    )
    return len(session.execute(statement).all())


def _falls_due(end: datetime) -> tuple[ColumnElement[bool], ...]:
    due = col(SequenceRun.due_at)
    return (col(SequenceRun.state) == RunState.ACTIVE, due < end, due > end - timedelta(days=2))
