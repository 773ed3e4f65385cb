"""The words of the pages in the reader's language, with dates and numbers as they are written there.

English is the language of the code. A translation is the catalog `locales/<language>/LC_MESSAGES/messages.po`, read as it
stands: nothing is compiled, so nothing can be stale. `x-pseudo` is English made longer and accented, to find what is cut
off and what does not go through the catalog. Texts hold {names}, filled after the translation.
"""

from __future__ import annotations

import gettext as gettext_module
import io
import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from app.domain.people import LANGUAGES
from app.domain.said import Sentence

CATALOGS = Path(__file__).parent / "web" / "locales"
PSEUDO = "x-pseudo"
COOKIE = "gapbridge-language"
_ACCENTS = str.maketrans("aeiouyAEIOUcnsz", "áéíöüýÁÉÍÖÜçñšž")
_FIELD = re.compile(r"(\{[^}]*\})")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the language and the time zone of one request."""

    language: str = "en"
    time_zone: str = "UTC"


_NOBODY = Reader()
_reader: ContextVar[Reader] = ContextVar("reader", default=_NOBODY)


def read_by(language: str, time_zone: str = "UTC") -> None:
    """From here on, in this request, texts are for this reader."""
    _reader.set(Reader(language, time_zone))


def language() -> str:
    """The reader's language, as the attribute `lang` has it."""
    return "en" if _reader.get().language == PSEUDO else _reader.get().language


def zone() -> ZoneInfo:
    """The reader's time zone."""
    return ZoneInfo(_reader.get().time_zone)


def best(wanted: str | None, accept_language: str) -> str:
    """The language for a reader: the one that was chosen, else the first of the browser's that there is, else English."""
    if wanted in LANGUAGES or wanted == PSEUDO:
        return str(wanted)
    offers: list[tuple[float, int, str]] = []
    for part in accept_language.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            offers.append((-float(weight or 1), len(offers), name.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(offers) if name in LANGUAGES), "en")


def _(text: str, **values: object) -> str:
    """`text` in the reader's language; `values` fill {names}. A sentence of a service brings its own values."""
    template, filling = (text.template, text.values) if isinstance(text, Sentence) else (text, values)
    said = _translate(template)
    return said.format(**{name: finalize(value) for name, value in filling.items()}) if filling else said


def finalize(value: object) -> object:
    """What a template prints: sentences of the services in the reader's language, everything else as it is."""
    return _(value) if isinstance(value, Sentence) else value


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """The form of the sentence that fits `number`, which also fills {number}."""
    reader = _reader.get().language
    said = _catalog(reader).ngettext(one, many, number)
    return (_pseudo(said) if reader == PSEUDO else said).format(number=figure(number), **values)


def mark(text: str) -> str:
    """Name a text for the catalog where it is written down; it is translated where it is shown."""
    return text


def when(moment: datetime | date) -> str:
    """A moment in the reader's zone, or a day, as it is written in the reader's language."""
    locale = Locale.parse(language())
    if not isinstance(moment, datetime):
        return format_date(moment, "d MMM y", locale=locale)
    at = moment.astimezone(zone())
    said = format_datetime(at, "d MMM y HH:mm", locale=locale)
    return f"{said} UTC" if at.utcoffset() == UTC.utcoffset(None) else said


def day(moment: date) -> str:
    """A day without its year, as it is written in the reader's language."""
    return format_date(moment, "d MMM", locale=Locale.parse(language()))


def figure(value: float) -> str:
    """A number with at most one decimal, as it is written in the reader's language."""
    return str(format_decimal(round(value, 1), format="#,##0.#", locale=language()))


def _translate(text: str) -> str:
    reader = _reader.get().language
    if reader == PSEUDO:
        return _pseudo(text)
    return _catalog(reader).gettext(text) if text else ""


def _pseudo(text: str) -> str:
    parts = [part if part.startswith("{") else part.translate(_ACCENTS) for part in _FIELD.split(text)]
    return "[" + "".join(parts) + "·" * (len(text) * 2 // 5) + "]"


@lru_cache
def _catalog(name: str) -> gettext_module.NullTranslations:
    path = CATALOGS / name / "LC_MESSAGES" / "messages.po"
    if name not in LANGUAGES or not path.exists():
        return gettext_module.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=name))
    compiled.seek(0)
    return gettext_module.GNUTranslations(compiled)
