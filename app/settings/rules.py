"""The rules of outreach: hours, caps, answers, pauses, checks of domains and links, how long mail is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from app.domain.pacing import ALWAYS, parse_window
from app.settings.values import Duration, dns_server
from app.settings.wires import Wires

_YEAR = timedelta(days=365)
# Days back from now have to be days of the calendar.
_TEN_YEARS = 3650
_MAILS = 10_000


class Rules(Wires):
    """The settings of the rules."""

    send_window: str = Field(
        default="09:00-17:00",
        description="Hours in which pitches and follow-ups leave, in the recipient's time zone and on working days of the "
        "recipient's country. `always`: at any time. A site or a prospect may have its own.",
    )
    reply_hours: str = Field(
        default="09:00-17:00",
        description="Hours in which the clock of a received message runs, in its mailbox's time zone, Monday to Friday. "
        "`always`: at any time.",
    )
    reply_within: Duration = Field(
        default=timedelta(hours=4),
        gt=timedelta(0),
        le=_YEAR,
        description="Time of `reply_hours` within which a reply that is interested or asks something is answered.",
    )
    reply_within_later: Duration = Field(
        default=timedelta(hours=8),
        gt=timedelta(0),
        le=_YEAR,
        description="The same for `wants-payment` and `not-now`; eight hours are one day from nine to five.",
    )
    classify_within: Duration = Field(
        default=timedelta(hours=2),
        gt=timedelta(0),
        le=_YEAR,
        description="The same for a message whose class no rule and nobody has found yet.",
    )
    paid_links: Literal["lose", "answer"] = Field(
        default="lose",
        description="What the class `wants-payment` does: give the prospect up (`lose`), or wait for an answer (`answer`).",
    )
    not_now_days: int = Field(default=30, ge=1, le=730, description="Days after which a `not-now` comes back.")
    agreed_days: int = Field(
        default=7, ge=1, le=365, description="Days after which an agreement without a link comes back to the inbox."
    )
    site_daily_cap: int | None = Field(
        default=None, ge=1, description="Pitches and follow-ups that leave for one site on a day (UTC). Unset: no cap."
    )
    recipient_cap: int = Field(
        default=3,
        ge=1,
        description="Pitches and follow-ups that leave for one recipient domain in a period, over all sites and mailboxes. At "
        "public mail providers each address counts for itself.",
    )
    recipient_cap_days: int = Field(default=1, ge=1, le=31, description="Days of the period of `recipient_cap`.")
    ramp_start: int | None = Field(
        default=10,
        ge=1,
        le=_MAILS,
        description="Mails that a mailbox connected from now on may send on its first day. Unset (`none`): its whole cap.",
    )
    ramp_step: int = Field(
        default=5,
        ge=1,
        le=_MAILS,
        description="Mails more on each day after a day of sending, up to the mailbox's cap.",
    )
    contact_cooldown_days: int = Field(
        default=90,
        ge=0,
        le=_TEN_YEARS,
        description="Days in which a domain is not pitched again after its last conversation.",
    )
    bounce_pause_rate: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="Share of hard bounces at which a mailbox stops until a person resumes it.",
    )
    complaint_pause_rate: float = Field(
        default=0.001, gt=0, le=1, description="Share of complaints at which a mailbox stops until a person resumes it."
    )
    policy_pause_count: int = Field(
        default=3,
        ge=1,
        description="Refusals by policy (5.7.x) at which a mailbox stops; it rests for an hour once two recipients refuse within a day.",
    )
    pause_floor: int = Field(
        default=100, ge=1, description="Messages below which no share of bounces or complaints stops a mailbox."
    )
    pause_window: Duration = Field(
        default=timedelta(days=14), description="Time over which bounces, complaints and refusals are counted."
    )
    dns_resolvers: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="DNS servers that are asked about sending domains and recipients, as address or address:port,... "
        "Empty: those of this machine.",
    )
    dns_timeout: Duration = Field(default=timedelta(seconds=5), description="Time for one question to the DNS.")
    domain_check_interval: Duration = Field(
        default=timedelta(days=1), description="Time between two looks at the DNS records of a sending domain."
    )
    link_check_interval: Duration = Field(
        default=timedelta(days=1),
        gt=timedelta(0),
        le=_YEAR,
        description="Time between two checks of a link that was won.",
    )
    link_lost_after: Duration = Field(
        default=timedelta(hours=24),
        ge=timedelta(0),
        le=_YEAR,
        description="Least time between the two good fetches that prove a link lost.",
    )
    keep_raw_mail_days: int = Field(
        default=365,
        ge=1,
        le=_TEN_YEARS,
        description="Days for which the bytes of received mail are kept after they were handled.",
    )

    @field_validator("site_daily_cap", "ramp_start", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() in ("", "none") else value

    @field_validator("send_window", "reply_hours")
    @classmethod
    def _known_window(cls, value: str) -> str:
        if value != ALWAYS:
            parse_window(value)
        return value

    @field_validator("dns_resolvers", mode="before")
    @classmethod
    def _parse_resolvers(cls, value: object) -> object:
        servers = [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value
        for server in servers if isinstance(servers, list) else []:
            dns_server(server)
        return servers
