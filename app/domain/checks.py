"""The shape of a check that people read: its name, its verdict, what was found, and the fix. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """What a look found. `unknown` means "could not look": neither good nor bad, and never a reason to hold mail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `found` says what is there now, `fix` what to do or which record to publish ("" when nothing is to do).

    `transient`: the question could not be asked this time, so an earlier answer to it still stands.
    """

    name: str
    state: CheckState
    found: str
    fix: str = ""
    transient: bool = False
