"""A person's passkeys: made after the password was given once more, taken away, and used on the page of the sign-in.

Browsers make and use them by script alone (static/passkeys.js); without one the page says so, and the password opens as ever.
"""

from __future__ import annotations

import json

from starlette.responses import JSONResponse, Response

from app.domain.agents import short_form
from app.domain.said import say
from app.errors import Conflict
from app.team import passkeys
from app.team import service as team
from app.web.door import PUBLIC, SIGNED_IN, Id, Pages, Visit, inside
from app.web.i18n import _, mark
from app.web.pages import account

pages = Pages()
PAGE = "/me/passkeys"
NOTICES = {
    "added": mark("The passkey is kept: from now on it signs you in here."),
    "removed": mark("The passkey opens nothing here any more. Take it out of your device or password manager, too."),
}


def _where(visit: Visit) -> passkeys.Party:
    where = passkeys.party(visit.container.settings)
    if where is None:
        raise Conflict(say("browsers know no passkeys for the address of this installation"))
    return where


def _show(visit: Visit, offer: str | None = None, **__: int) -> Response:
    words = NOTICES.get(visit.request.query_params.get("did", ""))
    answer = visit.page(
        "passkeys.html",
        passkeys=passkeys.of_person(visit.uow, visit.who.id),
        possible=passkeys.party(visit.container.settings) is not None,
        public_url=visit.container.settings.public_url,
        offer=offer,
        longest=passkeys.LONGEST_NAME,
        suggested=short_form(account.agent_of(visit)) or "",
        notice=_(words) if words else None,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get(PAGE, needs=SIGNED_IN)
def passkeys_page(visit: Visit) -> Response:
    """Which there are, and the way to one more."""
    return _show(visit)


@pages.post(f"{PAGE}/begin", needs=SIGNED_IN, again=_show, own_transactions=True)
def begin(visit: Visit) -> Response:
    """Offer the browser to make one. The password is asked for: whoever finds an open browser shall not add a key of their own."""
    where, db = _where(visit), visit.container.db
    team.confirm_password(db, visit.who.name, visit.form.get("password", ""), visit.address)
    with db.read() as uow:
        visit.uow = uow
        return _show(visit, passkeys.offer(uow, visit.container.vault, where, visit.who.id, bound=visit.who.session))


@pages.post(f"{PAGE}/add", needs=SIGNED_IN, again=_show)
def add(visit: Visit) -> Response:
    """Keep what the browser has made."""
    passkeys.add(
        visit.uow,
        visit.container.vault,
        _where(visit),
        visit.who.id,
        answer=visit.text("answer"),
        name=visit.text("name"),
        bound=visit.who.session,
    )
    return visit.go(f"{PAGE}?did=added")


@pages.post(f"{PAGE}/{{passkey_id}}/remove", needs=SIGNED_IN, again=_show)
def remove(visit: Visit, passkey_id: Id) -> Response:
    """Take one away."""
    passkeys.remove(visit.uow, visit.who.id, passkey_id)
    return visit.go(f"{PAGE}?did=removed")


@pages.post("/signin/passkey/ask", needs=PUBLIC, own_transactions=True)
def ask(visit: Visit) -> Response:
    """The question for the browser's passkeys, good for five minutes and for this browser's form; nothing is written for it."""
    return JSONResponse(
        json.loads(passkeys.ask(visit.uow, visit.container.vault, _where(visit), bound=visit.csrf)),
        headers={"Cache-Control": "no-store"},
    )


@pages.post("/signin/passkey", needs=PUBLIC, again=account.show_sign_in, own_transactions=True)
def sign_in(visit: Visit) -> Response:
    """Sign in by the passkey's answer: neither password nor code is asked for."""
    secret = passkeys.sign_in(
        visit.container.db,
        visit.container.vault,
        _where(visit),
        answer=visit.text("answer"),
        bound=visit.csrf,
        address=visit.address,
        agent=account.agent_of(visit),
    )
    return account.enter(visit, secret, inside(visit.text("next") or "/"))
