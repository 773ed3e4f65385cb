"""How a list of addresses is laid out: its encoding, its delimiter, and which column holds what, in files of any tool."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from app.cells import FORMULA_START
from app.domain.said import say
from app.errors import BadInput, FieldProblem

_LONGEST_LINE = 100_000

#: How other tools head the columns that we use (listmonk, Mailchimp, SendGrid, Amazon SES, Mailgun, Instantly and spreadsheets).
NAMES: Mapping[str, frozenset[str]] = {
    "value": frozenset(
        [
            "value",
            "email",
            "e_mail",
            "email_address",
            "emailaddress",
            "e_mail_address",
            "mail",
            "address",
            "recipient",
            "subscriber",
            "contact",
            "contact_email",
            "lead_email",
            "domain",
            "domain_name",
            "website",
            "host",
            "url",
            "blocked",
            "suppressed",
            "pattern",
            "entry",
        ]
    ),
    "kind": frozenset(["kind", "type", "scope", "category"]),
    "reason": frozenset(
        ["reason", "reason_for_suppression", "status", "cause", "unsub_reason", "bounce_type", "suppression_reason"]
    ),
    "site": frozenset(["site", "site_id", "project", "client", "workspace"]),
    "source": frozenset(["source", "origin", "list", "campaign", "added_via"]),
    "key": frozenset(["key"]),
}
# Where several columns could hold the value, the more certain name wins.
_CERTAIN = ("value", "email", "e_mail", "email_address", "emailaddress", "contact_email", "lead_email", "domain")


def open_text(path: Path) -> TextIO:
    """The file as text, in the encoding that its first bytes show. Raises BadInput for what is no text."""
    with path.open("rb") as raw:
        start = raw.read(4096)
    encoding = "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in start:
        raise BadInput(say("{path}: this is no text file; save the list as CSV (UTF-8)", path=path))
    else:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(start)
        except UnicodeDecodeError:
            encoding = "cp1252"
    return path.open(encoding=encoding, errors="replace", newline="")


def rows_of(
    stream: TextIO, name: str, mapping: Mapping[str, str] | None, told: Callable[[dict[str, str]], None]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, {field: text}) of every row that is not empty; `told` gets field to column first. Raises BadInput."""
    csv.field_size_limit(_LONGEST_LINE)
    lines = _numbered(stream)
    head: list[tuple[int, str]] = []
    for numbered in lines:
        if numbered[1].strip() and not numbered[1].lstrip().startswith("#"):
            head.append(numbered)
        if len(head) >= 20:
            break
    if not head:
        raise BadInput(
            say("{name}: the file is empty", name=name),
            FieldProblem("file", say("One address, domain or pattern on each line")),
        )
    delimiter = _delimiter([text for _, text in head])
    first = next(csv.reader([head[0][1]], delimiter=delimiter), [])
    columns, has_header = _columns(
        name, first, mapping, [next(csv.reader([t], delimiter=delimiter), []) for _, t in head]
    )
    told({known: (first[at] if has_header else f"column {at + 1}") for known, at in columns.items()})

    def read() -> Iterator[tuple[int, list[str]]]:
        at = 0

        def feed() -> Iterator[str]:
            nonlocal at
            for number, text in head:
                at = number
                yield text
            for number, text in lines:
                at = number
                yield text

        try:
            for cells in csv.reader(feed(), delimiter=delimiter):
                yield at, cells
        except csv.Error as error:
            raise BadInput(
                say(
                    "{name}, line {at}: {error}; a quote is not closed, or a line is longer than "
                    "{longest_line} characters. Rows before it were taken; mend the line and import the file "
                    "again",
                    name=name,
                    at=at,
                    error=error,
                    longest_line=_LONGEST_LINE,
                )
            ) from None

    for number, (line, cells) in enumerate(read()):
        if (number == 0 and has_header) or not any(cell.strip() for cell in cells):
            continue
        if cells[0].lstrip().startswith("#"):
            continue
        yield line, {known: _plain(cells[at]) for known, at in columns.items() if at < len(cells)}


def _numbered(stream: TextIO) -> Iterator[tuple[int, str]]:
    number = 0
    while text := stream.readline(_LONGEST_LINE):
        number += 1
        yield number, text.replace("\0", "")


def _delimiter(lines: list[str]) -> str:
    counts = {mark: [line.count(mark) for line in lines] for mark in (",", ";", "\t", "|")}
    steady = {mark: min(found) for mark, found in counts.items() if min(found) > 0}
    return (
        max(steady, key=lambda mark: steady[mark])
        if steady
        else ("," if any(counts[","]) else ";" if any(counts[";"]) else ",")
    )


def _columns(
    name: str, first: list[str], mapping: Mapping[str, str] | None, sample: list[list[str]]
) -> tuple[dict[str, int], bool]:
    heads = [re.sub(r"[\s-]+", "_", cell.strip().casefold()) for cell in first]
    if mapping:
        return _mapped(name, first, mapping)
    if any("@" in cell or _looks_like_rule(cell) for cell in first):
        return {"value": _best_column(sample)}, False
    found: dict[str, int] = {}
    for known, names in NAMES.items():
        at = [place for place, head in enumerate(heads) if head in names]
        if known == "value":
            at.sort(
                key=lambda place: next((n for n, sure in enumerate(_CERTAIN) if heads[place] == sure), len(_CERTAIN))
            )
        if at:
            found[known] = at[0]
    if "value" not in found:
        place = _best_column(sample[1:])
        if not any(_looks_like_rule(row[place]) for row in sample[1:] if place < len(row)):
            raise BadInput(
                say(
                    "{name}: no column holds addresses or domains (columns: {names})",
                    name=name,
                    names=", ".join(first)[:200],
                ),
                FieldProblem("mapping", say("Name it: value=HEADER, or value=NUMBER with columns counted from 1")),
            )
        found["value"] = place
    return found, True


def _mapped(name: str, first: list[str], mapping: Mapping[str, str]) -> tuple[dict[str, int], bool]:
    found: dict[str, int] = {}
    by_name = False
    for known, wanted in mapping.items():
        if known not in NAMES:
            raise BadInput(
                say("there is no field '{known}'", known=known),
                FieldProblem("mapping", say("Fields are {names}", names=", ".join(NAMES))),
            )
        if wanted.isdigit():
            found[known] = int(wanted) - 1
            continue
        by_name = True
        at = [place for place, cell in enumerate(first) if cell.strip().casefold() == wanted.strip().casefold()]
        if not at:
            raise BadInput(
                say(
                    "{name}: there is no column '{wanted}' (columns: {names})",
                    name=name,
                    wanted=wanted,
                    names=", ".join(first)[:200],
                ),
                FieldProblem("mapping", say("Write the header as it stands in the file, or the number of the column")),
            )
        found[known] = at[0]
    if "value" not in found or found["value"] < 0:
        raise BadInput(
            say("the mapping does not say where the addresses are"), FieldProblem("mapping", say("Add value=HEADER"))
        )
    value = first[found["value"]] if found["value"] < len(first) else ""
    return found, by_name or not _looks_like_rule(value)


def _best_column(sample: list[list[str]]) -> int:
    width = max((len(row) for row in sample), default=1)
    score = [
        sum(_looks_like_rule(row[at]) + ("@" in row[at]) for row in sample if at < len(row)) for at in range(width)
    ]
    return score.index(max(score)) if score else 0


def _looks_like_rule(cell: str) -> bool:
    text = _plain(cell)
    return bool(re.fullmatch(r"[^\s@]*@[^\s@]+|(?:[\w-]+\.)+[\w-]{2,}", text))


def _plain(cell: str) -> str:
    text = cell.strip()
    # What an export has put before a cell so that no spreadsheet runs it.
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_START) else text
