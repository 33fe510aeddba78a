"""One series of a histogram, with its native buckets and exemplars."""

from itertools import accumulate
from typing import NamedTuple

import msgspec


class Exemplar(NamedTuple):
    """The newest request that fell into a bucket; `number` is the observation in units of 1/`scale`."""

    request_id: str
    number: int
    ts: float


class Before(NamedTuple):
    """Counts and total of a series at some time."""

    counts: list[int]
    total: int


class HistogramSeries(msgspec.Struct):
    counts: list[int]
    """Observations by bucket, not cumulative; the last bucket is above every bound."""
    total: int = 0
    """The sum of the observations in units of 1/`scale`."""
    exemplars: dict[int, Exemplar] = {}
    """By the index of the bucket."""
    native: dict[int, int] = {}
    """Observations above 0 by native bucket, since `before`."""
    before: Before | None = None
    """What had been counted when native buckets began; None if the series is younger than they are."""

    def since_native(self) -> tuple[list[int], int]:
        """Return counts and total of the observations that the native buckets have as well."""
        if self.before is None:
            return self.counts, self.total
        pairs = zip(self.counts, self.before.counts, strict=True)
        return [count - earlier for count, earlier in pairs], self.total - self.before.total

    def cumulative(self) -> list[int]:
        return list(accumulate(self.counts))

    def add(self, later: "HistogramSeries") -> None:
        """Add later observations, all of which are in native buckets as well."""
        self.counts = list(map(int.__add__, self.counts, later.counts))
        for bucket, number in later.native.items():
            self.native[bucket] = self.native.get(bucket, 0) + number
        self.total += later.total
        self.exemplars.update(later.exemplars)
