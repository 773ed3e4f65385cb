"""Moving a mailbox to other servers or another time zone, and switching it off."""

from __future__ import annotations

from starlette.responses import Response

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.mail import accounts, checks, upkeep
from app.mail.sealed import bound_to
from app.models import Mailbox, Security
from app.pitches import leaving
from app.web.door import Id, Pages, Visit
from app.web.i18n import _
from app.web.pages.mailbox_steps import frame_of, problems_of, server_of

pages = Pages()


def _show(visit: Visit, mailbox_id: int) -> Response:
    settings = visit.container.settings
    return visit.page(
        "mailbox_servers.html",
        **frame_of(visit, mailbox_id, None),
        by_oauth=mailbox_id in accounts.by_oauth(visit.uow.session),
        securities=[one.value for one in Security if one is not Security.NONE or settings.mail_allow_plaintext],
        notice=_("The addresses are saved.") if visit.request.query_params.get("did") == "aliases" else None,
        open_there=leaving.open_there(visit.uow.session, mailbox_id),
    )


@pages.get("/mailboxes/{mailbox_id}/servers", needs="mailboxes:write")
def servers(visit: Visit, mailbox_id: Id) -> Response:
    """Its servers, sign-in name and time zone, and the way to switch it off."""
    return _show(visit, mailbox_id)


@pages.post("/mailboxes/{mailbox_id}/servers", needs="mailboxes:write", again=_show, own_transactions=True)
def move(visit: Visit, mailbox_id: Id) -> Response:
    """Keep them when both servers take the sign-in; else nothing changes."""
    container = visit.container
    mailbox = accounts.get(visit.uow.session, mailbox_id)
    # The servers of one that signs in at a provider are the provider's.
    by_oauth = mailbox_id in accounts.by_oauth(visit.uow.session)
    password = None if by_oauth else visit.form.get("password") or None
    if password is None and not by_oauth and _leads_elsewhere(visit, mailbox):
        # Whoever may set a server could otherwise read the stored password there.
        raise BadInput(
            say("another server is asked with a password that you enter, never with the stored one"),
            FieldProblem("password", say("Enter the password of this mailbox")),
        )
    now = accounts.stored(mailbox, container.credentials, password=password)
    wanted = upkeep.moved(
        container.settings,
        now,
        smtp=now.smtp if now.bearer else server_of(visit, "smtp"),
        imap=now.imap if now.bearer else server_of(visit, "imap"),
        username=visit.text("username") or None,
        time_zone=visit.text("time_zone") or None,
    )
    if password or (wanted.smtp, wanted.imap, wanted.username) != (now.smtp, now.imap, now.username):
        problems_of(checks.examine(wanted, container.settings))
    with container.db.work() as uow:
        moved = upkeep.move(uow, mailbox_id, wanted, actor=visit.actor)
        if password:
            moved.secret = container.vault.seal(password, bound_to(mailbox_id))
    return visit.go(f"/mailboxes/{mailbox_id}?did=moved")


def _leads_elsewhere(visit: Visit, mailbox: Mailbox) -> bool:
    asked = {server_of(visit, side).host.casefold() for side in ("smtp", "imap")}
    return not asked <= {mailbox.smtp_host.casefold(), mailbox.imap_host.casefold()}


@pages.post("/mailboxes/{mailbox_id}/aliases", needs="mailboxes:write", again=_show)
def aliases(visit: Visit, mailbox_id: Id) -> Response:
    """The further addresses that people write from beside the mailbox's own."""
    accounts.set_aliases(visit.uow, mailbox_id, visit.text("aliases").replace(",", " ").split(), actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}/servers?did=aliases")


@pages.post("/mailboxes/{mailbox_id}/off", needs="mailboxes:write", again=_show)
def switch_off(visit: Visit, mailbox_id: Id) -> Response:
    """Send and read nothing there any more, forget its password, and take back what has not left where that is ticked."""
    leaving.switch_off(visit.uow, mailbox_id, withdraw=bool(visit.form.get("withdraw")), actor=visit.actor)
    return visit.go(f"/mailboxes/{mailbox_id}?did=off")
