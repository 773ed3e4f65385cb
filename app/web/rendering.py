"""Templates: autoescaped, strict about names, ready for translation, with the few things that every page shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from app.errors import BadInput, GapbridgeError, Refused

if TYPE_CHECKING:
    from app.web.door import Visit

STATIC = Path(__file__).parent / "static"
THEME_COOKIE = "gapbridge-theme"

_env = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _(text: str, **values: object) -> str:
    """The place where a translation will come in; `values` fill {names}."""
    return text.format(**values) if values else text


def _when(moment: datetime | date | str | None) -> Markup:
    if moment is None:
        return Markup("–")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), f"{moment:%d %b %Y}")
    at = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%d %b %Y %H:%M} UTC")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _path(url: str | None) -> str:
    """A URL without its scheme, short enough for a line."""
    text = (url or "").partition("://")[2] or (url or "")
    return text if len(text) <= 60 else text[:59] + "…"


def _safe_href(url: str | None) -> str | None:
    # What other people's pages and files say may be any scheme; only these are ever made clickable.
    return url if url and url.lower().startswith(("http://", "https://")) else None


_env.globals["_"] = _
_env.filters.update(when=_when, number=_number, short=_path, href=_safe_href)


def error_view(error: GapbridgeError | None) -> dict[str, Any] | None:
    """An error for the summary at the top of a page and for the fields: sentence, problems by field, named refusals."""
    if error is None:
        return None
    return {
        "detail": error.detail,
        "fields": [(p.field, p.problem) for p in error.problems] if isinstance(error, BadInput) else [],
        "reasons": [s.sentence for s in error.skips] if isinstance(error, Refused) else [],
    }


def page(visit: Visit, template: str, status: int, values: Mapping[str, Any]) -> Response:
    """Render `template` for a visit."""
    from app.web import navigation

    principal = visit.principal
    theme = principal.theme if principal else visit.request.cookies.get(THEME_COOKIE, "system")
    context: dict[str, Any] = {
        "principal": principal,
        "may": principal.may if principal else (lambda _: False),
        "csrf": visit.csrf,
        "theme": theme if theme in ("light", "dark") else "system",
        "navigation": navigation.entries(visit) if principal else [],
        "here": visit.request.url.path,
        "error": error_view(visit.error),
        "form": visit.form,
        "notice": None,
        **values,
    }
    return HTMLResponse(_env.get_template(template).render(context), status)


def plain_page(template: str, status: int, **values: Any) -> Response:
    """A page that needs nothing but its values: for errors, where the database may be what failed."""
    context = {
        "principal": None,
        "may": lambda _: False,
        "csrf": "",
        "theme": "system",
        "navigation": [],
        "here": "",
        "error": None,
        "form": {},
        "notice": None,
        **values,
    }
    return HTMLResponse(_env.get_template(template).render(context), status)
