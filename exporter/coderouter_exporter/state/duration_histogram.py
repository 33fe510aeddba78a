"""A histogram of durations for quantiles in charts: each bucket is 1.2 times as wide as the previous one.

Its quantiles are interpolated and at most 20 % off, two histograms can be added, and empty buckets take no space.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate

from coderouter_exporter.families.kinds import MICRO

DurationHistogram = dict[int, int]
"""Number of durations by the number of their bucket."""

GROWTH = 1.2
SHORTEST_US = 1000
BUCKETS = 84
"""The last bucket with an upper bound ends above one hour."""

NO_DURATION = 0
"""The bucket of negative numbers, which mean that there is no duration."""

# The bounds are integers because comparing integers with floats takes twice as long.
_bucket = partial(bisect_left, [-1, *(int(SHORTEST_US * GROWTH**number) for number in range(BUCKETS))])


def add(histogram: DurationHistogram, durations_us: Iterable[int]) -> None:
    """Add durations in microseconds; negative numbers are ignored."""
    counts = Counter(map(_bucket, durations_us))
    counts.pop(NO_DURATION, None)
    add_counts(histogram, counts)


def add_counts(histogram: DurationHistogram, counts: Mapping[int, int]) -> None:
    for bucket, number in counts.items():
        histogram[bucket] = histogram.get(bucket, 0) + number


def quantile_s(histogram: DurationHistogram, quantile: float) -> float | None:
    """Return the quantile in seconds, or None when the histogram is empty.

    It is interpolated within its bucket, by the logarithm, so that it moves with each observation.
    """
    if not histogram:
        return None
    buckets = sorted(histogram)
    cumulative = list(accumulate(map(histogram.__getitem__, buckets)))
    rank = quantile * cumulative[-1]
    at = bisect_left(cumulative, rank)
    inside = 1 - (cumulative[at] - rank) / histogram[buckets[at]]
    return float(f"{SHORTEST_US / MICRO * GROWTH ** (buckets[at] - 2 + inside):.3g}")
