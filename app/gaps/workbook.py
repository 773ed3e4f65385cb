"""Excel workbooks: every sheet that holds something, as text in the form that the rest of the room reads."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from app.domain.said import say
from app.errors import BadInput
from app.gaps.texts import TextFile, finished

#: The library holds a sheet in memory as a whole, so a workbook may not unpack to more than this.
MAX_UNPACKED = 512 << 20


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
