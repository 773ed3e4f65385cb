"""What strangers meet: the opt-out behind the links of our mails, and who our page checker is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.responses import PlainTextResponse, Response

from app.outbox import service as outbox
from app.web.door import PUBLIC, Pages, Visit

pages = Pages()

Token = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


@pages.get("/u/{token}", needs=PUBLIC)
def opt_out_page(visit: Visit, token: Token) -> Response:
    """A button. Opening the page changes nothing: scanners open every link of a mail."""
    return visit.page("optout.html", token=token, done=visit.request.query_params.get("done") == "yes")


@pages.post("/u/{token}", needs=PUBLIC, forged=True)
def opt_out(visit: Visit, token: Token) -> Response:
    """Never write to this address again. The mail program's one-click POST (RFC 8058) carries no cookie and gets no page.

    The answer is the same for a token that is not ours: it tells nobody which ones are.
    """
    outbox.opt_out(visit.uow, visit.container.vault, token, source="link in a mail")
    if visit.text("List-Unsubscribe") == "One-Click":
        return PlainTextResponse("You are unsubscribed.\n")
    return visit.page("optout.html", token=token, done=True)


@pages.get("/about-this-bot", needs=PUBLIC)
def about_this_bot(visit: Visit) -> Response:
    """The page that the user agent of the checker names."""
    settings = visit.container.settings
    return visit.page("bot.html", user_agent=settings.user_agent, obeys=settings.fetch_obey_robots)
