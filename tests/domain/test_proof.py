"""Which lists prove a loss by what is missing in them."""

from __future__ import annotations

import pytest

from app.domain.proof import Doubt, doubt


@pytest.mark.parametrize(
    ("rows", "before", "capped", "why"),
    [
        (1_000, 1_500, True, Doubt.CUT),
        (1_000, 1_500, None, Doubt.ROUND),
        (1_000, 1_500, False, None),
        (1_000, None, None, Doubt.ROUND),
        (1_001, None, None, None),
        (1_275, 1_500, None, Doubt.SHRUNK),
        (1_276, 1_500, None, None),
        (361, 437, None, Doubt.SHRUNK),
        (391, 437, None, None),  # one in ten may well go within some months
        (22, 31, None, Doubt.SHRUNK),
        (27, 31, None, None),  # a small list: every row is a large share of it
        (8, 12, None, None),
        (7, 12, None, Doubt.SHRUNK),
        (7, 12, False, None),
        (0, 0, None, None),
        (0, 4, None, None),
        (0, 5, None, Doubt.SHRUNK),
        (1_600, 1_500, False, None),
    ],
)
def test_a_list_is_doubted(rows: int, before: int | None, capped: bool | None, why: Doubt | None) -> None:
    assert doubt(rows, capped=capped, rows_before=before) is why
    assert doubt(rows, capped=capped, rescoped=True, rows_before=before) is (Doubt.CUT if capped else Doubt.SCOPE)
    assert doubt(rows, capped=capped, sample=True, rows_before=before) is (Doubt.CUT if capped else Doubt.SAMPLE)
