"""Settings: the way to everything that is set, and the installation's own rules as they hold now."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from app.mail import accounts
from app.settings import Settings
from app.web.door import Pages, Visit
from app.web.i18n import _, mark, ngettext

pages = Pages()

# The rules by group: (what it is, the name of the setting). They are set outside, where a second process reads the same.
GROUPS = (
    (
        mark("Workspace"),
        (
            (mark("Address under which people reach this installation"), "public_url"),
            (mark("Folder of the data"), "data_dir"),
            (mark("Where jobs are rung"), "broker_url"),
            (mark("Roles that need a second factor"), "second_factor_roles"),
        ),
    ),
    (
        mark("Sending rules"),
        (
            (mark("Hours in which mail leaves, at the recipient's"), "send_window"),
            (mark("Undo window"), "undo_window"),
            (mark("Most mails a day for one site"), "site_daily_cap"),
            (mark("Most mails for one recipient domain in a period"), "recipient_cap"),
            (mark("Days of that period"), "recipient_cap_days"),
            (mark("First day of a new mailbox"), "ramp_start"),
            (mark("More on each day after"), "ramp_step"),
            (mark("Days before a domain is pitched again"), "contact_cooldown_days"),
            (mark("Share of bounces that stops a mailbox"), "bounce_pause_rate"),
            (mark("Share of complaints that stops a mailbox"), "complaint_pause_rate"),
        ),
    ),
    (
        mark("Answers"),
        (
            (mark("Hours in which the clock of a reply runs"), "reply_hours"),
            (mark("Interested replies and questions within"), "reply_within"),
            (mark("Wishes for payment and not-now within"), "reply_within_later"),
            (mark("Unclassified messages within"), "classify_within"),
            (mark("Who wants payment is"), "paid_links"),
            (mark("Days until a not-now comes back"), "not_now_days"),
            (mark("Days until an agreement without a link comes back"), "agreed_days"),
        ),
    ),
    (
        mark("Links"),
        (
            (mark("Time between two checks of a link"), "link_check_interval"),
            (mark("Least time between the two checks that prove a loss"), "link_lost_after"),
        ),
    ),
    (
        mark("Retention"),
        ((mark("Days for which the bytes of handled mail are kept"), "keep_raw_mail_days"),),
    ),
)


def span(time: timedelta) -> str:
    """A length of time as people say it."""
    seconds = int(time.total_seconds())
    if seconds and seconds % 86_400 == 0:
        return ngettext("one day", "{number} days", seconds // 86_400)
    if seconds and seconds % 3600 == 0:
        return ngettext("one hour", "{number} hours", seconds // 3600)
    if seconds and seconds % 60 == 0:
        return ngettext("one minute", "{number} minutes", seconds // 60)
    return ngettext("one second", "{number} seconds", seconds)


def _said(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if isinstance(value, timedelta):
        return span(value)
    if name == "broker_url":
        return str(value).partition(":")[0]  # The rest may hold a password.
    if name.endswith("_rate"):
        return f"{value * 100:g} %"
    if isinstance(value, list):
        return ", ".join(value) or "–"
    if value is None:
        return _("no limit")
    return str(value)


@pages.get("/settings", needs="sites:read")
def settings(visit: Visit) -> Response:
    """The parts, each with its page, and the rules that hold."""
    held = visit.container.settings
    shown = visit.who.may("outbox:read")
    return visit.page(
        "settings.html",
        groups=[
            (words, [(what, _said(held, name), f"GAPBRIDGE_{name.upper()}") for what, name in rows])
            for words, rows in GROUPS
        ]
        if shown
        else [],
        oauth=accounts.by_oauth(visit.uow.session),
        mailboxes=accounts.every(visit.uow.session) if visit.who.may("mailboxes:read") else [],
    )
