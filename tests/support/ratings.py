"""Where a rating stands on its own tool's scale, in Python: what the engine and a migration compute in SQL is compared with it."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(figure: float, figures: Sequence[float]) -> float:
    """Where a rating stands among all `figures` that the same tool gives: the share of those below and of half of its equals.

    0 to 100, one decimal; ratings are compared to a tenth and between 0 and 100. It is what lets the ratings of two tools stand in
    one order: none of them is converted, each is only ranked among its own.
    """

    def tenths(one: float) -> int:
        return round(min(max(one, 0.0), 100.0) * 10)

    mine, all_of_them = tenths(figure), [tenths(one) for one in figures]
    below, equal = sum(one < mine for one in all_of_them), all_of_them.count(mine)
    return round(100 * (below + equal / 2) / len(all_of_them), 1)
