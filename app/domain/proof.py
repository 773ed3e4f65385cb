"""What a list of links proves by what is missing in it: a loss is only believed of a list that can have shown everything.

`docs/explanation/gap.md` says it for people. Unknown is a third value here too: a tool's limit that nobody knows is no "whole".
"""

from __future__ import annotations

from enum import StrEnum

#: Tools and plans end an export at whole hundreds.
ROUND_ROWS = 100
#: Of a list with this many rows and more, so small a share is hardly all that is left of the list before it: it shows other links.
COMMON_SHARE = 0.25
OTHER_ROWS = 10
#: A list whose limit is not known and that lost this many rows, and this share of them, may have been cut or filtered. A few links
#: are lost in any month, and of a large list a few in a hundred; both are told.
FEWER_ROWS = 5
FEWER_SHARE = 0.15


class Doubt(StrEnum):
    """Why what is missing in a list is no loss."""

    CUT = "cut"  # it ends at its tool's limit
    ROUND = "round"  # it may end at a limit that is not known
    SAMPLE = "sample"  # it shows some of the links, whatever their number
    FILTERED = "filtered"  # nobody can tell which of the links were chosen for it
    UNDATED = "undated"  # nobody knows whether it is newer than the list before it
    SCOPE = "scope"  # by its name it is of another scope than the list before it
    SHRUNK = "shrunk"  # it is clearly smaller than the list before it, and its limit is not known
    OTHER = "other"  # it has hardly a site in common with the list before it


def doubt(
    rows: int,
    *,
    capped: bool | None,
    sample: bool = False,
    filtered: bool = False,
    dated: bool = True,
    rescoped: bool = False,
    rows_before: int | None = None,
) -> Doubt | None:
    """What makes a list of `rows` rows doubtful, or None where it is whole; `rows_before` is the size of the list before it.

    `sample` says of its format that it shows some of the links only, `filtered` that it does not say which ones it shows, and
    `dated` that its day is known or does not matter, `rescoped` that the list before it was of another scope. `capped` is None where the tool's limit is not known. Rows that the tool reports as lost count among the rows.
    """
    if capped:
        return Doubt.CUT
    if sample:
        return Doubt.SAMPLE
    if filtered:
        return Doubt.FILTERED
    if not dated:
        return Doubt.UNDATED
    if rescoped:
        return Doubt.SCOPE
    if capped is None:
        if rows and rows % ROUND_ROWS == 0:
            return Doubt.ROUND
        if rows_before is not None and rows_before - rows >= max(FEWER_ROWS, FEWER_SHARE * rows_before):
            return Doubt.SHRUNK
    return None


def shows_others(common: int, before: int) -> bool:
    """Whether a list that shows `common` of the `before` sites of the list before it is another part of the links, not a newer list."""
    return before - common >= OTHER_ROWS and common < COMMON_SHARE * before
