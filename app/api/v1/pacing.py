"""Pacing: the hours of a prospect, the caps of a site, the cap, ramp and sites of a mailbox."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Id, Line, Model, Out
from app.mail.accounts import MOST_A_DAY
from app.outbox import pacing

door = Door("pacing")

Window = Annotated[
    Line | None,
    Field(max_length=16, description="09:00-17:00, or always; null: as set for the site or the installation."),
]


class HoursIn(Model):
    """Where a prospect works, where you know better than the rules. Null is left to them."""

    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    zone: Annotated[Line | None, Field(max_length=64)] = None
    window: Window = None


class HoursOut(Out):
    """When mail to a prospect leaves, and how that is known."""

    country: str | None
    zone: str
    zone_source: str
    window: str
    window_source: str


class SitePacingIn(Model):
    """Null: as the installation's settings have it."""

    send_window: Window = None
    daily_cap: Annotated[int | None, Field(ge=1, le=100_000)] = None
    cooldown_days: Annotated[int | None, Field(ge=0, le=3650)] = None


class SitePacingOut(Out):
    """What is set for a site."""

    site_id: int
    send_window: str | None
    daily_cap: int | None
    cooldown_days: int | None


class MailboxPacingIn(Model):
    """`ramp_start` null: no ramp. `site_ids` empty: the mailbox sends for every site."""

    daily_cap: Annotated[int, Field(ge=1, le=MOST_A_DAY)]
    gap_min_seconds: Annotated[int, Field(ge=0, le=86_400)]
    gap_max_seconds: Annotated[int, Field(ge=0, le=86_400)]
    ramp_start: Annotated[int | None, Field(ge=1, le=MOST_A_DAY)] = None
    ramp_step: Annotated[int, Field(ge=1, le=MOST_A_DAY)] = 5
    language: Annotated[str | None, Field(pattern=r"^[a-z]{2,3}$")] = None
    site_ids: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)


class MailboxPacingOut(Out):
    """How a mailbox is paced, and where it stands today."""

    daily_cap: int
    gap_min_seconds: int
    gap_max_seconds: int
    ramp_start: int | None
    ramp_step: int
    language: str | None
    site_ids: list[int]
    days_used: int
    cap_today: int
    used_today: int


@door.route("GET", "/prospects/{prospect_id}/hours", needs="prospects:read", answers=HoursOut)
def get_hours(call: Call, prospect_id: Id) -> Any:
    """When mail to a prospect leaves, with the source of the zone and of the window."""
    return pacing.hours_of_prospect(call.uow, call.container.settings, prospect_id)


@door.route("PUT", "/prospects/{prospect_id}/hours", needs="prospects:write", answers=HoursOut)
def set_hours(call: Call, prospect_id: Id, body: HoursIn) -> Any:
    """Say where a prospect works. Mail that waits moves to its new slot."""
    settings = call.container.settings
    return pacing.set_hours_of_prospect(call.uow, settings, prospect_id, **body.model_dump(), actor=call.actor)


@door.route("GET", "/sites/{site_id}/pacing", needs="sites:read", answers=SitePacingOut)
def get_site_pacing(call: Call, site_id: Id) -> Any:
    """How mail for a site is paced."""
    return pacing.of_site(call.uow, site_id)


@door.route("PUT", "/sites/{site_id}/pacing", needs="sites:write", answers=SitePacingOut)
def set_site_pacing(call: Call, site_id: Id, body: SitePacingIn) -> Any:
    """Pace a site otherwise than the installation. Mail that waits moves to its new slot."""
    return pacing.set_site(
        call.uow,
        call.container.settings,
        site_id,
        window=body.send_window,
        daily_cap=body.daily_cap,
        cooldown_days=body.cooldown_days,
    )


@door.route("GET", "/mailboxes/{mailbox_id}/pacing", needs="mailboxes:read", answers=MailboxPacingOut)
def get_mailbox_pacing(call: Call, mailbox_id: Id) -> Any:
    """The cap, ramp and sites of a mailbox, and what its ramp allows today."""
    return pacing.of_mailbox(call.uow, mailbox_id)


@door.route("PUT", "/mailboxes/{mailbox_id}/pacing", needs="mailboxes:write", answers=MailboxPacingOut)
def set_mailbox_pacing(call: Call, mailbox_id: Id, body: MailboxPacingIn) -> Any:
    """Pace a mailbox. Today's counter follows, and never falls below what has left."""
    return pacing.set_mailbox(call.uow, mailbox_id, **body.model_dump())
