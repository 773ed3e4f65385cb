"""The rules of a gap: what a link to us and to competitors makes of a source domain. `docs/explanation/gap.md` says why.

The engine writes these rules as SQL for millions of rows; a test compares the two over every case, so this file is the truth.
Links are counted per target: `ours` to us, one number per competitor that has data. Unknown is None and never a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class GapClass(StrEnum):
    """What a source domain is to us. `best` is the part of the missing ones that links to every competitor."""

    BEST = "best"
    MISSING = "missing"
    WEAK = "weak"
    SHARED = "shared"
    OURS = "ours"


class Follow(StrEnum):
    """Whether the links of a source to one competitor are followed: one at least, none, or no file says so."""

    FOLLOWED = "f"
    NOT_FOLLOWED = "n"
    UNKNOWN = "u"


class Removal(StrEnum):
    """Why a row leaves the list although it is in the data; the rule's name stands in `removed_by`."""

    OWN = "own-domain"
    COMPETITOR = "competitor"
    SISTER = "sister-brand"
    SPAM = "spam"
    LOST = "lost"
    LANGUAGE = "foreign-language"
    NETWORK = "link-network"


class GapState(StrEnum):
    """Why a known prospect is no gap by the newest lists; without one it is a gap, or the lists cannot tell."""

    LINKED = "linked"
    GONE = "gone"


#: The gate of a prospect that is `linked`, and the rule by which a person says otherwise.
LINKED_BY_DATA = "linked-by-data"


@dataclass(frozen=True, slots=True)
class Strength:
    """How good the links of one source to one target are: followed, inside the content, and on how many pages.

    `pages` is None where the counts of two files cannot be compared (another tool, or one link per domain in one of them).
    """

    followed: bool | None = None
    in_content: bool | None = None
    pages: int | None = None


def is_better(theirs: Strength, ours: Strength) -> bool:
    """Whether a competitor's link is better than ours: followed before not, in the content before not, then more pages.

    An unknown decides nothing: the next criterion is asked, and in the end "better" has to be shown.
    """
    for mine, other in ((ours.followed, theirs.followed), (ours.in_content, theirs.in_content)):
        if mine is not None and other is not None and mine != other:
            return other
    return theirs.pages is not None and ours.pages is not None and theirs.pages > ours.pages


def classify(ours: int, competitors: Sequence[int], better: bool = False) -> GapClass | None:
    """The class of a source domain from its live links; `competitors` holds one count for each competitor with data.

    None: it links to nobody any more. `better` is the answer of `is_better` for the best competitor link.
    """
    linked = sum(1 for count in competitors if count > 0)
    if ours > 0:
        if linked == 0:
            return GapClass.OURS
        return GapClass.WEAK if better else GapClass.SHARED
    if linked == 0:
        return None
    return GapClass.BEST if linked == len(competitors) else GapClass.MISSING


def tier(ours: int, overlap: int, with_data: int) -> int | None:
    """1: links to all competitors that have data; 2: to two or more; 3: to one. None: no gap, it links to us or to none."""
    if ours > 0 or overlap == 0:
        return None
    if overlap == with_data:
        return 1
    return 2 if overlap >= 2 else 3


def follow_of(competitors: Sequence[str], letters: str | None, dofollow: bool | None = None) -> dict[str, Follow]:
    """For each of the competitors that a source links to, whether its links are followed.

    `letters` has one letter of Follow for each, in their order; where it is missing or of another length, only what follows
    from `dofollow` (over all of them together) is known: none is, or the only one is.
    """
    if letters is not None and len(letters) == len(competitors) and set(letters) <= set(Follow):
        return {name: Follow(letter) for name, letter in zip(competitors, letters, strict=True)}
    if dofollow is False:
        return dict.fromkeys(competitors, Follow.NOT_FOLLOWED)
    alone = dofollow is True and len(competitors) == 1
    return dict.fromkeys(competitors, Follow.FOLLOWED if alone else Follow.UNKNOWN)


#: What each part can add to the score; the sum is 100. A part whose figure is unknown counts half of its weight.
WEIGHTS = {"overlap": 40, "followed": 20, "authority": 25, "traffic": 15}

#: Domain traffic (visits a month) that earns the whole of its part; the scale is logarithmic.
FULL_TRAFFIC = 1_000_000

#: The baseline that is counted (never applied in silence): DR is Ahrefs' scale and is not compared with anybody else's.
BASELINE_AUTHORITY = 50
BASELINE_TRAFFIC = 1_000
BASELINE_PROVIDER = "ahrefs"

#: Whose authority a row shows where several tools know the domain, and in which order lists by authority show their scales.
PROVIDER_ORDER = (
    "ahrefs", "semrush", "moz", "majestic", "se-ranking", "dataforseo", "generic", "search-console", "common-crawl",
)  # fmt: skip


def score(
    overlap: int, with_data: int, followed: bool | None, percentile: float | None, traffic: float | None
) -> float:
    """0 to 100, one decimal: a simple order inside a tier. `percentile` is that of the rating among those of its own tool."""
    parts = {
        "overlap": overlap / with_data if with_data else 0.0,
        "followed": None if followed is None else float(followed),
        "authority": None if percentile is None else min(max(percentile, 0.0), 100.0) / 100,
        "traffic": None
        if traffic is None
        else min(math.log10(1 + max(traffic, 0.0)) / math.log10(1 + FULL_TRAFFIC), 1.0),
    }
    return round(sum(weight * (0.5 if (part := parts[name]) is None else part) for name, weight in WEIGHTS.items()), 1)


#: A gap between the dates of two files (days) beyond which new and lost links look like gaps.
STALE_DAYS = 30
