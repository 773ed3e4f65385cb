"""Long lists of values, cut so that each piece fits the parameters of one statement on every database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def parts(values: Sequence[_T], size: int = 500) -> Iterator[Sequence[_T]]:
    """The values in their order, in pieces of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
