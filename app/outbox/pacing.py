"""What staff set about pacing: the hours of a prospect, the caps of a site, the cap, ramp and sites of a mailbox.

What waits follows at once: its slots are computed again in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.pacing import ALWAYS, parse_window
from app.domain.places import ZONE_OF
from app.domain.said import say
from app.errors import BadInput, Difference, FieldProblem, NotFound, Stale
from app.jobs import Job
from app.mail.accounts import MOST_A_DAY
from app.models import (
    Mailbox,
    MailboxDay,
    MailboxPacing,
    MailboxSite,
    Outbound,
    ProspectPlace,
    Site,
    SiteDay,
    SitePacing,
)
from app.outbox import plan, repository
from app.prospects import service as prospects
from app.prospects import working_hours
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class RecipientHours:
    """When mail to a prospect leaves: `window` by the wall clock of `zone`, on the working days of `country` (null: Mon-Fri)."""

    country: str | None
    zone: str
    zone_source: str
    window: str
    window_source: str


@dataclass(frozen=True, slots=True)
class Ramp:
    """How a mailbox is paced. `cap_today` is what its ramp allows today, `days_used` how many days it has sent on."""

    daily_cap: int
    gap_min_seconds: int
    gap_max_seconds: int
    ramp_start: int | None
    ramp_step: int
    language: str | None
    site_ids: tuple[int, ...]
    days_used: int
    cap_today: int
    used_today: int


def hours_of_prospect(uow: UnitOfWork, settings: Settings, prospect_id: int) -> RecipientHours:
    """The hours of a prospect with their sources."""
    known = working_hours.known(uow.session, prospects.get(uow, prospect_id), None)
    place, (window, source) = known.place(), known.window(settings)
    return RecipientHours(place.country, place.zone, place.source, window, source)


def set_hours_of_prospect(
    uow: UnitOfWork,
    settings: Settings,
    prospect_id: int,
    *,
    country: str | None,
    zone: str | None,
    window: str | None,
    actor: str,
) -> RecipientHours:
    """Say where a prospect works; None leaves it to the rules. Raises BadInput with the field."""
    prospects.get(uow, prospect_id)
    problems = _window_problems(window)
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        problems.append(
            FieldProblem("country", say("'{country}' is no code of ISO 3166-1, such as DE", country=country))
        )
    elif country is not None and country not in ZONE_OF and zone is None:
        problems.append(
            FieldProblem("country", say("the zone of {country} is not known here; set the zone, too", country=country))
        )
    if zone is not None and zone not in available_timezones():
        problems.append(
            FieldProblem("zone", say("'{zone}' is no zone of the IANA list, such as Europe/Berlin", zone=zone))
        )
    if problems:
        raise BadInput(say("The hours cannot be set."), *problems)
    row = uow.session.get(ProspectPlace, prospect_id) or ProspectPlace(
        prospect_id=prospect_id, set_by=actor, set_at=uow.now()
    )
    row.country, row.zone, row.send_window, row.set_by, row.set_at = country, zone, window, actor, uow.now()
    uow.session.add(row)
    uow.session.flush()
    _follow(uow, settings, col(Outbound.prospect_id) == prospect_id)
    prospects.note(uow, prospect_id, "hours_set", actor=actor, country=country, zone=zone, window=window)
    return hours_of_prospect(uow, settings, prospect_id)


def of_site(uow: UnitOfWork, site_id: int) -> SitePacing:
    """What is set for a site; nulls are the installation's settings."""
    if uow.session.get(Site, site_id) is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    return uow.session.get(SitePacing, site_id) or SitePacing(site_id=site_id)


def set_site(
    uow: UnitOfWork,
    settings: Settings,
    site_id: int,
    *,
    window: str | None,
    daily_cap: int | None,
    cooldown_days: int | None,
    read: Mapping[str, Any] | None = None,
) -> SitePacing:
    """Pace a site otherwise than the installation. A lower cap counts from today on, and takes nothing back.

    `read` is what the caller has read (send_window, daily_cap, cooldown_days): raises Stale when it is something else by now.
    """
    row = of_site(uow, site_id)
    problems = _window_problems(window, "send_window")
    if daily_cap is not None and daily_cap < 1:
        problems.append(FieldProblem("daily_cap", say("must be at least 1; leave it out for no cap of its own")))
    if cooldown_days is not None and cooldown_days < 0:
        problems.append(FieldProblem("cooldown_days", say("must not be negative")))
    if problems:
        raise BadInput(say("The site cannot be paced like this."), *problems)
    before = {"send_window": row.send_window, "daily_cap": row.daily_cap, "cooldown_days": row.cooldown_days}
    after = {"send_window": window, "daily_cap": daily_cap, "cooldown_days": cooldown_days}
    if read is not None and dict(read) != before:
        differs = [Difference(name, before[name], after[name]) for name in before if before[name] != after[name]]
        raise Stale(say("somebody else changed the sending rules meanwhile; yours are not saved yet"), 0, *differs)
    row.send_window, row.daily_cap, row.cooldown_days = window, daily_cap, cooldown_days
    audit.record(
        uow, "site.paced", "site", site_id, name=uow.session.get_one(Site, site_id).name, before=before, after=after
    )
    uow.session.add(row)
    uow.session.flush()
    day = uow.session.get(
        SiteDay, (site_id, uow.now().astimezone(UTC).date()), with_for_update=True, populate_existing=True
    )
    if day is not None:
        cap = daily_cap or settings.site_daily_cap
        day.cap = None if cap is None else max(cap, day.used)
        uow.session.flush()
    _follow(uow, settings, col(Outbound.site_id) == site_id)
    return row


def of_mailbox(uow: UnitOfWork, mailbox_id: int) -> Ramp:
    """How a mailbox is paced, and where it stands today."""
    mailbox = _mailbox(uow, mailbox_id)
    session = uow.session
    row = session.get(MailboxPacing, mailbox_id)
    day = session.get(MailboxDay, (mailbox_id, uow.now().astimezone(ZoneInfo(mailbox.time_zone)).date()))
    sites = select(col(MailboxSite.site_id)).where(col(MailboxSite.mailbox_id) == mailbox_id)
    return Ramp(
        mailbox.daily_cap,
        mailbox.gap_min_seconds,
        mailbox.gap_max_seconds,
        row.ramp_start if row else None,
        row.ramp_step if row else 5,
        row.language if row else None,
        tuple(session.execute(sites.order_by(col(MailboxSite.site_id))).scalars()),
        repository.days_used(session, [mailbox_id])[mailbox_id],
        day.cap if day else repository.cap_of(session, mailbox, uow.now()),
        day.used if day else 0,
    )


def set_mailbox(
    uow: UnitOfWork,
    mailbox_id: int,
    *,
    daily_cap: int,
    gap_min_seconds: int,
    gap_max_seconds: int,
    ramp_start: int | None,
    ramp_step: int,
    language: str | None,
    site_ids: Sequence[int],
) -> Ramp:
    """Set cap, pauses, ramp, language and sites of a mailbox. Today's counter follows, and never below what was sent."""
    mailbox = _mailbox(uow, mailbox_id)
    problems = []
    if not 1 <= daily_cap <= MOST_A_DAY:
        problems.append(
            FieldProblem("daily_cap", say("Mails a day must be a number from 1 to {most_a_day}", most_a_day=MOST_A_DAY))
        )
    if not 0 <= gap_min_seconds <= gap_max_seconds:
        problems.append(
            FieldProblem(
                "gap_max_seconds", say("The longest pause must not be shorter than the shortest, and neither below 0")
            )
        )
    if ramp_step < 1 or (ramp_start is not None and ramp_start < 1):
        problems.append(
            FieldProblem("ramp_start", say("start and step of the ramp must be at least 1; null is no ramp"))
        )
    if language is not None and not (2 <= len(language) <= 3 and language.isascii() and language.islower()):
        problems.append(
            FieldProblem(
                "language", say("'{language}' is no code of ISO 639-1, such as de; null is any", language=language)
            )
        )
    problems += [
        FieldProblem("site_ids", say("there is no site {site_id}", site_id=site_id))
        for site_id in site_ids
        if uow.session.get(Site, site_id) is None
    ]
    if problems:
        raise BadInput(say("The mailbox cannot be paced like this."), *problems)
    before = _paced(of_mailbox(uow, mailbox_id))
    mailbox.daily_cap, mailbox.gap_min_seconds, mailbox.gap_max_seconds = daily_cap, gap_min_seconds, gap_max_seconds
    row = uow.session.get(MailboxPacing, mailbox_id) or MailboxPacing(mailbox_id=mailbox_id)
    row.ramp_start, row.ramp_step, row.language = ramp_start, ramp_step, language
    uow.session.add(row)
    uow.session.execute(delete(MailboxSite).where(col(MailboxSite.mailbox_id) == mailbox_id))
    uow.session.add_all(MailboxSite(mailbox_id=mailbox_id, site_id=site_id) for site_id in dict.fromkeys(site_ids))
    uow.session.flush()
    today = uow.now().astimezone(ZoneInfo(mailbox.time_zone)).date()
    day = uow.session.get(MailboxDay, (mailbox_id, today), with_for_update=True, populate_existing=True)
    if day is not None:
        day.cap = max(day.used, repository.cap_of(uow.session, mailbox, uow.now(), before=today))
        uow.session.flush()
    uow.ring(Job.OUTBOX_DELIVER, mailbox_id)
    now = of_mailbox(uow, mailbox_id)
    audit.record(uow, "mailbox.paced", "mailbox", mailbox_id, name=mailbox.email, before=before, after=_paced(now))
    return now


def _paced(ramp: Ramp) -> dict[str, object]:
    moves = ("days_used", "cap_today", "used_today")
    return {name: value for name, value in asdict(ramp).items() if name not in moves}


def _mailbox(uow: UnitOfWork, mailbox_id: int) -> Mailbox:
    found = uow.session.get(Mailbox, mailbox_id)
    if found is None:
        raise NotFound(
            say(
                "there is no mailbox {mailbox_id}; `gapbridge mailbox list` shows those that there are",
                mailbox_id=mailbox_id,
            )
        )
    return found


def _window_problems(window: str | None, field: str = "window") -> list[FieldProblem]:
    if window is None or window == ALWAYS:
        return []
    try:
        parse_window(window)
    except ValueError as error:
        return [FieldProblem(field, say("{error}, or `{always}`", error=error, always=ALWAYS))]
    return []


def _follow(uow: UnitOfWork, settings: Settings, whose: ColumnElement[bool]) -> None:
    plan.recompute(uow.session, settings, uow.now(), whose)
    boxes = select(col(Outbound.mailbox_id)).where(whose, col(Outbound.not_before) <= uow.now()).distinct()
    for mailbox_id in uow.session.execute(boxes).scalars():
        uow.ring(Job.OUTBOX_DELIVER, mailbox_id)
