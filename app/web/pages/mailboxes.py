"""Signing a mailbox in at its provider: the page that starts it, and the address to which the provider sends people back."""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from app.mail import accounts, signin
from app.mail.providers import provider
from app.models import MailboxOAuth
from app.web.door import Id, Pages, Visit, session_cookie

pages = Pages()


def _holder(visit: Visit) -> str:
    # The very session, not only the person: a return that somebody was lured into finds nothing that waits for it.
    cookie = visit.request.cookies.get(session_cookie(visit.container), "")
    return f"session:{hashlib.sha256(cookie.encode()).hexdigest()}"


def _show(visit: Visit, mailbox_id: int, begun: signin.Begun | None = None) -> Response:
    mailbox = accounts.get(visit.uow.session, mailbox_id)
    row = visit.uow.session.get(MailboxOAuth, mailbox_id)
    return visit.page(
        "mailbox_signin.html",
        mailbox=mailbox,
        provider=provider(visit.container.settings, row.provider).label if row is not None else None,
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
    signin.finish(container.db, container.vault, container.settings, back, holder=_holder(visit))
    return visit.go("/settings")
