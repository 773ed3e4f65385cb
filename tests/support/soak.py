"""How much of a long proof is run: all of it, or the share that `make soak PART=100` asks for, to see that the rigs stand."""

from __future__ import annotations

import os

PART = max(1, int(os.environ.get("GAPBRIDGE_SOAK_PART", "1")))


def part(number: int, least: int = 1) -> int:
    """`number` of the long form, divided, and at least `least`."""
    return max(least, number // PART)
