"""How a page is made: who may see it, one transaction, the check against forged forms, and HTML only after the commit.

A page is a plain function `(visit, ...parameters) -> Response`. Reads run on a read-only unit of work; a form runs in one
transaction that is committed before its answer is made. When a form is refused, its transaction is rolled back and the
page's `again` function may show the form once more with what was entered.
"""

from __future__ import annotations

import functools
import hmac
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, get_type_hints
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Path
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.container import Container
from app.db.work import SYSTEM, UnitOfWork, acting
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, GapbridgeError, NotAllowed, NotSignedIn, Refused, TooMany
from app.team import service as team
from app.team.principal import Principal
from app.web import i18n, origin, rendering

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]

PUBLIC = "public"
SIGNED_IN = "signed-in"
# Before there is a session, a form is bound to a random cookie of its own.
PRE_COOKIE = "gapbridge-form"
_CSRF_PURPOSE = "form"
# What somebody may open whose role needs a second factor that is not set up yet.
FACTOR_PAGE = "/me/second-factor"
# The counts of /live stand on that page, too.
_WITHOUT_FACTOR = (FACTOR_PAGE, "/signout", "/theme", "/live")
# What an open page asks for by itself keeps no session alive: the counts, and who else is at a message, ...
UNATTENDED = re.compile(r"/live|/inbox/\d+/here")
# ... and every part of a page that is shown anew until some work is done: `polls` of parts.html sends this header.
UNATTENDED_HEADER = "X-Unattended"


def session_cookie(container: Container) -> str:
    """The name of the session cookie: with the prefix that binds it to this host wherever https allows that."""
    return "__Host-gapbridge" if is_https(container) else "gapbridge"


def is_https(container: Container) -> bool:
    """Whether people reach this installation by https."""
    return container.settings.public_url.startswith("https:")


def inside(path: str) -> str:
    """The path, where it is one of ours, else "/"."""
    # Only a path of ours: "//evil.test" and "/\\evil.test" are other sites to a browser.
    try:
        parts = urlsplit(path)
    except ValueError:  # such as "//[x"
        return "/"
    safe = path.startswith("/") and not parts.netloc and not parts.scheme and "\\" not in path
    return path if safe and not path.startswith("//") and path.isprintable() else "/"


def sign_in_for(request: Request) -> str:
    """The sign-in page that leads on to what was asked for."""
    wanted = rendering.address_within(request)
    return "/signin" if wanted == "/" else f"/signin?next={quote(wanted, safe='/')}"


def unattended(request: Request) -> bool:
    """Whether a page asks by itself, which is no sign that somebody is there."""
    polls = request.method == "GET" and UNATTENDED_HEADER in request.headers
    return polls or UNATTENDED.fullmatch(request.url.path) is not None


def whole(text: str, most: int = 2**31 - 1) -> int | None:
    """A whole number from 0 to `most` (at most ten digits) in a text of an address or a form; None where it is none."""
    # What is longer may be longer than Python reads.
    return int(text) if text.isdecimal() and len(text) <= 10 and int(text) <= most else None


def row_number(text: str) -> int | None:
    """The number of a row in a text of an address or a form; None where it is none."""
    return whole(text) or None


def moment(text: str) -> datetime | None:
    """A moment with its zone in a text of an address or a form, in UTC; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def place_of(at: datetime, row: int) -> str:
    """The place of row `row` in a list by the moments `at`, for an address; `Visit.place` reads it.

    With a Z: the plus sign of a zone is a space in an address.
    """
    return f"{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}Z.{row}"


@dataclass
class Visit:
    """What a page gets."""

    request: Request
    container: Container
    uow: UnitOfWork
    principal: Principal | None
    form: Mapping[str, str] = field(default_factory=dict)
    error: GapbridgeError | None = None

    @property
    def who(self) -> Principal:
        """The signed-in person; for pages that are not public."""
        if self.principal is None:
            raise NotSignedIn(say("sign in first"))
        return self.principal

    @property
    def actor(self) -> str:
        """How this person stands in the history."""
        return self.who.actor

    @property
    def address(self) -> str:
        """The address that the request came from, as far as the server tells it (behind a trusted proxy: what it says)."""
        return self.request.client.host if self.request.client else "unknown"

    @property
    def csrf(self) -> str:
        """The token for this page's forms."""
        if self.principal is not None:
            return self.principal.csrf_token
        cookie = self.request.cookies.get(PRE_COOKIE, "")
        return self.container.vault.sign(_CSRF_PURPOSE, cookie) if cookie else ""

    @property
    def must_set_up(self) -> bool:
        """Whether this person's role needs a second factor, they have none, and this is not the way to one."""
        who = self.principal
        if who is None or who.second_factor or who.role is None:
            return False
        needed = who.role.value in self.container.settings.second_factor_roles
        return needed and not self.request.url.path.startswith(_WITHOUT_FACTOR)

    def text(self, name: str) -> str:
        """A field of the form, without surrounding space; "" when it is absent."""
        return self.form.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """A field of the form as a whole number; None when it is empty. Raises BadInput with the field."""
        given = self.text(name)
        if not given:
            return None
        number = whole(given)
        if number is None:
            raise BadInput(say("a number is needed"), FieldProblem(name, say("Enter a whole number")))
        return number

    @contextmanager
    def fields_of(self, suffix: object) -> Iterator[None]:
        """For a page that shows a form several times, whose fields have a suffix each: what is wrong inside is said of those."""
        try:
            yield
        except BadInput as wrong:
            problems = [FieldProblem(f"{one.field}-{suffix}", one.problem) for one in wrong.problems]
            raise BadInput(wrong.detail, *problems) from wrong

    def position(self, name: str) -> int | None:
        """A number of a row in the address, such as `before=12`; None where there is none, or it makes no sense."""
        return row_number(self.request.query_params.get(name, ""))

    def place(self, name: str) -> tuple[datetime, int] | None:
        """Moment and row that the address gives in `place_of`'s form; None where there are none, or they make no sense."""
        stamp, _dot, number = self.request.query_params.get(name, "").rpartition(".")
        at, row = moment(stamp), row_number(number)
        return (at, row) if at is not None and row is not None else None

    def notice(self, notices: Mapping[str, str]) -> str | None:
        """What the address says was done (`did`), in the words of `notices`; None where it says nothing of them."""
        words = notices.get(self.request.query_params.get("did", ""))
        return i18n._(words) if words else None

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page `template` as an answer."""
        return rendering.page(self, template, status, values)

    def fragment(self, template: str, **values: Any) -> Response:
        """A part of a page, for app.js and htmx: without the counts of the navigation."""
        return rendering.page(self, template, 200, values, navigate=False)

    @staticmethod
    def go(path: str) -> Response:
        """Show another page after a form was done."""
        return RedirectResponse(path, 303)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of pages, for the matrix of who may what."""

    method: str
    path: str
    needs: str
    form: bool


async def _form(request: Request) -> dict[str, str]:
    """The text fields of a form; the last of a name counts. Files belong to the routes that want them."""
    if request.method in ("GET", "HEAD"):
        return {}
    kind = request.headers.get("content-type", "")
    if not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return {}
    found = await request.form(max_files=10, max_fields=200)
    values = {name: value for name, value in found.items() if isinstance(value, str)}
    request.state.form = values
    bad = next((name for name, value in values.items() if "\0" in value), None)
    if bad is not None:
        raise BadInput(
            say("the text holds a character that cannot be stored"), FieldProblem(bad, say("Remove the NUL"))
        )
    return values


def _visitor(request: Request) -> Principal | None:
    container: Container = request.app.state.container
    secret = request.cookies.get(session_cookie(container))
    found = team.resume(container.db, secret, touch=not unattended(request))
    request.state.visitor = found
    return found


def look_up_visitor(request: Request) -> Principal | None:
    """Who is signed in, for a page that no route has asked for; None as well where the database does not answer."""
    with suppress(SQLAlchemyError):
        return _visitor(request)
    return None


def visitor(request: Request) -> Principal | None:
    """Who is signed in, where that was found out already; for the page that says what went wrong afterwards."""
    return getattr(request.state, "visitor", None)


def is_known(request: Request) -> bool:
    """Whether it was asked already who this is from, be it nobody."""
    return hasattr(request.state, "visitor")


# What people write at length: the fields whose text is shown again on a page that says it was not taken.
_WRITTEN = ("subject", "body_text", "text", "note", "why", "reason", "summary", "postal_address")


def written(request: Request) -> list[str]:
    """What somebody had written into the form of a page of ours that was refused; nothing of what other sites post here."""
    form = getattr(request.state, "form", {})
    if request.headers.get("origin") is None or not origin.is_same(request, request.app.state.container.settings):
        return []
    return [form[name] for name in _WRITTEN if form.get(name, "").strip()]


def _check_form(visit: Visit) -> None:
    origin.require_our_name(visit.request, visit.container.settings)
    token, given = visit.csrf, visit.form.get("csrf", "")
    genuine = bool(token) and hmac.compare_digest(token.encode(), given.encode())
    if not genuine or not origin.is_same(visit.request, visit.container.settings):
        raise NotAllowed(
            say("this form did not come from a page of yours that is still valid; open the page anew and try again")
        )


def _admit(visit: Visit, needs: str) -> None:
    if needs == PUBLIC:
        return
    if visit.principal is None:
        raise NotSignedIn(say("sign in first"))
    if needs != SIGNED_IN:
        visit.principal.require(needs)
    if visit.must_set_up:
        raise NotAllowed(say("your role needs a second factor; set one up first"))


class Pages:
    """Makes the routes of pages and keeps their table."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)
        self.table: list[Route] = []

    def get(self, path: str, *, needs: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Register a page that only reads."""

        def register(endpoint: Callable[..., Response]) -> Callable[..., Response]:
            self.table.append(Route("GET", path, needs, form=False))
            self.router.add_api_route(path, _wrap_get(endpoint, needs), methods=["GET"], name=endpoint.__name__)
            return endpoint

        return register

    def post(
        self,
        path: str,
        *,
        needs: str,
        again: Callable[..., Response] | None = None,
        forged: bool = False,
        own_transactions: bool = False,
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Register a form. `again` shows it once more after a refusal. `forged` is for the one form that strangers'
        servers send (one-click opt-out). `own_transactions` is for protocols that are several transactions by nature.
        """

        def register(endpoint: Callable[..., Response]) -> Callable[..., Response]:
            self.table.append(Route("POST", path, needs, form=not forged))
            wrapped = _wrap_post(endpoint, needs, again, forged, own_transactions)
            self.router.add_api_route(path, wrapped, methods=["POST"], name=endpoint.__name__)
            return endpoint

        return register


def _visit(given: dict[str, Any], uow: UnitOfWork) -> Visit:
    request: Request = given["_request"]
    principal: Principal | None = given["_principal"]
    wanted = principal.preferences.language if principal else request.cookies.get(i18n.COOKIE)
    zone = principal.preferences.time_zone if principal else "UTC"
    i18n.read_by(i18n.best(wanted, request.headers.get("accept-language", "")), zone)
    return Visit(request, request.app.state.container, uow, principal, given["_form"])


def _own(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if not name.startswith("_")}


def _wrap_get(endpoint: Callable[..., Response], needs: str) -> Callable[..., Response]:
    @functools.wraps(endpoint)
    def handle(**given: Any) -> Response:
        container: Container = given["_request"].app.state.container
        with container.db.read() as uow:
            visit = _visit(given, uow)
            if visit.principal is None and needs != PUBLIC:
                if unattended(visit.request):
                    # The session has ended while a page stood open: 204 tells an EventSource not to come back.
                    return Response(status_code=204)
                return RedirectResponse(sign_in_for(visit.request), 303)
            if needs != PUBLIC and visit.must_set_up:
                return RedirectResponse(FACTOR_PAGE, 303)
            _admit(visit, needs)
            if visit.principal is None:
                _bind_forms(visit)
            return _bound(visit, endpoint(visit, **_own(given)))

    return _signed(handle, endpoint)


def _bind_forms(visit: Visit) -> None:
    # The cookie that the next form of a stranger is bound to; made on the page that shows the form.
    if not visit.request.cookies.get(PRE_COOKIE):
        import secrets

        visit.request.cookies[PRE_COOKIE] = secrets.token_urlsafe(24)


def _bound(visit: Visit, response: Response) -> Response:
    if visit.principal is None and PRE_COOKIE in visit.request.cookies:
        response.set_cookie(
            PRE_COOKIE,
            visit.request.cookies[PRE_COOKIE],
            httponly=True,
            samesite="lax",
            secure=is_https(visit.container),
            path="/",
        )
    return response


def _wrap_post(
    endpoint: Callable[..., Response],
    needs: str,
    again: Callable[..., Response] | None,
    forged: bool,
    own_transactions: bool,
) -> Callable[..., Response]:
    @functools.wraps(endpoint)
    def handle(**given: Any) -> Response:
        container: Container = given["_request"].app.state.container
        principal: Principal | None = given["_principal"]
        try:
            # Whoever is signed in is the actor of every transaction in here, for the audit.
            with (
                acting(principal.actor if principal else SYSTEM),
                container.db.read() if own_transactions else container.db.work() as uow,
            ):
                visit = _visit(given, uow)
                _admit(visit, needs)
                if not forged:
                    _check_form(visit)
                return endpoint(visit, **_own(given))
        except (BadInput, Refused, Conflict, NotSignedIn, TooMany) as error:
            if again is None or (isinstance(error, NotSignedIn) and needs != PUBLIC):
                raise
            with container.db.read() as uow:
                visit = _visit(given, uow)
                visit.error = error
                answer = again(visit, **_own(given))
            answer.status_code = error.status
            if isinstance(error, TooMany):
                answer.headers["Retry-After"] = str(error.retry_after)
            return answer

    return _signed(handle, endpoint)


def _signed(handle: Callable[..., Response], endpoint: Callable[..., Response]) -> Callable[..., Response]:
    hints = get_type_hints(endpoint, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in list(inspect.signature(endpoint).parameters.items())[1:]
    ]
    added: list[tuple[str, Any, Any]] = [
        ("_request", Request, inspect.Parameter.empty),
        ("_principal", Principal | None, Depends(_visitor)),
        ("_form", dict, Depends(_form)),
    ]
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, annotation, default in added
    ]
    handle.__signature__ = inspect.Signature(parameters + own, return_annotation=Response)  # type: ignore[attr-defined]
    handle.__annotations__ = {}
    return handle
