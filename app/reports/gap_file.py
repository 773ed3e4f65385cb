"""The gap review as a file: every domain that passes the filters, in the order asked for, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from app.cells import neutral
from app.db.work import Database
from app.reports import gap
from app.reports.gap import Filter
from app.reports.sql import Row

COLUMNS = (
    "domain",
    "stage",
    "tier",
    "overlap",
    "competitors",
    "mention",
    "authority",
    "authority_provider",
    "traffic",
    "dofollow",
    "fit",
    "fit_page",
    "fit_words",
    "winnability",
    "gate",
    "language",
    "best_page",
    "anchor",
    "verification",
    "removed_by",
    "gap_state",
)
_AT_ONCE = 2_000


def lines(db: Database, asked: Filter, pages: Mapping[int, str]) -> Iterator[str]:
    """The text of the file, piece by piece; `pages` are the addresses of our pages by id.

    Which domains and in which order is asked once, so that none is missed or told twice where an import changes the order meanwhile;
    their rows are then read in pieces that hold no transaction open between them, so each is as it is when its turn comes. What is not
    known is an empty cell, several values are parted by a bar, as in the table of `gap analyze`, and no cell acts as a formula.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    with db.read() as uow:
        ids = gap.passing(uow, asked)
    # Without a domain there is still the line of headers.
    for start in range(0, max(len(ids), 1), _AT_ONCE):
        with db.read() as uow:
            rows = gap.of_ids(uow, ids[start : start + _AT_ONCE])
        for row in rows:
            row["fit_page"] = pages.get(row["fit_page_id"])
            writer.writerow([neutral(_cell(row, name)) for name in COLUMNS])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _cell(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "|".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
