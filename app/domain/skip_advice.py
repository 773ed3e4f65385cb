"""What the reasons for which people skip say about the floors of the gap: a floor that most of what they skipped lies below, and hardly
anything of what they wrote to. Pure; our own rule, since nobody has published one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Fewer say nothing about a habit.
FEWEST = 8
# A floor has to catch so much of what was skipped, and may catch so much of what was written to.
_CATCHES = 0.75
_COSTS = 0.1
_STEP = 5
_HIGHEST = 100


@dataclass(frozen=True, slots=True)
class Advised:
    """`floor` (0 to 100) lies above `below` of the `skipped` figures, and above `written_below` of the `written` ones."""

    floor: int
    below: int
    skipped: int
    written_below: int
    written: int


def floor_from(skipped: Sequence[float], written: Sequence[float]) -> Advised | None:
    """The lowest floor (in steps of 5) that catches three quarters of the figures of what was skipped; None where too few were, where
    no floor does, and where it would have kept people from more than a tenth of those whom they wrote to.
    """
    if len(skipped) < FEWEST:
        return None
    for floor in range(_STEP, _HIGHEST + 1, _STEP):
        below = sum(one < floor for one in skipped)
        if below < _CATCHES * len(skipped):
            continue
        lost = sum(one < floor for one in written)
        return None if lost > _COSTS * len(written) else Advised(floor, below, len(skipped), lost, len(written))
    return None


@dataclass(frozen=True, slots=True)
class AdvisedLanguages:
    """`languages` (codes) to keep to: `outside` of the `skipped` pages are in none of them; `others` are theirs, the most frequent first."""

    languages: tuple[str, ...]
    others: tuple[str, ...]
    outside: int
    skipped: int


def languages_from(skipped: Iterable[str], written: Iterable[str], ours: str | None) -> AdvisedLanguages | None:
    """The languages of what was written to and of the site itself, where three quarters of the pages that were skipped for their
    language are in none of them; None where too few were skipped, and where no language is known to be ours.
    """
    counted = Counter(skipped)
    count = counted.total()
    keep = {*written, *([ours] if ours else [])}
    others = tuple(name for name, _ in counted.most_common() if name not in keep)
    outside = sum(counted[name] for name in others)
    if count < FEWEST or not keep or outside < _CATCHES * count:
        return None
    return AdvisedLanguages(tuple(sorted(keep)), others, outside, count)
