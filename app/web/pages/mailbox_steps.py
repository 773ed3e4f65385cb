"""Connecting a mailbox, step by step: each step has an address of its own, is stored before the next one, and stays as the
page on which that part is changed later. A password is never shown again.
"""

from __future__ import annotations

from typing import Any, NoReturn

from starlette.responses import Response

from app.deliverability import asked_looks, mailbox_check, repository
from app.domain.checks import CheckState
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound
from app.mail import accounts, resting
from app.mail.accounts import Draft
from app.mail.checks import Looked
from app.mail.providers import NAMES, Server, configured, provider
from app.mail.render.variables import DEFAULT_OPT_OUT
from app.models import Security
from app.outbox import pacing
from app.sites import service as sites
from app.web.door import Id, Pages, Visit, row_number
from app.web.i18n import mark

pages = Pages()

IMAP = "imap"
KINDS = (*NAMES, IMAP)
LABELS = {"google": "Google", "microsoft": "Microsoft", IMAP: mark("Another provider (IMAP and SMTP)")}
STEPS = (
    ("sign-in", mark("Sign-in")),
    ("checks", mark("Checks")),
    ("limits", mark("Limits")),
    ("name", mark("Name")),
    ("test", mark("Test message")),
)
NOTICES = {
    "signed-in": mark("It is signed in. Look at its checks next."),
    "password": mark("The new password works and is stored encrypted."),
    "added": mark("Both servers take the password, which is stored encrypted. It sends nothing until the last step."),
    "saved": mark("Saved."),
}
# The field in which a line of the look is mended.
_FIELDS = {
    "smtp-reached": "smtp_host",
    "smtp-tls": "smtp_security",
    "imap-reached": "imap_host",
    "imap-tls": "imap_security",
    "smtp-sign-in": "password",
    "imap-sign-in": "password",
    "connected": "email",
}
BEING_SET_UP = "it is being set up; the last step of its set-up lets it send"


def steps_of(mailbox_id: int, now: str | None) -> list[tuple[str, str, bool]]:
    """The steps after the first: address, words, and whether it is this one."""
    return [(f"/mailboxes/{mailbox_id}/{name}", words, name == now) for name, words in STEPS]


def frame_of(visit: Visit, mailbox_id: int, step: str | None) -> dict[str, Any]:
    """What every page of a mailbox's steps shows around its own: the mailbox, why it rests, the ways to the others. Raises NotFound."""
    mailbox = accounts.get(visit.uow.session, mailbox_id)
    return {
        "mailbox": mailbox,
        "rests": resting.why(mailbox, visit.uow.now()),
        "steps": steps_of(mailbox_id, step),
    }


def problems_of(looked: Looked) -> None:
    """Raise BadInput with what failed, each at the field in which it is mended; nothing when nothing failed."""
    failed = [line for line in looked.checks if line.state is CheckState.FAIL]
    if failed:
        raise BadInput(
            say("The mailbox does not work like this, so nothing was stored."),
            *(
                FieldProblem(_FIELDS.get(line.name, "password"), say("{found}. {fix}", found=line.found, fix=line.fix))
                for line in failed
            ),
        )


def _no_kind(kind: str) -> NoReturn:
    raise NotFound(
        say("there is no kind of mailbox '{kind}'; choose one of {names}", kind=kind[:40], names=", ".join(KINDS))
    )


# --- provider, and sign-in -------------------------------------------------------------------------------------------------


@pages.get("/mailboxes/new", needs="mailboxes:write")
def new(visit: Visit) -> Response:
    """The first step: where the mailbox lives."""
    return visit.page(
        "mailbox_new.html",
        kinds=LABELS,
        configured=configured(visit.container.settings),
        redirect_uri=visit.container.settings.redirect_url,
    )


def _show_new(visit: Visit, kind: str) -> Response:
    if kind not in KINDS:
        _no_kind(kind)
    settings = visit.container.settings
    return visit.page(
        "mailbox_add.html",
        kind=kind,
        label=LABELS[kind],
        ready=kind == IMAP or kind in configured(settings),
        redirect_uri=settings.redirect_url,
        securities=[one.value for one in Security if one is not Security.NONE or settings.mail_allow_plaintext],
    )


@pages.get("/mailboxes/new/{kind}", needs="mailboxes:write")
def new_of_kind(visit: Visit, kind: str) -> Response:
    """The second step: address, and for IMAP and SMTP servers and password."""
    return _show_new(visit, kind)


@pages.post("/mailboxes/new/{kind}", needs="mailboxes:write", again=_show_new, own_transactions=True)
def add(visit: Visit, kind: str) -> Response:
    """Store the mailbox, at rest until its last step. With a password only when both servers take it."""
    if kind not in KINDS:
        _no_kind(kind)
    container = visit.container
    draft = _draft(visit, kind)
    if kind == IMAP:
        problems_of(mailbox_check.look_at_draft(container, draft))
    with container.db.work() as uow:
        made = accounts.add(uow, container.vault, draft, provider=None if kind == IMAP else kind)
        if kind == IMAP:
            accounts.pause(uow, made.id, reason=BEING_SET_UP)
    return visit.go(f"/mailboxes/{made.id}/{'checks?did=added' if kind == IMAP else 'sign-in'}")


def _draft(visit: Visit, kind: str) -> Draft:
    at = provider(visit.container.settings, kind) if kind != IMAP else None
    return accounts.draft(
        visit.container.settings,
        email=visit.text("email"),
        from_name=visit.text("from_name"),
        username=visit.text("username") or None,
        password=visit.form.get("password", ""),
        smtp=at.smtp if at else server_of(visit, "smtp"),
        imap=at.imap if at else server_of(visit, "imap"),
        time_zone=visit.text("time_zone") or visit.who.preferences.time_zone,
        by_oauth=at is not None,
    )


def server_of(visit: Visit, side: str) -> Server:
    """A server out of the fields of a form; `side` is smtp or imap. Raises BadInput."""
    security = visit.text(f"{side}_security")
    if security not in set(Security):
        raise BadInput(
            say("the server needs a kind of TLS"), FieldProblem(f"{side}_security", say("Choose tls or starttls"))
        )
    return Server(visit.text(f"{side}_host"), visit.number(f"{side}_port") or 0, Security(security))


# --- checks, and the test message ------------------------------------------------------------------------------------------


def _checks_of(visit: Visit, mailbox_id: int, step: str) -> dict[str, Any]:
    """What the page of a look shows: the newest one of its kind, else the lines of the domain."""
    frame = frame_of(visit, mailbox_id, step)
    look = asked_looks.of(visit.uow.session, mailbox_id)
    look = look if look is not None and look.sends == (step == "test") else None
    found = asked_looks.lines_of(look) if look is not None else []
    domain = repository.find(visit.uow.session, frame["mailbox"].email.rpartition("@")[2].lower())
    return {
        **frame,
        "look": look,
        "live": asked_looks.is_live(look),
        "found": found,
        "fine": all(one.state is not CheckState.FAIL for one in found),
        "domain": domain,
        "lines": repository.lines_of(visit.uow.session, domain.id) if domain is not None and look is None else [],
        "sends": step == "test",
        "step": step,
    }


def _show_checks(visit: Visit, mailbox_id: int, step: str) -> Response:
    return visit.page("mailbox_checks.html", **_checks_of(visit, mailbox_id, step), notice=visit.notice(NOTICES))


@pages.get("/mailboxes/{mailbox_id}/checks", needs="mailboxes:write")
def checks(visit: Visit, mailbox_id: Id) -> Response:
    """The third step: what was found last, and a button that looks now."""
    return _show_checks(visit, mailbox_id, "checks")


@pages.post("/mailboxes/{mailbox_id}/checks", needs="mailboxes:write")
def look_now(visit: Visit, mailbox_id: Id) -> Response:
    """Let a worker look at servers, sign-in, folders and DNS; nothing is sent."""
    asked_looks.ask(visit.uow, mailbox_id, sends=False, actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}/checks")


@pages.get("/mailboxes/{mailbox_id}/test", needs="mailboxes:write")
def test_page(visit: Visit, mailbox_id: Id) -> Response:
    """The last step: a message to itself, and the button that lets it send."""
    return _show_checks(visit, mailbox_id, "test")


@pages.post("/mailboxes/{mailbox_id}/test", needs="mailboxes:write")
def send_test(visit: Visit, mailbox_id: Id) -> Response:
    """Let a worker send it two messages of its own, and wait until they can be read."""
    asked_looks.ask(visit.uow, mailbox_id, sends=True, actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}/test")


@pages.post("/mailboxes/{mailbox_id}/look/cancel", needs="mailboxes:write")
def call_off(visit: Visit, mailbox_id: Id) -> Response:
    """Stop the look before its next line; what it has found stays."""
    asked_looks.call_off(visit.uow, mailbox_id)
    look = asked_looks.of(visit.uow.session, mailbox_id)
    return visit.go(f"/mailboxes/{mailbox_id}/{'test' if look is not None and look.sends else 'checks'}")


# --- limits, and the name --------------------------------------------------------------------------------------------------


def _show_limits(visit: Visit, mailbox_id: int) -> Response:
    return visit.page(
        "mailbox_limits.html",
        **frame_of(visit, mailbox_id, "limits"),
        now=pacing.of_mailbox(visit.uow, mailbox_id),
        sites=sites.list_sites(visit.uow),
        window=visit.container.settings.send_window,
        most=accounts.MOST_A_DAY,
        notice=visit.notice(NOTICES),
    )


@pages.get("/mailboxes/{mailbox_id}/limits", needs="mailboxes:write")
def limits(visit: Visit, mailbox_id: Id) -> Response:
    """The fourth step: cap, spacing, ramp, and the sites that it sends for."""
    return _show_limits(visit, mailbox_id)


@pages.post("/mailboxes/{mailbox_id}/limits", needs="mailboxes:write", again=_show_limits)
def set_limits(visit: Visit, mailbox_id: Id) -> Response:
    """Keep them; today's counter follows, and never falls below what has left."""
    pacing.set_mailbox(
        visit.uow,
        mailbox_id,
        daily_cap=_needed(visit, "daily_cap"),
        gap_min_seconds=_needed(visit, "gap_min_seconds"),
        gap_max_seconds=_needed(visit, "gap_max_seconds"),
        ramp_start=visit.number("ramp_start"),
        ramp_step=visit.number("ramp_step") or 5,
        language=_language(visit),
        site_ids=[
            number for name in visit.form if name.startswith("site-") and (number := row_number(name[5:])) is not None
        ],
    )
    return visit.go(f"/mailboxes/{mailbox_id}/name?did=saved")


def _needed(visit: Visit, name: str) -> int:
    number = visit.number(name)
    if number is None:
        raise BadInput(say("a number is needed"), FieldProblem(name, say("Enter a whole number")))
    return number


def _language(visit: Visit) -> str | None:
    given = visit.text("language").lower()
    if given and not (given.isascii() and given.isalpha() and len(given) in (2, 3)):
        raise BadInput(
            say("this is no language code"),
            FieldProblem("language", say("Enter two letters such as en or de, or leave it empty")),
        )
    return given or None


def _show_name(visit: Visit, mailbox_id: int) -> Response:
    return visit.page(
        "mailbox_name.html",
        **frame_of(visit, mailbox_id, "name"),
        opt_out=DEFAULT_OPT_OUT,
        notice=visit.notice(NOTICES),
    )


@pages.get("/mailboxes/{mailbox_id}/name", needs="mailboxes:write")
def name(visit: Visit, mailbox_id: Id) -> Response:
    """The fifth step: the name that editors see, and the line under every mail."""
    return _show_name(visit, mailbox_id)


@pages.post("/mailboxes/{mailbox_id}/name", needs="mailboxes:write", again=_show_name)
def set_name(visit: Visit, mailbox_id: Id) -> Response:
    """Keep the name."""
    accounts.rename(visit.uow, mailbox_id, visit.text("from_name"))
    return visit.go(f"/mailboxes/{mailbox_id}/test?did=saved")
