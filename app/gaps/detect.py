"""Which export is this: the delimiter, the header line and the profile, by what the file says; never by its name alone."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath

from app.domain.said import say
from app.errors import BadInput
from app.gaps.dates import is_date
from app.gaps.formats import FORMAT_NAMES, PROFILES
from app.gaps.formats.any_tool import GENERIC, generic_profile
from app.gaps.formats.search_console import (
    SEARCH_CONSOLE_LINKS,
    SEARCH_CONSOLE_SAMPLE,
    SEARCH_CONSOLE_SITES,
    TRANSLATIONS,
)
from app.gaps.profiles import Profile, normal_header
from app.gaps.texts import TextFile
from app.keys import ascii_host, registrable_domain

#: A header may stand below a few lines of preamble.
_HEADER_WITHIN = 20
_DELIMITERS = ("\t", ",", ";", "|")
_SAMPLE_ROWS = 50
#: So large a share of the first rows says what a column holds; of few rows, one may be otherwise.
_MOSTLY = 0.9
_LINK = re.compile(r"https?://", re.IGNORECASE)
_COUNT = re.compile(r"\d{1,3}(?:[.,\u00a0\u202f ']\d{3})+|\d+")

_TARGET_IN_NAME = re.compile(
    r"(?:https?[_-]+)?(.+?)[-_]{1,2}(?:backlinks|refdomains|top linking|latest links|more sample)", re.IGNORECASE
)
#: Words by which tools name what they were asked for, and people what they filtered by.
_MODES = frozenset(
    (
        *("subdomains", "subdomain", "domain", "root", "host", "exact", "url", "page", "prefix", "path", "folder"),
        *("dofollow", "nofollow", "follow", "followed", "live", "lost", "new", "broken", "all", "similar", "filtered"),
        *("historical", "historic", "fresh", "recent"),
    )
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file: `skip` lines up to and with the header, `headers` normal, `targets` the columns of a matrix."""

    profile: Profile
    delimiter: str
    skip: int
    headers: tuple[str, ...]
    targets: Mapping[str, int]  # registrable domain of the target -> column
    notes: tuple[str, ...] = ()
    slashes: Mapping[int, str] = field(default_factory=dict)  # column -> `dm` or `md`, for dates like 9/5/2026
    day_first: bool = False  # in the language of its headers nobody writes the month first
    guessed: bool = False  # by what stands in its columns alone: neither somebody nor its headers say what it is

    def column(self, header: str) -> int | None:
        """The first column with this header, or None."""
        return self.headers.index(header) if header in self.headers else None

    @property
    def fields(self) -> dict[str, int]:
        """The fields that this file has, with their columns."""
        found = {}
        for name, headers in self.profile.fields.items():
            column = next((self.headers.index(one) for one in headers.split("|") if one in self.headers), None)
            if column is not None:
                found[name] = column
        return found


def detect(
    text: TextFile, path: PurePath, wanted: str | None = None, mapping: Mapping[str, str] | None = None
) -> Layout:
    """The layout of an export. `wanted` is a name of FORMAT_NAMES; `mapping` (field to header) is for a generic table.

    Raises BadInput with the file, what was seen and what to do, where no format or more than the wanted one does not fit.
    """
    if wanted is not None and wanted not in FORMAT_NAMES:
        raise BadInput(
            say(
                "--format {wanted}: no such format; choose one of {names}.",
                wanted=wanted,
                names=", ".join(FORMAT_NAMES),
            )
        )
    if mapping and wanted not in (None, GENERIC):
        raise BadInput(
            say("{path}: a column mapping is only for --format generic, not for {wanted}.", path=path, wanted=wanted)
        )
    lines = text.head.split("\n")
    start, fixed = _separator_line(lines)
    if wanted == GENERIC or mapping:
        return _generic(lines, start, fixed, path, mapping or {})
    candidates = [PROFILES[wanted]] if wanted else list(PROFILES.values())
    best: tuple[int, int, int, Profile, str, list[str]] | None = None
    for offset, line in enumerate(lines[start : start + _HEADER_WITHIN]):
        for delimiter in (fixed,) if fixed else _DELIMITERS:
            headers = _translated(_cells(line, delimiter))
            for profile in candidates:
                if _fits(profile, headers, asked=profile.name == wanted):
                    matched = len(profile.headers & set(headers)) + len(_target_columns(profile, headers))
                    rank = (matched, len(profile.required), -offset)
                    if best is None or rank > best[:3]:
                        best = (*rank, profile, delimiter, headers)
    if best is not None:
        _matched, _required, minus_offset, profile, delimiter, headers = best
        found = _layout(profile, delimiter, start - minus_offset + 1, headers, path=path)
        said = _cells(lines[start - minus_offset], delimiter)
        return replace(found, day_first=any(normal_header(cell) in TRANSLATIONS for cell in said))
    by_content = _search_console(lines, start, fixed, path, wanted)
    if by_content is not None:
        return by_content
    raise BadInput(_unknown(path, lines, start, fixed, wanted))


def as_of_date(path: PurePath) -> date | None:
    """The date of an export by its file name (`..._2026-02-28_10-15-00.csv`), or None."""
    for found in re.findall(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)", path.name):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None


#: What a list's name says of its scope: the target as it was typed, and the modes and filters.
Scope = tuple[str, frozenset[str]]


def scope_by_name(name: str) -> Scope:
    """Which of the links of a target a list shows, as far as its tool wrote that into the file name (`...-refdomains-exact_...`)."""
    found = _TARGET_IN_NAME.match(name)
    return found[1].lower().strip("_-") if found else "", _MODES & set(re.findall(r"[a-z]+", name.lower()))


def target_by_name(path: PurePath) -> str | None:
    """The target that a tool wrote into the file name (`example.com-backlinks-...`), as a key, or None."""
    found = _TARGET_IN_NAME.match(path.name)
    if found is None:
        return None
    head, dot, ending = found.group(1).removeprefix("sc-domain_").rpartition(".")
    # What follows a hyphen behind the ending is a folder or another list's name (`example.com-blog-refdomains-...`): no ending has one.
    return registrable_domain(head + dot + (ending if ending.lower().startswith("xn--") else ending.partition("-")[0]))


def _separator_line(lines: list[str]) -> tuple[int, str | None]:
    """Skip a spreadsheet's `sep=;` line; return the first line to look at and the delimiter that it fixed."""
    found = re.fullmatch(r'"?sep=(.)"?', lines[0].strip("\r "), re.IGNORECASE) if lines else None
    return (1, found.group(1)) if found else (0, None)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _translated(cells: list[str]) -> list[str]:
    return [TRANSLATIONS.get(header, header) for header in map(normal_header, cells)]


def _layout(
    profile: Profile, delimiter: str, skip: int, headers: list[str], *, path: PurePath, notes: tuple[str, ...] = ()
) -> Layout:
    targets: dict[str, int] = {}
    if profile.kind == "matrix":
        for column, header in enumerate(headers):
            if not header or not _may_be_target(profile, header):
                continue
            key = _target_key(header)
            if key is None and profile.lenient:
                continue
            if key is None:
                raise BadInput(
                    say(
                        "{path}: the column '{header}' of this {title} file names no domain.",
                        path=path,
                        header=header,
                        title=profile.title,
                    )
                )
            if key in targets:
                raise BadInput(say("{path}: two columns name the target {key}; keep one of them.", path=path, key=key))
            targets[key] = column
        if not targets:
            raise BadInput(
                say(
                    "{path}: this {title} file has no target column; export it with at least one domain.",
                    path=path,
                    title=profile.title,
                )
            )
    return Layout(profile, delimiter, skip, tuple(headers), targets, notes)


def _fits(profile: Profile, headers: list[str], *, asked: bool) -> bool:
    if not profile.required <= set(headers) or (profile.any_of and not profile.any_of & set(headers)):
        return False
    if profile is SEARCH_CONSOLE_SAMPLE and not asked and len(headers) > 1:
        # It has this one column; a table that has others as well is some other tool's, of nobody knows whose links.
        return False
    # One host among the headers is no list of targets yet, unless somebody says so or the tool's own columns do.
    enough = 1 if asked or profile.pages or not profile.lenient else 2
    return profile.kind != "matrix" or not profile.lenient or len(_target_columns(profile, headers)) >= enough


def _may_be_target(profile: Profile, header: str) -> bool:
    return header not in profile.not_targets and header not in profile.headers


def _target_key(header: str) -> str | None:
    """The domain that a header names: `example.com`, `example.com/`, `*.example.com/*`; None where it is a word."""
    return registrable_domain(header.removesuffix("*")) if "." in header and " " not in header else None


def _target_columns(profile: Profile, headers: list[str]) -> list[str]:
    if profile.kind != "matrix":
        return []
    return [header for header in headers if _may_be_target(profile, header) and _target_key(header)]


_SCHEME = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")


def _generic(lines: list[str], start: int, fixed: str | None, path: PurePath, mapping: Mapping[str, str]) -> Layout:
    header_line = next((number for number, line in enumerate(lines[start:], start) if line.strip()), start)
    tries = [(delimiter, _cells(lines[header_line], delimiter)) for delimiter in ((fixed,) if fixed else _DELIMITERS)]
    delimiter, cells = max(tries, key=lambda one: len(one[1]))
    headers = [normal_header(cell) for cell in cells]
    rows = [_cells(line, delimiter) for line in lines[header_line + 1 : header_line + 1 + _SAMPLE_ROWS] if line.strip()]
    try:
        draft = generic_profile(headers, mapping, pages=True)
    except KeyError as missing:
        seen = ", ".join(headers)
        if missing.args[0] == "source":
            fix = "say which column holds the linking page or domain: --map source=HEADER"
        else:
            fix = f"there is no column '{missing.args[0]}'"
        raise BadInput(say("{path}: {fix}. Columns seen: {seen}.", path=path, fix=fix, seen=seen)) from missing
    column = headers.index(draft.fields["source"])
    pages = any("/" in _SCHEME.sub("", row[column].strip()).rstrip("/") for row in rows if len(row) > column)
    return _layout(generic_profile(headers, mapping, pages=pages), delimiter, header_line + 1, headers, path=path)


def _enough(good: int, of: int, share: float = _MOSTLY) -> bool:
    """Whether nearly all rows are so: one empty date or one IP address makes no other file."""
    return good > 0 and (good >= share * of or of - good <= 1 < good)


def _mostly(rows: Sequence[list[str]], test: Callable[[list[str]], bool], share: float = _MOSTLY) -> bool:
    return _enough(sum(map(test, rows)), len(rows), share)


def _is_site(row: list[str]) -> bool:
    counts = _COUNT.fullmatch(row[1].strip()) and _COUNT.fullmatch(row[2].strip())
    return bool("/" not in row[0] and ascii_host(row[0]) and counts)


def _is_link(row: list[str]) -> bool:
    return _LINK.match(row[0].strip()) is not None


def _is_dated_link(row: list[str]) -> bool:
    return _is_link(row) and is_date(row[1])


#: The lists of Search Console: their columns, and what a row of them looks like.
_LISTS: tuple[tuple[Profile, tuple[str, ...], Callable[[list[str]], bool]], ...] = (
    (SEARCH_CONSOLE_SITES, ("site", "linking pages", "target pages"), _is_site),
    (SEARCH_CONSOLE_SAMPLE, ("linking page",), _is_link),
    (SEARCH_CONSOLE_LINKS, ("linking page", "last crawled"), _is_dated_link),
)


_OF_OTHERS = frozenset(
    (
        "dr",
        "ur",
        "da",
        "pa",
        "as",
        "tf",
        "cf",
        "authority",
        "domain authority",
        "domain rating",
        "trust flow",
        "citation flow",
        "rank",
        "score",
        "traffic",
        "price",
    )
)


def _search_console(
    lines: list[str], start: int, fixed: str | None, path: PurePath, wanted: str | None
) -> Layout | None:
    """Search Console speaks the person's language: hosts with two counts, or URLs with a date, whatever the headers say.

    Who says that it is such a list (`wanted`) is believed where half of the rows begin like one.
    """
    for delimiter in (fixed,) if fixed else (",", ";", "\t"):
        rows = [_cells(line, delimiter) for line in lines[start : start + _SAMPLE_ROWS] if line.strip()]
        header, body = (rows[0], rows[1:]) if rows else ([], [])
        whole = [row for row in body if len(row) == len(header)]
        if not _enough(len(whole), len(body)):
            continue
        names = [normal_header(cell) for cell in header]
        if wanted is None and not _OF_OTHERS.isdisjoint(names):
            return None  # A table of somebody's own, with figures that Search Console has not.
        note = (f"recognised by its content; the headers '{', '.join(names)}' are in a language that we do not know",)
        # One column only, so no other delimiter may hide in it.
        alone = not any(other in cell for cell in (lines[start], *(row[0] for row in whole)) for other in _DELIMITERS)
        for profile, headers, test in _LISTS:
            if len(header) != len(headers) or wanted not in (None, profile.name) or (len(header) == 1 and not alone):
                continue
            begins = _is_link if profile is SEARCH_CONSOLE_LINKS else test
            if _mostly(whole, test) or (wanted and _mostly(whole, begins, 0.5)):
                found = _layout(profile, delimiter, start + 1, list(headers), path=path, notes=note)
                return replace(found, guessed=wanted is None)
    return None


def _unknown(path: PurePath, lines: list[str], start: int, fixed: str | None, wanted: str | None) -> str:
    first = next((line for line in lines[start:] if line.strip()), "")
    cells = max((_cells(first, delimiter) for delimiter in ((fixed,) if fixed else _DELIMITERS)), key=len)
    seen = ", ".join(cell.strip()[:40] for cell in cells[:12]) + (", ..." if len(cells) > 12 else "")
    if wanted:
        needed = ", ".join(sorted(PROFILES[wanted].required))
        return f"{path}: this is no {PROFILES[wanted].title} export: it needs the columns {needed}; the first line holds: {seen}."
    return (
        f"{path}: no known export has these columns: {seen}. Give --format (one of {', '.join(FORMAT_NAMES)}); "
        "for a table of your own, --format generic with --map source=HEADER."
    )
