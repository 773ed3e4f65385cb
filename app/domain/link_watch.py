"""What is wrong with a link that was won, by name, and what one day of its history says.

Three kinds of trouble: a loss needs proof (two good fetches without the link), a link that is worth less was seen all the
same, and a page that could not be read says nothing about its link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from app.domain.link_target import unmarked_key


class Trouble(StrEnum):
    """Why a link is not what it was when it was won. The names are stable: they are stored, counted and shown."""

    REMOVED = "removed"
    PAGE_GONE = "page-gone"
    REDIRECTED = "redirected"
    NOFOLLOW = "nofollow"
    NOINDEX = "noindex"
    CANONICAL = "canonical"
    TARGET = "target"
    HIDDEN = "hidden"
    BLOCKED = "blocked"
    NOT_RENDERED = "not-rendered"
    UNREADABLE = "unreadable"


LOSSES = frozenset({Trouble.REMOVED, Trouble.PAGE_GONE, Trouble.REDIRECTED})
"""The link was looked for on a page that could be read, and is not there."""

_BLOCKED = frozenset({"robots", "robots-unavailable", "crawl-delay", "refused", "blocked-address", "blocked-port"})


def doubt_of(reason: str) -> Trouble:
    """The trouble behind a look that could not be made, from the reason of its finding."""
    if reason in _BLOCKED:
        return Trouble.BLOCKED
    return Trouble.NOT_RENDERED if reason == "needs-rendering" else Trouble.UNREADABLE


def loss_of(reason: str, *, moved: bool) -> Trouble:
    """The trouble behind a good fetch without the link; `moved`: the page leads to another address now."""
    if reason == "page-gone":
        return Trouble.PAGE_GONE
    return Trouble.REDIRECTED if moved else Trouble.REMOVED


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Trouble]:
    """In which ways a link that is still there is worth less than when it was first seen, worst first.

    Both are the facts of a check (`app.prospects.placements.facts_of`); without a `before` nothing is known.
    """
    if not before:
        return []
    found = []
    if before.get("dofollow") and not after.get("dofollow"):
        found.append(Trouble.NOFOLLOW)
    if _noindex(after) and not _noindex(before):
        found.append(Trouble.NOINDEX)
    if after.get("canonical_elsewhere") and not before.get("canonical_elsewhere"):
        found.append(Trouble.CANONICAL)
    if before.get("match") == "page" and after.get("match") != "page" and not _same_target(before, after):
        found.append(Trouble.TARGET)
    if after.get("hidden") and not before.get("hidden"):
        found.append(Trouble.HIDDEN)
    return found


def _same_target(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the link leads where it led: which pages are ours may have changed meanwhile, and then the link has not."""
    first, now = before.get("target"), after.get("target")
    return isinstance(first, str) and isinstance(now, str) and unmarked_key(first) == unmarked_key(now)


def _noindex(facts: dict[str, Any]) -> bool:
    return "noindex" in (facts.get("robots") or ())


class DayState(StrEnum):
    """What the looks of one day say. `missing`: not there, and not yet proved lost. `none`: nobody looked."""

    LIVE = "live"
    CHANGED = "changed"
    MISSING = "missing"
    LOST = "lost"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: its day (UTC), what it said, and the trouble that it saw."""

    day: date
    state: DayState
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a strip; `checks` counts its looks."""

    day: date
    state: DayState
    trouble: Trouble | None = None
    checks: int = 0


def strip(looks: Iterable[Seen], last: date, days: int = 30) -> list[Day]:
    """One state for each of the `days` days that end with `last`, oldest first. `looks` are in the order of time.

    The latest look of a day that could read the page stands for it; "could not check" stands only where no other does. A day
    without a look is `none`: nothing is carried over from the day before.
    """
    found = {last - timedelta(days=back): Day(last - timedelta(days=back), DayState.NONE) for back in range(days)}
    for look in looks:
        before = found.get(look.day)
        if before is None:
            continue
        stands = look.state is not DayState.UNKNOWN or before.state in {DayState.UNKNOWN, DayState.NONE}
        state, trouble = (look.state, look.trouble) if stands else (before.state, before.trouble)
        found[look.day] = Day(look.day, state, trouble, before.checks + 1)
    return [found[day] for day in sorted(found)]
