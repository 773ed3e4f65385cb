"""A mention tool's list as a file: any table that the imports read, its header wherever it stands, one address a row with its line."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.domain.mention_lists import marks_mentions, page_column, why_not
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.gaps.textfile import open_texts
from app.gaps.uploads import SHOWN, Look

#: More lines than this in one list are refused.
MOST = 10_000
_MAX_BYTES = 20_000_000
_HEADER_WITHIN = 20
_DELIMITERS = "\t,;|"
_WHY = {
    "link": say("Majestic marks this row as a link, not as a mention"),
    "gone": say("Majestic marks this row as gone"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its line in the file, the address as it is written, and why the tool itself speaks against it (empty: it does not)."""

    number: int
    url: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with its header found; `column` is None where no header names the page."""

    headers: tuple[str, ...]
    column: int | None
    rows: list[tuple[int, list[str]]]  # with the line on which each begins


def look(path: Path, *, mapping: Mapping[str, str] | None = None) -> Look:
    """What a list seems to be, with its first rows. `mapping` says the column of the page: {"page": HEADER}.

    Raises BadInput for what nobody can read as a table; a table without a column for the page only has a `problem`.
    """
    table = _open(path, mapping)
    format = None if table.column is None else "majestic" if marks_mentions(table.headers) else "list"
    fields = {} if table.column is None else {"page": table.headers[table.column]}
    rows = tuple(tuple(row) for _, row in table.rows[:SHOWN])
    problem = None if table.column is not None else _unknown(path.name, table).detail
    return Look("Majestic" if format == "majestic" else None, format, table.headers, rows, fields, None, problem)


def read(path: Path, *, mapping: Mapping[str, str] | None = None) -> list[Line]:
    """The rows of a list. Raises BadInput for what `look` refuses, and where no column holds the page."""
    table = _open(path, mapping)
    if table.column is None:
        raise _unknown(path.name, table)
    lines = []
    for number, row in table.rows:
        why = why_not(table.headers, row)
        url = row[table.column].strip() if table.column < len(row) else ""
        lines.append(Line(number, url, _WHY[why] if why else ""))
    return lines


def _open(path: Path, mapping: Mapping[str, str] | None) -> _Table:
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput(
            say("{shown}: larger than {max_bytes} MB", shown=path.name, max_bytes=_MAX_BYTES // 1000000),
            FieldProblem("file", say("Cut the list")),
        )
    with tempfile.TemporaryDirectory(prefix="gapbridge-list-") as folder:
        texts = open_texts(path, Path(folder))
        if len(texts) > 1:
            raise BadInput(
                say("{shown}: {count} tables in one file", shown=path.name, count=len(texts)),
                FieldProblem("file", say("Export one list as CSV")),
            )
        if texts[0].path.stat().st_size > _MAX_BYTES * 5:
            raise BadInput(
                say("{shown}: larger than {max_bytes} MB", shown=path.name, max_bytes=_MAX_BYTES // 200000),
                FieldProblem("file", say("Cut the list")),
            )
        text = texts[0].path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        return _table(text, path.name, (mapping or {}).get("page"))
    except csv.Error as error:
        raise BadInput(
            say("{shown}: the list cannot be read ({error})", shown=path.name, error=error),
            FieldProblem("file", say("Export it as CSV")),
        ) from None


def _table(text: str, shown: str, wanted: str | None) -> _Table:
    start, lines = 0, text.split("\n")
    if lines[0].lower().startswith("sep="):
        start = 1
    # Tools put the name of the project and its dates above the header.
    for at in range(start, min(start + _HEADER_WITHIN, len(lines))):
        headers = _cells(lines[at])
        named = headers.index(wanted) if wanted in headers else None
        column = named if wanted is not None else page_column(headers)
        if column is not None:
            return _Table(tuple(headers), column, _rows(lines, at + 1, _delimiter(lines[at]), shown))
    first = next((at for at in range(start, len(lines)) if lines[at].strip()), start)
    headers = _cells(lines[first])
    if len(headers) == 1 and headers[0].startswith(("http://", "https://")):
        # A bare list of addresses has no header.
        return _Table(("",), 0, _rows(lines, first, ",", shown))
    if wanted is not None:
        raise BadInput(
            say("{shown}: there is no column '{wanted}'", shown=shown, wanted=wanted),
            FieldProblem("map-page", say("Choose the column that holds the address of the page")),
        )
    return _Table(tuple(headers), None, _rows(lines, first + 1, _delimiter(lines[first]), shown))


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count) if any(one in line for one in _DELIMITERS) else ","


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=_delimiter(line)), [])]


def _rows(lines: list[str], start: int, delimiter: str, shown: str) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(_with_ends(lines[start:]), delimiter=delimiter)
    begins = start + 1
    for row in reader:
        if any(cell.strip() for cell in row):
            found.append((begins, row))
        begins = start + 1 + reader.line_num
        if len(found) > MOST:
            raise BadInput(
                say("{shown}: more than {most} lines", shown=shown, most=MOST),
                FieldProblem("file", say("Cut the list")),
            )
    return found


def _with_ends(lines: list[str]) -> Iterator[str]:
    # The reader joins the lines of a quoted cell only where they bring their ends.
    return (f"{line}\n" for line in lines)


def _unknown(shown: str, table: _Table) -> BadInput:
    names = ", ".join(table.headers)[:200]
    return BadInput(
        say("{shown}: no column holds the address of the page ({names})", shown=shown, names=names),
        FieldProblem("map-page", say("Choose the column that holds the address of the page")),
    )
