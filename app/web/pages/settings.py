"""Settings: the way to everything that is set, and the installation's own rules as they hold now."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem, Stale
from app.installation.rules import SAVABLE, said, save
from app.mail import accounts, resting
from app.models import Mailbox
from app.settings import Settings
from app.web.door import Pages, Visit
from app.web.i18n import _, amount, mark, ngettext
from app.web.words import RULE_WORDS

pages = Pages()

# The rules by group, by the names of their settings; what each is stands in RULE_WORDS.
GROUPS = (
    (
        mark("Workspace"),
        ("public_url", "data_dir", "broker_url", "second_factor_roles"),
    ),
    (
        mark("Sending rules"),
        (
            "send_window",
            "undo_window",
            "site_daily_cap",
            "recipient_cap",
            "recipient_cap_days",
            "ramp_start",
            "ramp_step",
            "contact_cooldown_days",
            "bounce_pause_rate",
            "complaint_pause_rate",
        ),
    ),
    (
        mark("Answers"),
        (
            "reply_hours",
            "reply_within",
            "reply_within_later",
            "classify_within",
            "paid_links",
            "not_now_days",
            "agreed_days",
        ),
    ),
    (
        mark("Links"),
        ("link_check_interval", "link_lost_after"),
    ),
    (
        mark("Retention"),
        ("keep_raw_mail_days",),
    ),
)


# What the slots and the counted days of waiting mail were made with.
_PLANS = ("send_window", "site_daily_cap", "recipient_cap", "recipient_cap_days")
UNITS = {timedelta(hours=1): mark("hours"), timedelta(seconds=1): mark("seconds"), "%": mark("percent")}


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
        return f"{amount(value * 100)} %"
    if isinstance(value, list):
        return ", ".join(value) or "–"
    if value is None:
        return _("no limit")
    return str(value)


def _rule(visit: Visit, name: str) -> dict[str, object]:
    """A rule for the page: its variable, what holds, and the text of its field, or why it has none."""
    kept = visit.container.rules
    field = name in SAVABLE and visit.who.may("system:write") and name not in kept.outside
    why = None
    if name in kept.outside:
        why = _("set outside, which goes before")
    elif name not in SAVABLE:
        why = (
            _("set outside only: the mail that waits is planned by it")
            if name in _PLANS
            else _("set outside only: by whoever runs the server")
        )
    value = getattr(visit.container.settings, name)
    now = said(name, value) if name in SAVABLE else ""
    was = visit.form.get(f"was-{name}", now)
    filled = visit.form.get(name, now)
    if visit.error is None or isinstance(visit.error, Stale):
        # They are shown what differs, so what holds now is what they have read; what they left alone follows it.
        filled, was = now if filled == was else filled, now
    return {
        "name": name,
        "variable": f"GAPBRIDGE_{name.upper()}",
        "says": _said(visit.container.settings, name),
        "field": field,
        "value": filled,
        "was": was,
        "unit": _(UNITS[SAVABLE[name]]) if field and SAVABLE[name] in UNITS else "",
        "why": why,
    }


def _troubled(visit: Visit) -> list[tuple[Mailbox, str]]:
    now = visit.uow.now()
    found = [(one, resting.why(one, now) or one.poll_error) for one in accounts.every(visit.uow.session)]
    return [(one, why) for one, why in found if why]


def _show(visit: Visit) -> Response:
    groups = GROUPS if visit.who.may("outbox:read") else ()
    if groups:
        visit.container.rules.refresh(visit.container.db)
    return visit.page(
        "settings.html",
        groups=[(words, [(RULE_WORDS[name], _rule(visit, name)) for name in rows]) for words, rows in groups],
        choices={"paid_links": [("lose", _("given up")), ("answer", _("answered"))]},
        oauth=accounts.by_oauth(visit.uow.session),
        troubled=_troubled(visit) if visit.who.may("mailboxes:read") else [],
        notice=_("The rules are saved. Every process follows within half a minute.")
        if visit.request.query_params.get("did")
        else None,
    )


@pages.get("/settings", needs="sites:read")
def settings(visit: Visit) -> Response:
    """The parts, each with its page, and the rules that hold."""
    return _show(visit)


@pages.post("/settings", needs="system:write", again=_show)
def save_rules(visit: Visit) -> Response:
    """Keep the rules of the form; who saves second is shown what the first has saved."""
    given = {name: visit.text(name) for name in SAVABLE if name in visit.form}
    try:
        save(visit.uow, visit.container.rules, given, {name: visit.text(f"was-{name}") for name in given})
    except BadInput as refused:
        named = [
            FieldProblem(one.field, say("{field}: {problem}", field=say(RULE_WORDS[one.field]), problem=one.problem))
            for one in refused.problems
        ]
        raise BadInput(refused.detail, *named) from None
    return visit.go("/settings?did=saved")
