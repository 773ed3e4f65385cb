"""How the work for a text grows with it: a property of the code that is the same on a slow and on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Four times the text may take four times the time, and some noise; what is quadratic takes sixteen times.
LINEAR = 7.0
# In seconds of the processor: what is read quicker is not worth a doubt, and too short to be compared.
QUICK = 0.04
ROUNDS = 4
MOST_ROUNDS = 12
# What the plain loop takes on the machine for which bounds in seconds were written.
_USUAL = 0.014


def growth(
    run: Callable[[T], object], text: Callable[[int], T], size: int, *, quick: float = QUICK, most: float = 9e9
) -> float:
    """By how many times `run` takes longer for `text(size)` than for `text(size // 4)`; 0 where the larger is quick.

    Both are run in turns and the quickest of each counts, so that what else the machine does falls out. AssertionError
    where the larger takes `most` seconds of a usual machine, by a plain loop in the same turns: linear, but dear.
    """
    small, large = text(size // 4), text(size)
    took_large = _seconds(run, large)
    if took_large < quick:
        return 0.0
    took_small = _seconds(run, small)
    for _ in range(ROUNDS - 1):
        took_large = min(took_large, _seconds(run, large))
        took_small = min(took_small, _seconds(run, small))
    _hold(most, lambda: _seconds(run, large), took_large)
    return took_large / took_small


def within(most: float, run: Callable[[], object]) -> None:
    """AssertionError where `run` takes `most` seconds of a usual machine each time; what takes less at once is not run again."""
    took = _seconds(lambda _: run(), None)
    if took >= most:
        _hold(most, lambda: _seconds(lambda _: run(), None), took)


def _hold(most: float, again: Callable[[], float], took: float) -> None:
    # A processor that others share is slow by turns, and the loop need not meet the slow ones: so both are asked until they agree.
    # How dear each expression is, `python -m benchmarks expressions` measures.
    loop = _loop()
    for _ in range(MOST_ROUNDS):
        if took < most * max(1.0, loop / _USUAL):
            return
        took, loop = min(took, again()), min(loop, _loop())
    raise AssertionError(f"{took:.2f} s, and {loop:.3f} s for the plain loop")


def repeated(seed: str) -> Callable[[int], str]:
    """Texts of any size that are nothing but `seed`."""
    return lambda size: (seed * (size // len(seed) + 1))[:size]


def _loop() -> float:
    return _seconds(lambda count: sum(number * number for number in range(count)), 200_000)


def _seconds(run: Callable[[T], object], text: T) -> float:
    began = time.process_time()
    run(text)
    return time.process_time() - began
