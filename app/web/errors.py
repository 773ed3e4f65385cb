"""Errors as pages: what happened, what was kept, what to do."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import GapbridgeError, TooMany
from app.web.rendering import error_view, plain_page

TITLES = {
    400: "The request is malformed",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible",
    409: "Not done",
    413: "Too large",
    422: "There is a problem",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available now",
}


def page(request: Request, error: GapbridgeError) -> Response:
    """One of our errors, for a browser."""
    if error.status == 401:
        return RedirectResponse(
            f"/signin?next={quote(request.url.path)}" if request.method == "GET" else "/signin", 303
        )
    answer = of_status(error.status, error.detail, error)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def of_status(status: int, detail: str, error: GapbridgeError | None = None, reference: str | None = None) -> Response:
    """An error page with a sentence; `reference` finds a crash in the logs."""
    return plain_page(
        "error.html",
        status,
        title=TITLES.get(status, "There is a problem"),
        detail=detail,
        reference=reference,
        error=error_view(error),
    )
