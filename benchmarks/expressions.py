"""What the expressions that meet foreign mail and servers' answers cost over 100 kB of what each could choke on.

The floor is the same walk with an expression that is one character, which stands nowhere. The aim is 0.1 s for each of them.
"""

from __future__ import annotations

import re
import statistics
import time

from tests.domain.test_inbound_patterns import FOUND, SEEDS, SIZE
from tests.support.growth import repeated

ROUNDS = 5
DEAREST = 8
_FLOOR = re.compile("\x01")


def run() -> None:
    """Walk with each expression over each text once, then with the dearest ones and the floor in turns; print their medians."""
    once = sorted(
        ((_walk(pattern, seed), name, seed) for name, pattern in FOUND.items() for seed in SEEDS), reverse=True
    )
    print(f"{len(FOUND)} expressions over {len(SEEDS)} texts of {SIZE:,} characters; the dearest, median of {ROUNDS}:")
    for _, name, seed in once[:DEAREST]:
        turns = [(_walk(FOUND[name], seed), _walk(_FLOOR, seed)) for _ in range(ROUNDS)]
        took, floor = (statistics.median(side) for side in zip(*turns, strict=True))
        print(f"  {name} over {seed!r}: {took * 1000:.0f} ms, {took / floor:.0f} times the floor")


def _walk(pattern: re.Pattern[str] | re.Pattern[bytes], seed: str) -> float:
    text = repeated(seed)(SIZE)
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    for _ in pattern.finditer(subject):  # type: ignore[arg-type]
        pass
    return time.process_time() - began
