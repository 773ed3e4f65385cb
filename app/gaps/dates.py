"""Dates as the tools and spreadsheets write them: what looks like one, the SQL that reads it, and which part of 9/5/2026 is the day."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable

#: The names of the months and how they are shortened, without accents, in the languages in which Search Console is used most.
_MONTHS = (
    "january jan januar janner janvier janv enero ene janeiro gennaio gen januari января янв stycznia sty ocak oca",
    "february feb februar fevrier fevr febrero fevereiro fev febbraio februari февраля февр фев lutego lut subat sub",
    "march mar marz mrz mars marzo marco maart mrt марта мар marca mart",
    "april apr avril avr abril abr aprile апреля апр kwietnia kwi nisan nis",
    "may mai mayo maio maggio mag mei мая маи maja maj mayıs",
    "june jun juni juin junio junho giugno giu июня июн czerwca cze haziran haz",
    "july jul juli juillet juil julio julho luglio lug июля июл lipca lip temmuz tem",
    "august aug aout agosto ago augustus августа авг sierpnia sie augusti agustos agu",
    "september sep sept septembre septiembre setiembre setembro set settembre сентября сент сен wrzesnia wrz eylul eyl",
    "october oct oktober okt octobre octubre outubro out ottobre октября окт pazdziernika paz ekim eki",
    "november nov novembre noviembre novembro ноября нояб ноя listopada lis kasım kas",
    "december dec dezember dez decembre diciembre dic dezembro dicembre декабря дек grudnia gru aralık ara",
)
_TIME = r"(?:[ T,]+\d{1,2}:\d{2}.*)?"
_DAY_FIRST = r"(\d{1,2})\.? (?:de )?(\p{L}+)\.? (?:de )?(\d{4})"
_MONTH_FIRST = r"(\p{L}+)\.? (\d{1,2}), (\d{4})"
_SIGNS = r"(\d{4}) ?[年년.] ?(\d{1,2}) ?[月월.] ?(\d{1,2}) ?[日일.]?"
# Spreadsheets that save a file again may shorten the year; which part is the day shows as in the long form.
_SLASHED = r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})"
_ONE_SLASHED = r"(\d{1,2}/\d{1,2}/(?:\d\d){1,2})"
_FORMS = (r"\d{4}[-/]\d{1,2}[-/]\d{1,2}", _SLASHED, r"\d{1,2}\.\d{1,2}\.\d{4}", _DAY_FIRST, _MONTH_FIRST, _SIGNS)
# In Russian the year is followed by the word for it, shortened.
_DATE = re.compile(f"(?:{'|'.join(_FORMS)})(?: г\\.?)?{_TIME}".replace(r"\p{L}", r"[^\W\d_]"))
_PARTS = re.compile(_SLASHED + _TIME)


def is_date(text: str) -> bool:
    """Whether a cell is written like a date."""
    return _DATE.fullmatch(text.strip()) is not None


def _of(pattern: str, names: str) -> str:
    """SQL for the date of the text `x` by a pattern with groups called d, m and y in `names`; null where it does not match."""
    return f"gb_date_of(regexp_extract(x, '^{pattern}', {list(names)}))"


_NAMES = [(name, str(number)) for number, names in enumerate(_MONTHS, 1) for name in sorted(set(names.split()))]

#: `gb_date` reads what can be read in one way; `gb_date_dm` and `gb_date_md` also 9/5/2026, by which of its parts is the day. These
#: are for files that write so: their form comes first, and no other pattern is tried on it.
MACROS = (
    # What a macro is given is written out wherever it names it, and each date of a file meets all of this: so a word is looked up in a
    # list instead of compared in a dozen branches, and the groups of a pattern are bound once, by a lambda.
    f"""CREATE OR REPLACE MACRO gb_month(word) AS {[number for _, number in _NAMES]}[
        list_position({[name for name, _ in _NAMES]}, strip_accents(lower(word)))]""",
    """CREATE OR REPLACE MACRO gb_date_of(found) AS list_transform(
        [found], lambda f: try_cast(f.y || '-' || coalesce(gb_month(f.m), f.m) || '-' || f.d AS DATE))[1]""",
    f"""CREATE OR REPLACE MACRO gb_date_said(x) AS coalesce(
        try_strptime(split_part(x, ' ', 1), ['%d.%m.%Y', '%Y/%m/%d'])::DATE,
        {_of(_DAY_FIRST, "dmy")}, {_of(_MONTH_FIRST, "mdy")}, {_of(_SIGNS, "ymd")})""",
    # Trimmed in two ways, because what stands in a statement twice is worked out once, but for every row.
    # 1/2/26 is no day of the year 1: what lies before 1677 does not fit into nanoseconds. A comparison would name the date twice, and so
    # have every form worked out for every row.
    """CREATE OR REPLACE MACRO gb_date(x) AS try_cast(coalesce(
        try_cast(left(x, 10) AS DATE), try_cast(left(rtrim(ltrim(x)), 10) AS DATE), gb_date_said(trim(x))) AS TIMESTAMP_NS)::DATE""",
    # A year of two digits is read as one of the first century: up to 69 it is of this one, as strptime has it.
    """CREATE OR REPLACE MACRO gb_whole_year(day) AS list_transform([day], lambda d: CASE WHEN year(d) < 70
        THEN d + INTERVAL 2000 YEARS WHEN year(d) < 100 THEN d + INTERVAL 1900 YEARS ELSE d END)[1]::DATE""",
    *(
        f"""CREATE OR REPLACE MACRO gb_date_{order}(x) AS coalesce(CASE WHEN contains(x, '/') THEN gb_whole_year(
            try_strptime(regexp_extract(x, '^ *{_ONE_SLASHED}(?:[ T,]|$)', 1), '{form}')) END, gb_date(x))"""
        for order, form in (("dm", "%d/%m/%Y"), ("md", "%m/%d/%Y"))
    ),
)


def orders(lines: Iterable[str], delimiter: str, columns: Collection[int], *, first: bool = False) -> dict[int, str]:
    """Which part of dates with slashes is the day, by column: `dm`, `md`, or empty where every date can be read both ways.

    A column without such dates is left out. One date with a part above 12 decides for its column, because a tool writes all alike; after the
    `first` one there is nothing more to look for, where that is said.
    """
    found: dict[int, str] = {}
    open_columns = set(columns)
    rows = csv.reader(lines, delimiter=delimiter)
    while open_columns:
        try:
            row = next(rows, None)
        except csv.Error:
            continue
        if row is None:
            break
        for column in list(open_columns):
            parts = _PARTS.fullmatch(row[column].strip()) if column < len(row) else None
            if parts is None:
                continue
            found.setdefault(column, "")
            if int(parts[1]) > 12 or int(parts[2]) > 12:
                found[column] = "dm" if int(parts[1]) > 12 else "md"
                open_columns.discard(column)
                if first:
                    return found
    return found
