"""Sentences that remember how they were put together, so that a page can say them in its reader's language.

Services, domain and wires speak English. `say` fills an English template and keeps the template and what filled it beside the text:
the result is the English text everywhere (API, command line, log), and only a page looks further. A column of the type
`app.db.types.Said` keeps both, so that a sentence which is read a week later can still be said in the language of whoever reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

# strftime would follow the machine's locale; the sentences are in English.
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MARK = '{"say":'


class Day(date):
    """A day inside a sentence: 3 May 2026 in English, as the reader writes it on a page."""

    @classmethod
    def of(cls, day: date) -> Self:
        """The same day."""
        return cls(day.year, day.month, day.day)

    def __str__(self) -> str:
        return f"{self.day} {_MONTHS[self.month - 1]} {self.year}"

    def __format__(self, spec: str) -> str:
        return str(self)


class Moment(datetime):
    """A moment inside a sentence: 3 May 2026 09:14 UTC in English, on the reader's clock and as they write it on a page."""

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The same moment."""
        return cls.fromisoformat(moment.astimezone(UTC).isoformat())

    def __str__(self) -> str:
        return f"{self.day} {_MONTHS[self.month - 1][:3]} {self.year} {self.hour:02}:{self.minute:02} UTC"

    def __format__(self, spec: str) -> str:
        return str(self)


class Sentence(str):
    """An English text with the `template` and the `values` that it was made of."""

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, values: dict[str, object]) -> Self:
        """`template` filled with `values`; without any it is taken as it stands."""
        made = super().__new__(cls, template.format(**values) if values else template)
        # A path is a text here: it has to be kept, and its folder taken out.
        values = {name: str(value) if hasattr(value, "__fspath__") else value for name, value in values.items()}
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # Between processes only the text travels: what filled it may not.
        return str, (str(self),)


def say(template: str, /, **values: object) -> Sentence:
    """`template` with its {names} filled; without values it is taken as it stands, braces and all."""
    return Sentence(template, values)


def cut(text: str, most: int) -> str:
    """`text` with at most `most` characters. A sentence that has to be cut becomes a text."""
    return text if len(text) <= most else text[:most]


def joined(parts: Sequence[str]) -> str:
    """Sentences (at least one) one after the other, with semicolons between them; each stays a sentence."""
    whole, *more = parts
    for part in more:
        whole = say("{sentence}; {next}", sentence=whole, next=part)
    return whole


def without(text: str, pattern: str) -> str:
    """`text` without what matches `pattern`, also in the values of a sentence."""
    if not isinstance(text, Sentence):
        return re.sub(pattern, "", text)
    values = {name: without(value, pattern) if isinstance(value, str) else value for name, value in text.values.items()}
    return Sentence(text.template, values)


def stored(text: str) -> str:
    """How a text is kept: as it is, a sentence as JSON of its template and values (`kept` reads both).

    A sentence with a value that JSON does not hold (a moment, say) is kept as its English text.
    """
    if not isinstance(text, Sentence):
        # Nobody's text is taken for a sentence of ours.
        return stored(say("{text}", text=text)) if text.startswith(_MARK) else text
    try:
        return json.dumps(_parts(text), ensure_ascii=False)
    except TypeError:
        return str(text)


def kept(text: str) -> str:
    """What `stored` was given: a text, or a sentence with its template and values."""
    if not text.startswith(_MARK):
        return text
    try:
        return _whole(json.loads(text))
    except (ValueError, LookupError, AttributeError, TypeError):
        return text


def _parts(sentence: Sentence) -> dict[str, object]:
    return {"say": sentence.template, "with": {name: _plain(value) for name, value in sentence.values.items()}}


def _plain(value: object) -> object:
    if isinstance(value, Sentence):
        return _parts(value)
    if isinstance(value, Day):
        return {"day": value.isoformat()}
    if isinstance(value, Moment):
        return {"moment": value.isoformat()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value)} is not kept in a sentence")


def _whole(parts: dict[str, Any]) -> Sentence:
    return Sentence(parts["say"], {name: _value(value) for name, value in parts["with"].items()})


def _value(value: Any) -> object:
    if not isinstance(value, dict):
        return value
    if "moment" in value:
        return Moment.fromisoformat(value["moment"])
    return Day.fromisoformat(value["day"]) if "day" in value else _whole(value)
