"""Estimates: published values, and intervals that contain the true value as often as they promise."""

import random
from collections.abc import Callable

import pytest

from coderouter_exporter.terminal.analysis import statistics
from coderouter_exporter.terminal.analysis.statistics import COUNT_MIN, Estimate

ROUNDS = 400


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(10, 100, 0.0552, 0.1744), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_shares_have_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    found = statistics.share(part, whole)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_difference_of_shares_is_newcombes() -> None:
    """The first example of Newcombe, "Interval estimation for the difference between independent proportions"."""
    first, second = statistics.share(56, 70), statistics.share(48, 80)
    assert first is not None
    assert second is not None
    found = statistics.difference(first, second)
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def skewed(chance: random.Random, count: int) -> list[float]:
    return [chance.lognormvariate(0.0, 0.8) for _ in range(count)]


def median_of(chance: random.Random) -> Estimate | None:
    return statistics.median(skewed(chance, 60))


def mean_of(chance: random.Random) -> Estimate | None:
    return statistics.mean(skewed(chance, 200))


def ratio_of(chance: random.Random) -> Estimate | None:
    tokens = [chance.uniform(10, 1000) for _ in range(200)]
    return statistics.ratio([1.5 * number * chance.uniform(0.5, 1.5) for number in tokens], tokens)


@pytest.mark.parametrize(
    ("estimate", "true"), [(median_of, 1.0), (mean_of, 1.3771), (ratio_of, 1.5)], ids=["median", "mean", "ratio"]
)  # fmt: skip
def test_intervals_contain_the_true_value_95_times_of_100(
    estimate: Callable[[random.Random], Estimate | None], true: float
) -> None:
    chance = random.Random(5)
    found = [estimate(chance) for _ in range(ROUNDS)]
    hits = sum(each is not None and each.low <= true <= each.high for each in found)
    assert 0.91 <= hits / ROUNDS <= 0.99


def test_few_observations_give_no_estimate() -> None:
    few = COUNT_MIN - 1
    assert statistics.share(1, few) is None
    assert statistics.median([1.0] * few) is None
    assert statistics.mean([1.0] * few) is None
    assert statistics.ratio([0.0] * COUNT_MIN, [0.0] * COUNT_MIN) is None


def test_equal_values_have_no_range() -> None:
    assert statistics.median([2.0] * 50) == Estimate(2.0, 2.0, 2.0, 50)
    assert statistics.mean([2.0] * 50) == Estimate(2.0, 2.0, 2.0, 50)
