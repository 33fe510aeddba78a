"""How work grows with what it is given: not in seconds, which depend on the machine, but compared with itself."""

import gc
import sys
import time
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")

GROWTH_MAX = 6
"""Linear time, for four times the size: 4 and some room; quadratic time grows to 16."""

_MEASURABLE_S = 0.01
_MEASUREMENTS_MAX = 10


def growth_in_calls(function: Callable[[Given], object], make: Callable[[int], Given], size: int) -> float:
    """Return how many times more calls, of Python and of C functions, it makes for four times the size.

    What a single call copies does not count.
    """
    return _calls(function, make(4 * size)) / _calls(function, make(size))


def growth_in_cpu_time(function: Callable[[Given], object], make: Callable[[int], Given], size: int) -> float:
    """Return how many times longer it takes for four times the size; the least of some measurements.

    Other work on the machine only makes it longer, so a single measurement within bounds is enough.
    """
    small, large = make(size), make(4 * size)
    least = float("inf")
    for _ in range(_MEASUREMENTS_MAX):
        least = min(least, _cpu_s(function, large) / _cpu_s(function, small))
        if least <= GROWTH_MAX:
            break
    return least


def _calls(function: Callable[[Given], object], given: Given) -> int:
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(given)
    finally:
        sys.setprofile(before)
    return count


def _cpu_s(function: Callable[[Given], object], given: Given) -> float:
    """Return the time of one call; more than one is made of what is too short to measure."""
    count = 0
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        while (taken := time.process_time() - started) < _MEASURABLE_S:
            function(given)
            count += 1
        return taken / count
    finally:
        gc.enable()
