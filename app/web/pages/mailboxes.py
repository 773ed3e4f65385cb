"""The mailboxes with their health, one of them, and signing it in: at its provider, or with a new password."""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from app.deliverability import mailbox_check
from app.domain.folders import Watch, Why
from app.domain.reputation import Incident
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.inbox import folders
from app.mail import accounts, reputation, signin
from app.mail.providers import configured, provider
from app.models import MailboxOAuth
from app.outbox import pacing
from app.reports import mailboxes as report
from app.web.door import Id, Pages, Visit, session_cookie
from app.web.i18n import mark
from app.web.pages.mailbox_steps import problems_of, steps_of

pages = Pages()

INCIDENTS = {
    Incident.HARD_BOUNCE: mark("Addresses that do not exist"),
    Incident.COMPLAINT: mark("Complaints"),
    Incident.POLICY: mark("Refusals by policy"),
    Incident.SENDER_REFUSED: mark("Refusals of us"),
}
FOLDER_WORDS = {
    Why.INBOX: mark("the inbox"),
    Why.JUNK: mark("the spam folder"),
    Why.CHOSEN: mark("somebody wants it"),
    Why.LEARNED: mark("an answer was found in it"),
    Why.ALL: mark("it shows all mail"),
    Why.ARCHIVE: mark("an archive"),
}
NOTICES = {
    "moved": mark("Kept. It is looked into at once."),
    "off": mark("It is switched off, and its password is forgotten."),
    "started": mark("It is read again, from the next look on."),
    "folder": mark("Kept. It counts from the next look on."),
    "resumed": mark("It sends again. What waits in it leaves in its turn."),
    "paused": mark("It rests now. It is still read."),
    "signed-in": mark("It is signed in. Look at its checks next."),
    "password": mark("The new password works and is stored encrypted."),
}


def _show_list(visit: Visit, **__: int) -> Response:
    return visit.page("mailboxes.html", rows=report.overview(visit.uow), notice=visit.notice(NOTICES))


@pages.get("/mailboxes", needs="mailboxes:read")
def mailboxes(visit: Visit) -> Response:
    """Every mailbox with its health, its figures of today, and the DNS of its domain."""
    return _show_list(visit)


def _show_one(visit: Visit, mailbox_id: int) -> Response:
    session = visit.uow.session
    mailbox = accounts.get(session, mailbox_id)
    limits = reputation.limits_of(visit.container.settings)
    (row,) = (line for line in report.overview(visit.uow) if line.mailbox.id == mailbox_id)
    return visit.page(
        "mailbox.html",
        mailbox=mailbox,
        row=row,
        pacing=pacing.of_mailbox(visit.uow, mailbox_id),
        standing=reputation.standing_of(session, mailbox_id, visit.uow.now(), limits),
        limits=limits,
        incidents=INCIDENTS,
        pauses=reputation.pauses_of(session, mailbox_id),
        steps=steps_of(mailbox_id, None),
        folders=folders.of_mailbox(visit.uow, mailbox_id),
        folder_words=FOLDER_WORDS,
        notice=visit.notice(NOTICES),
    )


@pages.get("/mailboxes/{mailbox_id}", needs="mailboxes:read")
def one(visit: Visit, mailbox_id: Id) -> Response:
    """One mailbox: what it does today, what counts against it, when it stopped and who let it go on."""
    return _show_one(visit, mailbox_id)


@pages.post("/mailboxes/{mailbox_id}/resume", needs="mailboxes:write", again=_show_one)
def resume(visit: Visit, mailbox_id: Id) -> Response:
    """Let it send again; what was counted against it counts no more."""
    email = accounts.get(visit.uow.session, mailbox_id).email
    accounts.resume(visit.uow, visit.container.vault, email, actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}?did=resumed")


@pages.post("/mailboxes/{mailbox_id}/folders", needs="mailboxes:write", again=_show_one)
def choose_folder(visit: Visit, mailbox_id: Id) -> Response:
    """Say whether a folder is read for answers, or leave it to the rules."""
    try:
        wish = Watch(visit.text("watch")) if visit.text("watch") else None
    except ValueError:
        raise BadInput(
            say("say how it is read"), FieldProblem("watch", say("Choose always, never, or by the rules"))
        ) from None
    folders.choose(visit.uow, mailbox_id, visit.form.get("name", ""), wish, actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}?did=folder")


@pages.post("/mailboxes/{mailbox_id}/folders/start", needs="mailboxes:write", again=_show_one)
def start_folder(visit: Visit, mailbox_id: Id) -> Response:
    """Read a folder again that was given up."""
    folders.start_again(visit.uow, mailbox_id, visit.form.get("name", ""), actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}?did=started")


@pages.post("/mailboxes/{mailbox_id}/pause", needs="mailboxes:write", again=_show_one)
def pause(visit: Visit, mailbox_id: Id) -> Response:
    """Let it rest until somebody resumes it."""
    accounts.pause(visit.uow, mailbox_id, reason=visit.text("reason"), actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}?did=paused")


def _holder(visit: Visit) -> str:
    # The very session, not only the person: a return that somebody was lured into finds nothing that waits for it.
    cookie = visit.request.cookies.get(session_cookie(visit.container), "")
    return f"session:{hashlib.sha256(cookie.encode()).hexdigest()}"


def _show(visit: Visit, mailbox_id: int, begun: signin.Begun | None = None) -> Response:
    mailbox = accounts.get(visit.uow.session, mailbox_id)
    row = visit.uow.session.get(MailboxOAuth, mailbox_id)
    asked = visit.text("provider") or (row.provider if row is not None else "")
    return visit.page(
        "mailbox_signin.html",
        mailbox=mailbox,
        provider=provider(visit.container.settings, asked).label if asked else None,
        configured=configured(visit.container.settings),
        steps=steps_of(mailbox_id, "sign-in"),
        reason=row.ended_reason if row is not None else None,
        redirect_uri=visit.container.settings.redirect_url,
        begun=begun,
    )


@pages.get("/mailboxes/{mailbox_id}/sign-in", needs="mailboxes:write")
def sign_in_page(visit: Visit, mailbox_id: Id) -> Response:
    """What is about to happen, with the address to register at the provider."""
    return _show(visit, mailbox_id)


@pages.post("/mailboxes/{mailbox_id}/sign-in", needs="mailboxes:write")
def begin(visit: Visit, mailbox_id: Id) -> Response:
    """Begin: the page then has the link to the provider. (A redirect out of a form is stopped by our own policy.)"""
    begun = signin.begin(
        visit.uow,
        visit.container.vault,
        visit.container.settings,
        accounts.get(visit.uow.session, mailbox_id),
        holder=_holder(visit),
        provider_name=visit.text("provider") or None,
    )
    return _show(visit, mailbox_id, begun)


@pages.get("/oauth/callback", needs="mailboxes:write")
def come_back(visit: Visit) -> Response:
    """The provider sends people here. Without a state that waits for this session, nothing happens."""
    asked = visit.request.query_params
    container = visit.container
    back = signin.Return(*(asked.get(name, "")[:4000] for name in ("state", "code", "error", "error_description")))
    done = signin.finish(container.db, container.vault, container.settings, back, holder=_holder(visit))
    return visit.go(f"/mailboxes/{done.mailbox_id}/checks?did=signed-in")


@pages.post("/mailboxes/{mailbox_id}/password", needs="mailboxes:write", again=_show, own_transactions=True)
def new_password(visit: Visit, mailbox_id: Id) -> Response:
    """Try a new password at both servers; only one that works is stored."""
    container = visit.container
    password = visit.form.get("password", "")
    problems_of(mailbox_check.try_password(container, mailbox_id, password))
    with container.db.work() as uow:
        email = accounts.get(uow.session, mailbox_id).email
        accounts.resume(uow, container.vault, email, password=password, actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}/checks?did=password")
