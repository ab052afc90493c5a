"""How the cost of a function grows with its input, in a way that a busy machine cannot change."""

import time
from collections.abc import Callable

SIZES = (1, 4)
LINEAR = 4.0
QUADRATIC = 16.0
_LEAST_SECONDS = 0.02
"""Below this the clock's own steps show."""


def cost_growth(work: Callable[[int], object], runs: int = 3) -> float:
    """How many times the processor time of ``work(1)`` is needed for ``work(4)``: 4 for linear, 16 for quadratic cost.

    The two are run in turn and the least of each counts. ``work`` multiplies its input by the number that it is given.
    """
    small, large = (min(times) for times in zip(*(_pair(work) for _ in range(runs)), strict=True))
    return large / max(small, _LEAST_SECONDS)


def _pair(work: Callable[[int], object]) -> tuple[float, float]:
    seconds = []
    for size in SIZES:
        started = time.process_time()
        work(size)
        seconds.append(time.process_time() - started)
    return seconds[0], seconds[1]
