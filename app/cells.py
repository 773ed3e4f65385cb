"""Cells of files that people open in a spreadsheet."""

from __future__ import annotations

#: A cell that begins with one of these is a formula to a spreadsheet; the full-width forms are too, in some locales.
FORMULA_START = tuple("=+-@\t\r\n＝＋－＠")


def neutral(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_START) else cell
