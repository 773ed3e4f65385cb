"""The arithmetic of reports against values that were computed elsewhere, and against its own promises."""

from __future__ import annotations

import statistics
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.figures import FEW, Share, band_of, counted, quantile, still_open, week_of, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3; at the ends the formula is n / (n + z * z).
        (0, 20, 0.0, 0.16112515),
        (1, 29, 0.0061, 0.1718),
        (15, 148, 0.0624, 0.1605),
        (81, 263, 0.2553, 0.3662),
        (20, 20, 0.83887485, 1.0),
        (0, 20, 0.0, 0.1611),
    ],
)
def test_wilson_gives_published_values(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_wilson_without_cases_says_nothing_and_refuses_nonsense() -> None:
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    hits, n = case
    low, high = wilson(hits, n) or (2.0, -1.0)
    assert 0 <= low <= hits / n <= high <= 1
    assert low < high
    other = wilson(n - hits, n)
    assert other is not None
    assert other == pytest.approx((1 - high, 1 - low))


def test_a_share_of_few_cases_is_not_given() -> None:
    few, enough = Share(3, FEW - 1), Share(3, FEW)
    assert (few.few, few.rate, few.low, few.high) == (True, None, None, None)
    assert enough.rate == pytest.approx(0.15)
    assert (enough.low, enough.high) == pytest.approx((0.0524, 0.3604), abs=5e-5)
    assert Share(0, 0).rate is None


@given(st.lists(st.integers(0, 50), min_size=1))
def test_quantiles_are_values_that_occurred(values: list[int]) -> None:
    counts = counted(values)
    median = quantile(counts, 0.5)
    assert median == statistics.median_low(values)
    assert quantile(counts, 1) == max(values)
    p90 = quantile(counts, 0.9)
    assert p90 in values
    assert sum(value <= p90 for value in values) >= 0.9 * len(values)


def test_quantiles_of_nothing() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({7: 0}, 0.5) is None


def test_weeks_begin_on_monday() -> None:
    assert week_of(date(2026, 6, 1)) == date(2026, 6, 1)
    assert week_of(date(2026, 6, 7)) == date(2026, 6, 1)
    assert week_of(date(2026, 1, 1)) == date(2025, 12, 29)


def test_a_cohort_is_open_until_its_youngest_case_is_as_old_as_the_median() -> None:
    week, sunday = date(2026, 6, 1), date(2026, 6, 7)
    assert still_open(week, date(2026, 6, 20), 14)
    assert not still_open(week, date(2026, 6, 21), 14)
    assert not still_open(week, sunday, 0)
    assert still_open(week, date(2036, 1, 1), None)


@pytest.mark.parametrize(
    ("authority", "band"),
    [(None, None), (0, (0, 19)), (19.9, (0, 19)), (20, (20, 39)), (79.9, (60, 79)), (80, (80, 100)), (100, (80, 100))],
)
def test_bands(authority: float | None, band: tuple[int, int] | None) -> None:
    assert band_of(authority) == band
