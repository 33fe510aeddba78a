"""The buckets of native histograms of schema 3: each is 2^(1/8), about 1.09 times as wide as the previous one.

Bucket `i` has the values above 2^((i-1)/8) up to and including 2^(i/8). A value of 0 is in none of them.
"""

import math
from bisect import bisect_left
from functools import cache

from coderouter_exporter.records.columns import NUMBER_MAX

SCHEMA = 3
PER_DOUBLING = 1 << SCHEMA
SUMMED_MAX = 4
"""An observation is the sum of up to as many numbers of a record."""
ZERO_THRESHOLD = 2.0**-128
"""Below it is zero, as in the client libraries of Prometheus."""


def first_bucket(scale: int) -> int:
    """Return the bucket of the smallest number that a family of this scale can hold, which is 1/`scale`."""
    return bisect_left(range(-1000, 1000), 1 / scale, key=_bound) - 1000


@cache
def upper_bounds(scale: int) -> list[int]:
    """Return the largest number, in units of 1/`scale`, of each bucket from `first_bucket` on."""
    first = first_bucket(scale)
    last = round(math.log2(NUMBER_MAX * SUMMED_MAX / scale)) * PER_DOUBLING
    return [math.floor(scale * _bound(bucket)) for bucket in range(first, last + 1)]


def _bound(bucket: int) -> float:
    return math.pow(2.0, bucket / PER_DOUBLING)
