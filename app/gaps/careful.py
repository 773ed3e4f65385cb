"""The slow, careful reader: takes what is whole out of a broken file and says, line by line, what it had to leave.

The engine reads clean files; where it meets one bad row it stops, and this reader goes over the file once. It knows that a
quote which is never closed must not swallow the rows behind it: it gives up only the line where the quote was opened.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: A quoted cell may run over this many lines; beyond it, the quote is taken for a broken one.
MAX_CELL_LINES = 200
MAX_RECORD = 1 << 20
#: So many rejected rows are kept with their line; all are counted.
KEEP = 10_000

BAD_QUOTE = "bad-quote"
BAD_WIDTH = "wrong-width"
TOO_LONG = "too-long"
NO_SOURCE = "no-source"
NO_DOMAIN = "no-domain"

REASONS = {
    BAD_QUOTE: "a quote is not closed, or text follows a closing quote",
    BAD_WIDTH: "the row has more or fewer cells than the header",
    TOO_LONG: "the row is longer than a mebibyte",
    NO_SOURCE: "the cell that names the linking page or domain is empty",
    NO_DOMAIN: "the linking page or domain is no host name with a registrable domain (an IP address, for example)",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was left out: `line` counts from 1 in the file as opened, `text` is its beginning."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Rejects:
    """All rejected rows of a file: counted by reason, the first KEEP of them with their line."""

    counts: Counter[str] = field(default_factory=Counter)
    rows: list[Reject] = field(default_factory=list)

    def add(self, line: int, reason: str, text: str) -> None:
        """Count one row and keep it while there is room."""
        self.counts[reason] += 1
        if len(self.rows) < KEEP:
            self.rows.append(Reject(line, reason, text[:200]))

    @property
    def total(self) -> int:
        """How many rows were rejected."""
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Record:
    """A whole row: its first line (from 1), the text as it stands in the file, and its cells."""

    line: int
    text: str
    cells: list[str]


def records(path: Path, *, delimiter: str, skip: int, width: int, rejects: Rejects) -> Iterator[Record]:
    """The rows of a UTF-8 file that have `width` cells; the others go to `rejects`. `skip` lines are passed over first.

    Lines that are blank are not rows.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as source:
        for _ in range(skip):
            next(source, None)
        waiting: list[str] = []  # lines read ahead for a quoted cell that turned out to be broken
        line = skip
        while True:
            first = waiting.pop(0) if waiting else next(source, "")
            if not first:
                return
            line += 1
            if not first.strip():
                continue
            taken = [first]
            verdict, cells = _parse(first, delimiter, width)
            size = len(first)
            while verdict == "open" and len(taken) < MAX_CELL_LINES and size < MAX_RECORD:
                following = waiting[len(taken) - 1] if len(waiting) >= len(taken) else next(source, "")
                if not following:
                    break
                if len(waiting) < len(taken):
                    waiting.append(following)
                taken.append(following)
                size += len(following)
                # Only a line with a quote can close the cell; the others are not worth a new parse.
                if '"' in following:
                    verdict, cells = _parse("".join(taken), delimiter, width)
            if size >= MAX_RECORD:
                rejects.add(line, TOO_LONG, first)
            elif verdict == "ok":
                del waiting[: len(taken) - 1]
                yield Record(line, "".join(taken), cells)
                line += len(taken) - 1
            else:
                # A record over several lines that does not fit is one broken first line; the others get their own chance.
                single = _parse(first, delimiter, width)[0]
                rejects.add(line, BAD_WIDTH if single == "width" else BAD_QUOTE, first.rstrip("\n"))


def _parse(text: str, delimiter: str, width: int) -> tuple[str, list[str]]:
    """`ok` with the cells, `open` (a quote waits for its end), `width`, or `quote` (text after a closing quote)."""
    try:
        cells = next(csv.reader([text.removesuffix("\n")], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return ("open" if "unexpected end" in str(error) else "quote"), []
    return ("ok", cells) if len(cells) == width else ("width", cells)


def write_clean(path: Path, out: Path, *, delimiter: str, skip: int, width: int) -> tuple[int, Rejects]:
    """Copy the whole rows of `path` to `out` (no header) as they stand; return how many there are, and the rejects."""
    rejects = Rejects()
    count = 0
    with out.open("w", encoding="utf-8", newline="") as target:
        for record in records(path, delimiter=delimiter, skip=skip, width=width, rejects=rejects):
            target.write(record.text if record.text.endswith("\n") else record.text + "\n")
            count += 1
    return count, rejects


def locate(
    path: Path, *, delimiter: str, skip: int, width: int, column: int, reason_of: Callable[[str], str | None]
) -> Rejects:
    """The rows whose cell in `column` is refused by `reason_of`, with their lines; rows that are not whole are passed over."""
    found = Rejects()
    for record in records(path, delimiter=delimiter, skip=skip, width=width, rejects=Rejects()):
        if reason := reason_of(record.cells[column]):
            found.add(record.line, reason, record.text.rstrip("\n"))
    return found
