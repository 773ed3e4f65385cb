"""A person's second factor: set up with an app and a first code, switched off, and new recovery codes."""

from __future__ import annotations

import segno
from markupsafe import Markup
from starlette.responses import Response

from app.team import second_factor, users
from app.team import service as team
from app.web.door import FACTOR_PAGE, SIGNED_IN, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

NOTICES = {
    "off": mark("Signing in asks for no code any more."),
}


def _show(visit: Visit, codes: list[str] | None = None) -> Response:
    words = NOTICES.get(visit.request.query_params.get("did", ""))
    user = users.get(visit.uow, visit.who.id)
    enrolment = second_factor.pending(visit.uow, visit.container.vault, user)
    answer = visit.page(
        "second_factor.html",
        standing=second_factor.standing(visit.uow, visit.who.id),
        enrolment=enrolment,
        picture=_picture(enrolment.uri) if enrolment else None,
        codes=codes,
        needed=visit.who.role is not None and visit.who.role.value in visit.container.settings.second_factor_roles,
        notice=_(words) if words else None,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _picture(uri: str) -> Markup:
    # Dark on light in both themes: many apps do not read it the other way round. Our own library made it, of our own text.
    made = segno.make(uri, error="m", micro=False)
    return Markup(made.svg_inline(scale=5, border=4, dark="#000000", light="#ffffff"))  # noqa: S704


@pages.get(FACTOR_PAGE, needs=SIGNED_IN)
def second_factor_page(visit: Visit) -> Response:
    """How it stands; while it waits to be confirmed, the picture for the app."""
    return _show(visit)


@pages.post(f"{FACTOR_PAGE}/begin", needs=SIGNED_IN, again=_show, own_transactions=True)
def begin(visit: Visit) -> Response:
    """Make a secret for the app. The password is asked for: whoever finds an open browser shall not lock its owner out."""
    db = visit.container.db
    team.confirm_password(db, visit.who.name, visit.form.get("password", ""), visit.address)
    with db.work() as uow:
        second_factor.begin(uow, visit.container.vault, visit.who.id)
    return visit.go(FACTOR_PAGE)


@pages.post(f"{FACTOR_PAGE}/confirm", needs=SIGNED_IN, again=_show)
def confirm(visit: Visit) -> Response:
    """The first code switches it on. The recovery codes are in this one answer and nowhere else."""
    codes = second_factor.confirm(visit.uow, visit.container.vault, visit.who.id, visit.text("code"))
    # What was opened without a code ends; this browser has just shown one.
    team.end_sessions(visit.uow, visit.who.id, but=visit.who.session)
    return _show(visit, codes)


@pages.post(f"{FACTOR_PAGE}/codes", needs=SIGNED_IN, again=_show, own_transactions=True)
def renew_codes(visit: Visit) -> Response:
    """New recovery codes for a code; the former ones open nothing any more."""
    _take_code(visit)
    with visit.container.db.work() as uow:
        codes = second_factor.renew_codes(uow, visit.who.id)
    with visit.container.db.read() as uow:
        visit.uow = uow
        return _show(visit, codes)


@pages.post(f"{FACTOR_PAGE}/off", needs=SIGNED_IN, again=_show, own_transactions=True)
def switch_off(visit: Visit) -> Response:
    """Sign in by the password alone again, for a code."""
    _take_code(visit)
    with visit.container.db.work() as uow:
        second_factor.remove(uow, visit.who.id)
    return visit.go(f"{FACTOR_PAGE}?did=off")


def _take_code(visit: Visit) -> None:
    user = users.get(visit.uow, visit.who.id)
    team.take_code(visit.container.db, visit.container.vault, user, visit.text("code"), visit.address)
