"""A table as text that the engine can be trusted with: UTF-8, LF, with its beginning at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.said import say
from app.errors import BadInput

HEAD_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text export ready to be read: `path` is UTF-8 with LF; `head` is its beginning, whole lines only."""

    name: str
    path: Path
    encoding: str
    head: str
    notes: tuple[str, ...] = ()
    member: str = ""  # the table inside a zip file or workbook


def finished(path: Path, target: Path, encoding: str, notes: tuple[str, ...]) -> TextFile:
    """The text at `target` with its head; `path` is the file that the person gave. Raises BadInput where there is nothing."""
    with target.open("rb") as raw:
        data = raw.read(HEAD_BYTES)
        whole = not raw.read(1)
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    head = data.decode("utf-8-sig", errors="ignore")
    if not head.strip():
        raise BadInput(say("{path}: the file holds no text; export it again.", path=path))
    return TextFile(path.name, target, encoding.removesuffix("-bom"), head, notes)
