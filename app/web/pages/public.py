"""What strangers meet: the opt-out behind the links of our mails, and who our page checker is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Path
from starlette.responses import PlainTextResponse, Response

from app.outbox import service as outbox
from app.team import throttle
from app.web.door import PUBLIC, Pages, Visit

pages = Pages()

ADDRESSES_AN_HOUR = 10
"""How many addresses may be entered from one network without a link of ours."""

Token = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


def _page(visit: Visit, token: str, status: int = 200, *, known: bool, done: bool = False) -> Response:
    return visit.page("optout.html", status, token=token, known=known, done=done, entered=visit.text("email"))


@pages.get("/u/{token}", needs=PUBLIC)
def opt_out_page(visit: Visit, token: Token) -> Response:
    """A button. Opening the page changes nothing: scanners open every link of a mail."""
    return _page(visit, token, known=outbox.knows_token(visit.uow, token))


def _again(visit: Visit, token: str) -> Response:
    return _page(visit, token, 422, known=False)


@pages.post("/u/{token}", needs=PUBLIC, forged=True, again=_again, own_transactions=True)
def opt_out(visit: Visit, token: Token) -> Response:
    """Never write to this address again. The mail program's one-click POST (RFC 8058) carries no cookie and gets no page.

    Only that body or the page's own button counts: a bare POST is as much a scanner's as a person's. Where the token names
    no message of ours, the page asks for the address instead.
    """
    container, one_click = visit.container, visit.text("List-Unsubscribe") == "One-Click"
    if one_click or visit.text("confirm") == "yes":
        with container.db.work() as uow:
            done = outbox.opt_out(uow, container.vault, token, source="link in a mail")
        if one_click:
            said = "You are unsubscribed." if done else "This link is not known here. Open it to enter your address."
            return PlainTextResponse(f"{said}\n", 200 if done else 404)
        return _page(visit, token, 200 if done else 404, known=done, done=done)
    if visit.text("email"):
        _by_address(visit, visit.text("email"))
        return _page(visit, token, known=True, done=True)
    return _page(visit, token, known=outbox.knows_token(visit.uow, token))


def _by_address(visit: Visit, email: str) -> None:
    # Nothing proves whose address it is, so one network may enter a few, and each try counts whatever becomes of it.
    container = visit.container
    counted = throttle.key("opt-out", throttle.network(visit.address))
    with container.db.work() as uow:
        refusal = throttle.refusal(uow, counted, ADDRESSES_AN_HOUR, timedelta(hours=1))
    if refusal is not None:
        raise refusal
    with container.db.work() as uow:
        outbox.opt_out_address(uow, container.vault, email, source="address entered on the opt-out page")


@pages.get("/about-this-bot", needs=PUBLIC)
def about_this_bot(visit: Visit) -> Response:
    """The page that the user agent of the checker names."""
    settings = visit.container.settings
    return visit.page("bot.html", user_agent=settings.user_agent, obeys=settings.fetch_obey_robots)
