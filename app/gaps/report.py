"""What became of each file: the report that the command prints, the pipeline stores and the page shows."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from app.cells import neutral
from app.gaps.careful import REASONS, Rejects

REJECT_COLUMNS = ("file", "line", "reason", "why", "text")


@dataclass(slots=True)
class FileReport:
    """One file: `read` = `taken` + `lost` + `mentions` + `duplicates` + rejected. `capped` is None where the tool's limit is not known."""

    file: str
    format: str
    provider: str
    role: str
    target: str | None
    as_of: date | None
    encoding: str
    delimiter: str
    read: int = 0
    lost: int = 0
    duplicates: int = 0  # links that another file of the same kind and target has too
    mentions: int = 0  # pages that name the brand without a link
    bad_cells: int = 0
    capped: bool | None = None
    format_said: bool = False  # by a person; else the file was recognised
    rejects: Rejects = field(default_factory=Rejects)
    notes: list[str] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """Rows that count: neither lost nor a bare mention nor rejected nor already in another file."""
        return self.read - self.lost - self.mentions - self.duplicates - self.rejects.total

    def as_dict(self, keep: int = 100) -> dict[str, Any]:
        """JSON-ready; at most `keep` rejected rows with their lines, all of them counted by reason."""
        return {
            "file": self.file,
            "format": self.format,
            "format_by": "hand" if self.format_said else "file",
            "provider": self.provider,
            "role": self.role,
            "target": self.target,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "encoding": self.encoding,
            "delimiter": {"\t": "tab"}.get(self.delimiter, self.delimiter),
            "rows_read": self.read,
            "rows_taken": self.taken,
            "rows_lost": self.lost,
            "rows_rejected": self.rejects.total,
            "reasons": {
                **({"lost": self.lost} if self.lost else {}),
                **({"mention": self.mentions} if self.mentions else {}),
                **({"duplicate": self.duplicates} if self.duplicates else {}),
                **dict(sorted(self.rejects.counts.items())),
            },
            "rejected": [
                {"line": one.line, "reason": one.reason, "why": REASONS[one.reason], "text": one.text}
                for one in self.rejects.rows[:keep]
            ],
            "unreadable_figures": self.bad_cells,
            "capped": self.capped,
            "notes": self.notes,
        }


def write_rejects(reports: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], path: Path) -> int:
    """Write rejected rows (file, and the `rejected` of its report) as CSV: file, line, reason, why, text. Returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(REJECT_COLUMNS)
        for file, rejected in reports:
            for one in rejected:
                cells = [file, str(one["line"]), one["reason"], one["why"], one["text"]]
                writer.writerow([neutral(cell) for cell in cells])
                count += 1
    return count
