"""Errors as pages: what happened, what was kept, what to do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import GapbridgeError, TooMany
from app.web import i18n
from app.web.door import is_known, look_up_visitor, sign_in_for, visitor, written
from app.web.i18n import mark
from app.web.rendering import error_view, plain_page

TITLES = {
    400: mark("The request is malformed"),
    401: mark("Sign in first"),
    403: mark("Not allowed"),
    404: mark("Not found"),
    405: mark("Not possible"),
    409: mark("Not done"),
    413: mark("Too large"),
    422: mark("There is a problem"),
    429: mark("Too many requests"),
    500: mark("Something went wrong here"),
    503: mark("Not available now"),
}

# What was kept, and what to do next.
HELP = {
    401: (mark("Nothing was changed: your session is over."),),
    400: (mark("Nothing was changed."), mark("Go back, reload the page, and try again.")),
    403: (
        mark("Nothing was changed."),
        mark("Go back. A lead or an operator can do it, or give you the role that may."),
    ),
    404: (
        mark("Nothing was lost: what is put away or erased has no page."),
        mark("Check the address, or begin at Today."),
    ),
    405: (mark("Nothing was changed."), mark("Begin at Today.")),
    409: (
        mark("Nothing was changed. What you typed still stands in the form of the page before."),
        mark("Go back, look at what is there now, and try again."),
    ),
    413: (mark("Nothing of it was kept."), mark("Send a smaller file, or split it in two.")),
    422: (
        mark("Nothing was changed. What you typed still stands in the form of the page before."),
        mark("Go back and correct what is named here."),
    ),
    429: (mark("Nothing was changed."), mark("Wait a moment, then try again.")),
    500: (
        mark("Work that was under way goes on by itself where it was."),
        mark("Try again. If it comes back, give the reference to the operator: the log holds the cause under it."),
    ),
    503: (
        mark("Nothing was changed, and what waits is not lost."),
        mark("Try again in a moment. An operator sees the cause on the page System."),
    ),
}


def page(request: Request, error: GapbridgeError) -> Response:
    """One of our errors, for a browser."""
    if error.status == 401 and not written(request):
        return RedirectResponse(sign_in_for(request), 303)
    answer = of_status(request, error.status, error.detail, error)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def of_status(
    request: Request, status: int, detail: str, error: GapbridgeError | None = None, reference: str | None = None
) -> Response:
    """An error page with a sentence; `reference` finds a crash in the logs. Only what no route knows asks
    the database, for who is there.
    """
    # Where no route has taken the request, nobody has asked yet who it is from.
    who = visitor(request)
    if who is None and not is_known(request) and status in (404, 405):
        who = look_up_visitor(request)
    wanted = who.preferences.language if who else request.cookies.get(i18n.COOKIE)
    i18n.read_by(i18n.best(wanted, request.headers.get("accept-language", "")))
    return plain_page(
        "error.html",
        status,
        request,
        who,
        title=i18n._(TITLES.get(status, "There is a problem")),
        detail=i18n._(detail),
        reference=reference,
        help=[i18n._(words) for words in HELP.get(status, ())],
        written=written(request),
        signin=sign_in_for(request) if status == 401 else None,
        error=error_view(error),
    )
