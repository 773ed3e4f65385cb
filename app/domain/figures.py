"""The arithmetic of reports: shares with their uncertainty, medians of counted values, weeks, and cohorts that are still open.

A share of few cases says little, so it is never given without n and its interval; below `FEW` cases it is not given at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

#: Below so many cases a share is not printed: its interval would span most of what is possible.
FEW = 20
#: 97.5 % of the normal distribution lie below it: 95 % within.
Z95 = 1.959963984540054
#: A won link is "live after so many days" when nothing was lost until then.
LASTING = timedelta(days=90)
_BANDS = (20, 40, 60, 80)


def wilson(hits: int, n: int, z: float = Z95) -> tuple[float, float] | None:
    """The score interval of Wilson for a share of `hits` in `n` (0 to 1); None without cases.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Unlike the usual
    one it stays within 0 and 1 and is honest for small n and shares near 0.
    """
    if n <= 0:
        return None
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    share, square = hits / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    # At the ends rounding would leave a hair outside.
    return (0.0 if hits == 0 else max(0.0, middle - half), 1.0 if hits == n else min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the ends of the 95 % interval; `rate`, `low`, `high` (0 to 1) are None where there are too few."""

    hits: int
    n: int

    @property
    def few(self) -> bool:
        """Whether there are too few cases to give a share."""
        return self.n < FEW

    @property
    def rate(self) -> float | None:
        """The share."""
        return None if self.few else self.hits / self.n

    @property
    def low(self) -> float | None:
        """The lower end."""
        return None if self.few else (wilson(self.hits, self.n) or (0.0, 1.0))[0]

    @property
    def high(self) -> float | None:
        """The upper end."""
        return None if self.few else (wilson(self.hits, self.n) or (0.0, 1.0))[1]


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that at least `share` (above 0, up to 1) of the cases do not exceed; `counts`: cases for each value.

    The nearest-rank definition: always a value that occurred. None without cases.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    wanted, seen = math.ceil(share * total), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return max(counts)


def counted(values: Iterable[int]) -> dict[int, int]:
    """How often each value occurs."""
    found: dict[int, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


def week_of(day: date) -> date:
    """The Monday of the week."""
    return day - timedelta(days=day.weekday())


def still_open(week: date, today: date, median_days: int | None) -> bool:
    """Whether the cohort of `week` (its Monday) is younger than a win usually takes, so that its share will still rise.

    Its youngest case counts. Without any win nobody knows how long one takes, and every cohort is open.
    """
    return median_days is None or today - (week + timedelta(days=6)) < timedelta(days=median_days)


def band_of(authority: float | None) -> tuple[int, int] | None:
    """The band of an authority (0 to 100) on its provider's scale: its lowest and highest whole number; None if unknown."""
    if authority is None:
        return None
    low = max((0, *(edge for edge in _BANDS if authority >= edge)))
    above = [edge for edge in _BANDS if edge > low]
    return low, (above[0] - 1 if above else 100)
