"""Whether a text shows a date after another one, in whatever form: with a month in words, in figures, or as a year alone. Pure.

It is asked before a page is called old, so it is generous: what may be a newer date is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from app.domain.absence import month_of

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SHORT_YEAR = re.compile(r"(?<![\d./-])\d{1,2}([./-])\d{1,2}\1(\d\d)(?![\d./-])")
# What stands before a year, and behind it.
_WORDS_BEFORE = re.compile(
    r"(?:(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª)?\.? ?(?:de |of |-)?)?(?<![^\W\d_])([^\W\d_]{3,12})\.?(?: (\d{1,2})(?:st|nd|rd|th)?)?"
    r"(?:, ?| del? | of | |-)\Z",
    re.IGNORECASE,
)
_FIGURES_BEFORE = re.compile(r"(?<!\d)(\d{1,2})([./-]) ?(\d{1,2})\2 ?\Z")
_FIGURES_BEHIND = re.compile(r"([./-])(\d{1,2})(?:\1(\d{1,2}))?(?!\d)")
_REACH = 32
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|\bcopyright\b)[^\n\d]{0,40}(?:(?:19|20)\d\d\s?[-–—]\s?)?(?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d\d\s?©",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{3,12}")


def shows_newer(text: str, last: date, today: date, *, rights: bool = False) -> bool:
    """Whether `text` shows a date after `last`. Years to come are none; the year of a copyright is one only with `rights`."""
    text = text if rights else _COPYRIGHT.sub(_without_year, text)
    for found in _YEAR.finditer(text):
        year = int(found[0])
        if last.year < year <= today.year + 1:
            return True
        if year == last.year:
            before = text[max(0, found.start() - _REACH) : found.start()]
            readings = list(_readings(before, text[found.end() : found.end() + 6]))
            # 3/5 is a day in March or in May: one reading that is not after `last` is enough.
            if readings and all(one > (last.month, last.day) for one in readings):
                return True
    return any(last.year < 2000 + int(found[2]) <= today.year for found in _SHORT_YEAR.finditer(text))


def _readings(before: str, behind: str) -> Iterator[tuple[int, int]]:
    """The month and day (0: none is said) that stand beside a year."""
    words = _WORDS_BEFORE.search(before)
    month = month_of(words[2]) if words else None
    if words and month:
        yield month, int(words[1] or words[3] or 0)
    figures = _FIGURES_BEFORE.search(before)
    if figures:
        pair = int(figures[1]), int(figures[3])
        yield from (one for one in (pair, pair[::-1]) if one[0] <= 12)
    iso = _FIGURES_BEHIND.match(behind)
    if iso and int(iso[2]) <= 12:
        yield int(iso[2]), int(iso[3] or 0)


def _without_year(found: re.Match[str]) -> str:
    # "© Jane. Updated October 2026" has a date all the same.
    said = found[0]
    return said if any(month_of(word) for word in _WORD.findall(said)) or "updat" in said.casefold() else " "
