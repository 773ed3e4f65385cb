from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.gap import (
    PROVIDER_ORDER,
    WEIGHTS,
    Follow,
    GapClass,
    Strength,
    classify,
    follow_of,
    is_better,
    score,
    tier,
)


@pytest.mark.parametrize(
    ("ours", "competitors", "better", "expected"),
    [
        (0, [1, 2, 3], False, GapClass.BEST),
        (0, [1, 0, 3], False, GapClass.MISSING),
        (0, [1], False, GapClass.BEST),
        (0, [0, 0], False, None),
        (0, [], False, None),
        (1, [0, 0], False, GapClass.OURS),
        (1, [1, 1], False, GapClass.SHARED),
        (1, [1, 0], False, GapClass.SHARED),
        (1, [1, 1], True, GapClass.WEAK),
        (1, [0, 1], True, GapClass.WEAK),
        (1, [0, 0], True, GapClass.OURS),
    ],
)
def test_classes(ours: int, competitors: list[int], better: bool, expected: GapClass | None) -> None:
    assert classify(ours, competitors, better) == expected


@pytest.mark.parametrize(
    ("ours", "overlap", "with_data", "expected"),
    [
        (0, 3, 3, 1),
        (0, 2, 3, 2),
        (0, 1, 3, 3),
        (0, 1, 1, 1),
        (0, 2, 2, 1),
        (0, 0, 3, None),
        (1, 3, 3, None),
        (0, 0, 0, None),
    ],
)
def test_tiers(ours: int, overlap: int, with_data: int, expected: int | None) -> None:
    assert tier(ours, overlap, with_data) == expected


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (Strength(followed=True), Strength(followed=False), True),
        (Strength(followed=False, pages=9), Strength(followed=True, pages=1), False),
        (Strength(True, True, 1), Strength(True, False, 5), True),
        (Strength(True, False, 9), Strength(True, True, 1), False),
        (Strength(True, True, 2), Strength(True, True, 1), True),
        (Strength(True, True, 1), Strength(True, True, 1), False),
        # An unknown decides nothing; what is known behind it may.
        (Strength(None, None, None), Strength(False, None, None), False),
        (Strength(None, True, None), Strength(False, False, None), True),
        (Strength(None, None, 3), Strength(None, None, 2), True),
        (Strength(None, None, 3), Strength(None, None, None), False),
    ],
)
def test_better(theirs: Strength, ours: Strength, expected: bool) -> None:
    assert is_better(theirs, ours) is expected


strengths = st.builds(Strength, st.none() | st.booleans(), st.none() | st.booleans(), st.none() | st.integers(0, 5))


@given(strengths, strengths)
def test_no_link_is_better_in_both_directions(one: Strength, other: Strength) -> None:
    assert not (is_better(one, other) and is_better(other, one))


@given(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=5), st.booleans())
def test_class_and_tier_agree(ours: int, competitors: list[int], better: bool) -> None:
    overlap = sum(1 for count in competitors if count)
    kind, level = classify(ours, competitors, better), tier(ours, overlap, len(competitors))
    assert (level == 1) == (kind is GapClass.BEST)
    assert (level in (2, 3)) == (kind is GapClass.MISSING)


def test_score_ends_and_middle() -> None:
    assert sum(WEIGHTS.values()) == 100
    assert score(3, 3, True, 100, 5_000_000) == 100
    assert score(0, 3, False, 0, 0) == 0
    # Unknown stands between the worst and the best answer.
    assert score(3, 3, False, None, None) < score(3, 3, None, None, None) < score(3, 3, True, None, None)
    assert score(1, 0, None, None, None) == 30


@given(st.integers(0, 5), st.none() | st.booleans(), st.none() | st.floats(-10, 200), st.none() | st.floats(-10, 10**9))
def test_score_stays_in_its_range(
    overlap: int, followed: bool | None, authority: float | None, traffic: float | None
) -> None:
    assert 0 <= score(overlap, 5, followed, authority, traffic) <= 100


def test_every_provider_has_one_place() -> None:
    assert len(set(PROVIDER_ORDER)) == len(PROVIDER_ORDER)


def test_following_is_said_of_each_competitor_only_where_it_is_known() -> None:
    three = ["a.test", "b.test", "c.test"]
    f, n, u = Follow.FOLLOWED, Follow.NOT_FOLLOWED, Follow.UNKNOWN
    assert follow_of(three, "fnu", True) == {"a.test": f, "b.test": n, "c.test": u}
    # Without letters, or with those of another list, only what holds for all of them is said.
    for letters in (None, "f", "fx?"):
        assert follow_of(three, letters, True) == dict.fromkeys(three, u)
        assert follow_of(three, letters, False) == dict.fromkeys(three, n)
        assert follow_of(three, letters) == dict.fromkeys(three, u)
    assert follow_of(["a.test"], None, True) == {"a.test": f}
    assert follow_of([], "", None) == {}
