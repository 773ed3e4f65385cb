"""Pages that may name us, out of lists and searches: kept with their source, and read by the mention check like any other."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.db.work import UnitOfWork
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.fetch.urls import parse_url
from app.gaps.textfile import detect_encoding
from app.keys import site_key
from app.mentions import repository, service
from app.models import Prospect
from app.prospects import intake

MOST = 10_000
_MAX_BYTES = 20_000_000
_MAX_URL = 2_000
_KEPT_REASONS = 200
# Headers of the columns in which mention tools put the page, without spaces and marks.
_COLUMNS = (
    ("mentionurl", "pageurl", "sourceurl", "articleurl", "posturl", "resulturl", "mentionlink", "permalink"),
    ("url", "link", "page", "address", "source", "webpage", "uri"),
)


@dataclass(slots=True)
class Taken:
    """What became of a list: new candidates, those known already, prospects made, and the lines that were not taken."""

    taken: int = 0
    known: int = 0
    prospects: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    rejected_count: int = 0

    def reject(self, line: int, reason: str) -> None:
        """Count a line that was not taken; the first ones are kept with their reason."""
        self.rejected_count += 1
        if len(self.rejected) < _KEPT_REASONS:
            self.rejected.append((line, reason))

    def add(self, other: Taken) -> None:
        """Count another list with this one."""
        self.taken, self.known, self.prospects = (
            self.taken + other.taken,
            self.known + other.known,
            self.prospects + other.prospects,
        )
        self.rejected_count += other.rejected_count
        self.rejected = [*self.rejected, *other.rejected][:_KEPT_REASONS]


def take(uow: UnitOfWork, site_id: int, urls: Iterable[str], *, source: str, actor: str, first_line: int = 1) -> Taken:
    """Keep pages as candidates. A domain that is no prospect becomes one; pages of prospects are looked at again.

    Our own pages and those of competitors are refused, and so is what is no address. The same list twice adds nothing.
    """
    made = Taken()
    wake: dict[int, None] = {}
    for line, given in enumerate(urls, first_line):
        url = given.strip().partition("#")[0]
        try:
            parsed = parse_url(url)
        except ValueError as error:
            made.reject(line, str(error))
            continue
        key = site_key(url)
        if len(url) > _MAX_URL or key is None:
            made.reject(line, f"'{url[:80]}' is no page on a public domain")
            continue
        try:
            found = intake.take(uow, site_id, url, page=str(parsed), actor=actor)
        except BadInput as error:
            made.reject(line, error.detail)
            continue
        made.prospects += found.created
        if repository.add_candidate(uow.session, found.prospect.id, url, source, uow.now()):
            made.taken += 1
            wake[found.prospect.id] = None
        else:
            made.known += 1
    for prospect_id in wake:
        prospect = uow.session.get_one(Prospect, prospect_id)
        if prospect.stage in (Stage.PROSPECT, Stage.CHECKED_MENTION):
            service.request(uow, prospect_id)
    return made


def take_file(uow: UnitOfWork, site_id: int, path: Path, *, actor: str, name: str | None = None) -> Taken:
    """Keep the pages of a CSV list as mention tools export it: any delimiter, a column with the page's address.

    Raises BadInput for what is no text, for a file without such a column, and for more than MOST lines.
    """
    shown = name or path.name
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput(
            say("{shown}: larger than {max_bytes} MB", shown=shown, max_bytes=_MAX_BYTES // 1000000),
            FieldProblem("file", say("Cut the list")),
        )
    raw = path.read_bytes()
    encoding = {"utf-16-le-bom": "utf-16", "utf-16-be-bom": "utf-16"}.get(
        found := detect_encoding(raw, Path(shown)), found
    )
    rows = _rows(raw.decode(encoding, "replace"), shown)
    return take(uow, site_id, rows, source=f"list: {shown}"[:200], actor=actor, first_line=2)


def _rows(text: str, shown: str) -> list[str]:
    head, _, _ = text.partition("\n")
    try:
        delimiter = csv.Sniffer().sniff(head, delimiters=",;\t|").delimiter
    except csv.Error:
        delimiter = ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = next(reader, [])
        names = ["".join(c for c in cell.lower() if c.isalnum()) for cell in header]
        column = next((names.index(one) for group in _COLUMNS for one in group if one in names), None)
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadInput(
            say("{shown}: the list cannot be read ({error})", shown=shown, error=error),
            FieldProblem("file", say("Export it as CSV")),
        ) from None
    if column is None and len(header) == 1 and header[0].strip().startswith(("http://", "https://")):
        # A bare list of addresses has no header.
        column, rows = 0, [header, *rows]
    if column is None:
        raise BadInput(
            say(
                "{shown}: no column holds the address of the page ({names})", shown=shown, names=", ".join(header)[:200]
            ),
            FieldProblem("file", say("Name the column url")),
        )
    if len(rows) > MOST:
        raise BadInput(
            say("{shown}: {count} lines, at most {most}", shown=shown, count=len(rows), most=MOST),
            FieldProblem("file", say("Cut the list")),
        )
    return [row[column] if column < len(row) else "" for row in rows]
