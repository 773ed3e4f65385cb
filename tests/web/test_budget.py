"""The budget of the pages that are open all day: bytes, requests, nodes and stillness. Times are measured by scripts/page-budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.budget import PAGES, measure
from tests.support.screen import Served
from tests.web.conftest import Copies

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def house(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with copies(tmp_path_factory.mktemp("budget"), more=60) as made:
        yield made


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_to_its_budget(house: Served, chromium: Any, path: str) -> None:
    """U03 for each of them, with the list full."""
    cost = measure(chromium, house, path)
    print(cost)  # noqa: T201 -- the figures
    assert cost.page <= 60_000
    assert cost.scripts <= 40_000
    assert cost.styles <= 20_000
    assert cost.total <= 120_000
    assert cost.requests <= 10
    assert cost.nodes <= 1_500
    assert cost.shift <= 0.1, "what is read must not jump"
