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
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from app.domain.people import LANGUAGES
from app.domain.said import Day, Moment, Sentence

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
    return said.format(**{name: _inside(value) for name, value in filling.items()}) if filling else said


def finalize(value: object) -> object:
    """What a template prints: sentences of the services, their days and moments as the reader has them, everything else as it is."""
    if isinstance(value, Moment):
        return str(value) if language() == "en" and zone().key == "UTC" else when(value)
    if isinstance(value, Day):
        return str(value) if language() == "en" else format_date(value, "long", locale=language())
    return _(value) if isinstance(value, Sentence) else value


def _inside(value: object) -> object:
    """What fills a {name}: a number is written as in the reader's language, whatever the text asks of it (`{rows:,}`)."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return _Number(value) if number and language() != "en" else finalize(value)


@dataclass(frozen=True, slots=True)
class _Number:
    value: object

    def __format__(self, spec: str) -> str:
        return format(self.value, spec).translate(_separators(language()))


@lru_cache
def _separators(language: str) -> dict[int, str]:
    return {ord(","): get_group_symbol(language), ord("."): get_decimal_symbol(language)}


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """The form of the sentence that fits `number`, which also fills {number}."""
    reader = _reader.get().language
    said = _catalog(reader).ngettext(one, many, number)
    return (_pseudo(said) if reader == PSEUDO else said).format(
        number=figure(number), **{name: _inside(value) for name, value in values.items()}
    )


def mark(text: str) -> str:
    """Name a text for the catalog where it is written down; it is translated where it is shown."""
    return text


def when(moment: datetime | date) -> str:
    """A moment in the reader's zone, or a day, as it is written in the reader's language."""
    if not isinstance(moment, datetime):
        return _dated(moment, "d MMM y", "yMMMd")
    at = moment.astimezone(zone())
    said = f"{_dated(at, 'd MMM y', 'yMMMd')} {at.strftime('%H:%M')}"
    return f"{said} UTC" if at.utcoffset() == UTC.utcoffset(None) else said


def there(moment: datetime, zone_name: str) -> str:
    """A moment on the clock of a place, with the name of its zone: "Mon 09:14 (Europe/Berlin)"."""
    at = moment.astimezone(ZoneInfo(zone_name))
    return f"{format_datetime(at, 'EEE HH:mm', locale=Locale.parse(language()))} ({zone_name})"


def day(moment: date) -> str:
    """A day without its year, as it is written in the reader's language."""
    return _dated(moment, "d MMM", "MMMd")


def _dated(moment: date, pattern: str, skeleton: str) -> str:
    """English with the day first, everywhere; another language in its own way ("1. Juli 2026"), by the Unicode CLDR."""
    if language() == "en":
        return str(format_date(moment, pattern, locale="en"))
    return str(format_skeleton(skeleton, moment, locale=language()))


def figure(value: float) -> str:
    """A number with at most one decimal, as it is written in the reader's language."""
    return str(format_decimal(round(value, 1), format="#,##0.#", locale=language()))


def amount(value: float) -> str:
    """A number with all the decimals that it has (up to ten digits), as it is written in the reader's language."""
    return f"{_Number(value):,.10g}"


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
