"""Estimates with confidence intervals, each by a formula: the same data always gives the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

Z_95 = 1.959964
Z_999 = 3.290527
COUNT_MIN = 20
"""With fewer observations there is no estimate."""


@dataclass(frozen=True)
class Estimate:
    """A value, and the bounds that it is between with the confidence of `z` standard errors."""

    value: float
    low: float
    high: float
    count: int
    """Of observations."""


def share(part: int, whole: int, z: float = Z_95) -> Estimate | None:
    """Return the share with Wilson's interval, which is right for shares near 0 and 1 too."""
    if whole < COUNT_MIN:
        return None
    value, weight = part / whole, z * z / whole
    centre = (value + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(value * (1 - value) / whole + weight / (4 * whole))
    low = 0.0 if part == 0 else max(0.0, centre - half)
    high = 1.0 if part == whole else min(1.0, centre + half)
    return Estimate(value, low, high, whole)


def median(values: Sequence[float], z: float = Z_95) -> Estimate | None:
    """Return the median with the interval between two of the values, which holds for any distribution."""
    count = len(values)
    if count < COUNT_MIN:
        return None
    ordered = sorted(values)
    half = z * sqrt(count) / 2
    low, high = max(0, floor(count / 2 - half)), min(count - 1, ceil(count / 2 + half) - 1)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return Estimate(middle, ordered[low], ordered[high], count)


def ratio(numerators: Sequence[float], denominators: Sequence[float], z: float = Z_95) -> Estimate | None:
    """Return the first sum divided by the second, with the interval of the linearised ratio."""
    count, below = len(numerators), sum(denominators)
    if count < COUNT_MIN or below <= 0:
        return None
    value = sum(numerators) / below
    squares = sum((x - value * y) ** 2 for x, y in zip(numerators, denominators, strict=True))
    half = z * sqrt(squares * count / (count - 1)) / below
    return Estimate(value, max(0.0, value - half), value + half, count)


def mean(values: Sequence[float], z: float = Z_95) -> Estimate | None:
    return ratio(values, [1.0] * len(values), z)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return the first minus the second, with the interval that follows from theirs (Newcombe's method)."""
    value = first.value - second.value
    low = value - sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    high = value + sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Estimate(value, low, high, min(first.count, second.count))
