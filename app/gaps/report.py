"""What became of each file: the report that the command prints, the pipeline stores and the page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.gaps.careful import REASONS, Rejects


@dataclass(slots=True)
class FileReport:
    """One file: `read` = `taken` + `lost` + `duplicates` + rejected. `capped` is None where the tool's limit is not known."""

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
    bad_cells: int = 0
    capped: bool | None = None
    rejects: Rejects = field(default_factory=Rejects)
    notes: list[str] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """Rows that count: neither lost nor rejected nor already in another file."""
        return self.read - self.lost - self.duplicates - self.rejects.total

    def as_dict(self, keep: int = 100) -> dict[str, Any]:
        """JSON-ready; at most `keep` rejected rows with their lines, all of them counted by reason."""
        return {
            "file": self.file,
            "format": self.format,
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
