"""Templates: autoescaped, strict about names, ready for translation, with the few things that every page shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match

from app.domain.people import Preferences
from app.errors import BadInput, GapbridgeError, Refused, Skip, Stale
from app.keys import readable
from app.web import i18n
from app.web.words import EVENT_WORDS, NAMES

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.team.principal import Principal
    from app.web.door import Visit
    from app.web.navigation import Shell

STATIC = Path(__file__).parent / "static"
THEME_COOKIE = "gapbridge-theme"
# No eval (our policy forbids it, and htmx would drop the filters of triggers), no history in the browser's storage
# (mail text does not belong there), and only our own addresses.
HTMX = (
    '{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"historyCacheSize":0,'
    '"selfRequestsOnly":true,"refreshOnHistoryMiss":true,"scrollIntoViewOnBoost":false}'
)

_env = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=i18n.finalize,
)


def _when(moment: datetime | date | str | None) -> Markup:
    if moment is None:
        return Markup("–")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    at = moment.astimezone(UTC) if isinstance(moment, datetime) else moment
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), i18n.when(moment))


def _day(day: date) -> str:
    """A day without its year, for the narrow labels of a plot."""
    return i18n.day(day)


def _as_day(value: object) -> str:
    """The value of a field for a day: browsers complain of what is none, so that is left out; the problem says it."""
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return ""


def _number(value: float | None) -> str:
    return "–" if value is None else i18n.figure(value)


def _amount(value: float | None) -> str:
    return "–" if value is None else i18n.amount(value)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{i18n.figure(100 * share)} %"


def _event(name: str) -> str:
    """What happened, by the name that the history keeps; a name of a former version is shown as it is."""
    return i18n._(EVENT_WORDS[name]) if name in EVENT_WORDS else name.replace("_", " ").capitalize()


def _named(value: Any, what: str) -> str:
    """The word for a value of `what` (app.web.words.NAMES); one of a former version is shown as it is."""
    name = str(getattr(value, "value", value))
    return i18n._(NAMES[what][name]) if name in NAMES[what] else name.replace("-", " ").replace("_", " ")


def _seen(said: str) -> str:
    """By what a rule has judged, "where: words" of theirs: only the place has a word of ours."""
    where, colon, words = said.partition(": ")
    return f"{_named(where, 'seen in')}{colon}{words}"


def _there(moment: datetime | str | None, hours: str | None) -> str:
    """A moment on the clock of those with these `hours` (an hours key of the outbox), with their zone; "" without one."""
    if not moment or not hours:
        return ""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return i18n.there(at, hours.partition(" ")[0])


def _path(url: str | None) -> str:
    """A URL without its scheme, short enough for a line."""
    text = (url or "").partition("://")[2] or (url or "")
    return text if len(text) <= 60 else text[:59] + "…"


def _host(name: str | None) -> str | Markup | None:
    """A domain: one with signs of other languages as it is read, and beside it as it is written in an address."""
    shown = readable(name or "")
    return Markup('<bdi>{}</bdi> <span class="hint mono">{}</span>').format(shown, name) if shown else name


def _safe_href(url: str | None) -> str | None:
    # What other people's pages and files say may be any scheme; only these are ever made clickable.
    return url if url and url.lower().startswith(("http://", "https://")) else None


@cache
def release() -> str:
    """Twelve hex digits that name what is in the folder of static files; read once, so a change of a file wants a restart."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*.*")):
        digest.update(f"{path.relative_to(STATIC)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file of ours, which changes with the content of any: browsers may keep it for ever.

    The digest is a folder of the address, so that what a module imports beside itself has one as well.
    """
    return f"/static/{release()}/{name}"


# The page on which it is mended that no message can be.
_PLACES = {"no-sender": "/sites", "no-mailbox": "/mailboxes", "our-page-missing": "/pages"}

_env.globals.update(_=i18n._, ngettext=i18n.ngettext, asset=asset, HTMX=Markup(HTMX))  # noqa: S704 -- our own constant
_env.filters.update(
    when=_when,
    day=_day,
    as_day=_as_day,
    event=_event,
    number=_number,
    amount=_amount,
    percent=_percent,
    named=_named,
    seen=_seen,
    there=_there,
    short=_path,
    href=_safe_href,
    host=_host,
    mended_at=_PLACES.get,
)


def error_view(error: GapbridgeError | None) -> dict[str, Any] | None:
    """An error for the summary at the top of a page and for the fields: sentence, problems by field, named refusals."""
    if error is None:
        return None
    return {
        "detail": error.detail,
        "fields": [(p.field, p.problem) for p in error.problems] if isinstance(error, BadInput) else [],
        "reasons": [_reason(skip) for skip in error.skips] if isinstance(error, Refused) else [],
        "changes": list(error.changes) if isinstance(error, Stale) else [],
        "version": error.version if isinstance(error, Stale) else None,
    }


# The field in which a refusal is mended, for the link in the summary.
_FIELDS = {
    "subject-empty": "subject",
    "subject-not-one-line": "subject",
    "subject-too-long": "subject",
    "no-contact": "contact_id",
    "suppressed": "contact_id",
}
_ELSEWHERE = frozenset(
    {
        "wrong-stage",
        "linked-already",
        "linked-by-data",
        "in-conversation",
        "recent-contact",
        "no-mailbox",
        "leased",
        "excluded",
    }
)


def _reason(skip: Skip) -> dict[str, str | None]:
    elsewhere = skip.reason in _ELSEWHERE or skip.reason.startswith("bulk-")
    field = None if elsewhere else _FIELDS.get(skip.reason, "body_text")
    place = _PLACES.get(skip.reason)
    return {"name": skip.reason, "sentence": skip.sentence, "field": None if place else field, "place": place}


def page(visit: Visit, template: str, status: int, values: Mapping[str, Any], *, navigate: bool = True) -> Response:
    """Render `template` for a visit."""
    from app.web import navigation

    principal = visit.principal
    theme = principal.theme if principal else visit.request.cookies.get(THEME_COOKIE, "system")
    around: dict[str, Any] = {
        "theme": theme if theme in ("light", "dark") else "system",
        "csrf": visit.csrf,
        **_signed_in(principal),
        **_shell(navigation.shell(visit) if principal and navigate else None),
        "here": visit.request.url.path,
        "back": address_within(visit.request),
    }
    if taken := around.keys() & values.keys():
        raise TypeError(f"{template}: {', '.join(sorted(taken))} is what stands around every page; take another name")
    context = {**_nobody(), **around, "error": error_view(visit.error), "form": visit.form, **values}
    return HTMLResponse(_env.get_template(template).render(context), status)


def address_within(request: Request) -> str:
    """The path and query by which a page is opened again, filters and all, without what tells of something just done.

    What a refused form is answered with stands under an address that may only take forms: there it is the page that held the
    form, which the browser names, or else Today.
    """
    path, query = request.url.path, request.url.query
    if request.method not in ("GET", "HEAD"):
        came = urlsplit(request.headers.get("referer", ""))
        if came.path and came.netloc == request.headers.get("host"):
            path, query = came.path, came.query
        if not _opens(request, path):
            return "/"
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "did"]
    return path + (f"?{urlencode(kept)}" if kept else "")


def _opens(request: Request, path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def _signed_in(principal: Principal | None) -> dict[str, Any]:
    if principal is None:
        return {}
    return {"principal": principal, "wishes": principal.preferences, "may": principal.may}


def _shell(shell: Shell | None) -> dict[str, Any]:
    if shell is None:
        return {"navigation": [], "held": None, "unread": ""}
    return {"navigation": shell.entries, "held": shell.held, "unread": shell.notices}


def plain_page(template: str, status: int, request: Request, principal: Principal | None, **values: Any) -> Response:
    """A page that asks the database nothing: for errors, where that may be what failed. The ways are there, without counts."""
    from app.web import navigation

    wanted = principal.theme if principal else request.cookies.get(THEME_COOKIE, "system")
    around: dict[str, Any] = {"theme": wanted if wanted in ("light", "dark") else "system", "here": request.url.path}
    around["back"] = address_within(request)
    if principal is not None:
        around |= _signed_in(principal)
        around |= {"csrf": principal.csrf_token, "navigation": navigation.ways(principal, request.url.path, {})}
    return HTMLResponse(_env.get_template(template).render({**_nobody(), **around, **values}), status)


def _nobody() -> dict[str, Any]:
    return {
        "principal": None,
        "wishes": Preferences(),
        "may": lambda _: False,
        "csrf": "",
        "theme": "system",
        **_shell(None),
        "here": "",
        "back": "/",
        "error": None,
        "form": {},
        "notice": None,
        "language": i18n.language(),
    }
