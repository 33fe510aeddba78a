"""A compact picture of many durations: how many fell into each bucket, buckets being 1.2 times as wide each.

Quantiles told from it are at most a tenth off, sketches can be added up, and empty buckets take no room.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate

from coderouter_exporter.families.kinds import MICRO

Sketch = dict[int, int]
"""Durations by the number of their bucket."""

GROWTH = 1.2
SHORTEST_MICRO_S = 1000
BUCKETS = 84
"""The last but one ends above an hour."""

NONE = 0
"""The bucket of what is no duration."""

# Whole numbers: what is compared with them is whole too, and that costs half.
_bucket = partial(bisect_left, [-1, *(int(SHORTEST_MICRO_S * GROWTH**number) for number in range(BUCKETS))])


def add(sketch: Sketch, micro_s: Iterable[int]) -> None:
    """Add durations in millionths of a second; negative ones stand for none."""
    counts = Counter(map(_bucket, micro_s))
    counts.pop(NONE, None)
    add_counts(sketch, counts)


def add_counts(sketch: Sketch, counts: Mapping[int, int]) -> None:
    for bucket, number in counts.items():
        sketch[bucket] = sketch.get(bucket, 0) + number


def quantile_s(sketch: Sketch, share: float) -> float | None:
    """Return the seconds that this share of the durations stays below, or None when there are none."""
    if not sketch:
        return None
    buckets = sorted(sketch)
    reached = list(accumulate(sketch[bucket] for bucket in buckets))
    bucket = buckets[bisect_left(reached, share * reached[-1])]
    return float(f"{SHORTEST_MICRO_S / MICRO * GROWTH ** (bucket - 1.5):.3g}")
