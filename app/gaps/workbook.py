"""Excel workbooks: every sheet that holds something, as text in the form that the rest of the room reads."""

from __future__ import annotations

import csv
import os
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from functools import reduce
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from app.domain.said import say
from app.errors import BadInput
from app.gaps.texts import TextFile, finished

#: The library holds a sheet in memory as a whole, so a workbook may not unpack to more than this.
MAX_UNPACKED = 512 << 20
#: And it holds the whole rectangle around a sheet's cells, so one stray cell may ask for more memory than there is.
MAX_CELLS = 40_000_000
_CELL = re.compile(rb"""\br\s{0,3}=\s{0,3}["']([A-Z]{1,3})([0-9]{1,7})["']""")
_PIECE = 1 << 20


def sheets(path: Path, into: Path, unpacked: int) -> list[TextFile]:
    """One text for each sheet with cells, the hidden ones too. Raises BadInput where the workbook cannot be read."""
    if unpacked > MAX_UNPACKED:
        raise BadInput(
            say(
                "{path}: the workbook unpacks to {unpacked:,} MiB; save the sheet as CSV and give that file.",
                path=path,
                unpacked=unpacked >> 20,
            )
        )
    _refuse_far_cells(path)
    texts = []
    try:
        book = CalamineWorkbook.from_path(path)
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
            if any(any(cell != "" for cell in row) for row in rows):
                target = into / f"text-{len(os.listdir(into))}.csv"
                with target.open("w", encoding="utf-8", newline="") as out:
                    csv.writer(out, lineterminator="\n").writerows([_text(cell) for cell in row] for row in rows)
                text = finished(path, target, "utf-8", ())
                texts.append(replace(text, name=f"{path.name}: {name}", encoding="xlsx", member=name))
    except PasswordError as error:
        raise BadInput(say("{path}: the workbook has a password; save it without one.", path=path)) from error
    except CalamineError as error:
        raise BadInput(
            say(
                "{path}: the workbook cannot be read ({error}); save the sheet as CSV and give that file.",
                path=path,
                error=error,
            )
        ) from error
    if not texts:
        raise BadInput(say("{path}: the workbook is empty; export it again.", path=path))
    return texts


def _refuse_far_cells(path: Path) -> None:
    """Raise BadInput for a sheet whose cells lie too far apart; asked of the cells, because what it says of its size may be wrong."""
    with zipfile.ZipFile(path) as archive:
        # A sheet may lie anywhere in it.
        for name in archive.namelist():
            if Path(name).parts[-2:-1] == ("worksheets",) and Path(name).suffix == ".bin":
                raise BadInput(say("{path}: this is a binary workbook; save it as .xlsx, or as CSV.", path=path))
            rows, columns = _extent(archive, name)
            if rows * columns > MAX_CELLS:
                raise BadInput(
                    say(
                        "{path}: a sheet reaches over {rows:,} rows and {columns:,} columns; delete what lies far off its table, "
                        "or save the sheet as CSV.",
                        path=path,
                        rows=rows,
                        columns=columns,
                    )
                )


def _extent(archive: zipfile.ZipFile, name: str) -> tuple[int, int]:
    first, last = 0, -1
    columns: set[bytes] = set()
    with archive.open(name) as stream:
        held = b""
        while piece := stream.read(_PIECE):
            for column, row in _CELL.findall(held + piece):
                columns.add(column)
                number = int(row)
                if last < 0 or number < first:
                    first = number
                last = max(last, number)
            held = piece[-32:]
    if last < 0:
        return 0, 0
    numbers = [reduce(lambda all, one: all * 26 + one - 64, column, 0) for column in columns]
    return last - first + 1, max(numbers) - min(numbers) + 1


def _text(cell: Any) -> str:
    """A cell as an export would have written it: whole numbers without a point, dates as YYYY-MM-DD."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").replace("\x1f", "")
