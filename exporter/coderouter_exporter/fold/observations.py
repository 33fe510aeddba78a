"""How the observations of a histogram are counted: sorted, so that each bucket is one slice of them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coderouter_exporter.families.kinds import Histogram
from coderouter_exporter.families.table import HISTOGRAMS
from coderouter_exporter.state import native_buckets


@dataclass(frozen=True, slots=True)
class Counted:
    """Some observations of one series, by the numbers of their buckets."""

    buckets: Mapping[int, int]
    native: Mapping[int, int]
    total: int
    newest: Mapping[int, int]
    """By bucket, the largest index of an observation in it; empty for a family without exemplars."""


def counted(family: Histogram, column: Sequence[int], indexes: Sequence[int]) -> Counted | None:
    """Return what the observations at these indexes of the column add; None if there are none.

    Negative numbers are missing ones.
    """
    if family.exemplars:
        order = sorted(indexes, key=column.__getitem__)
        ordered = list(map(column.__getitem__, order))
    else:
        order = []
        ordered = sorted(column if len(indexes) == len(column) else map(column.__getitem__, indexes))
    first = bisect_left(ordered, 0)
    if first == len(ordered):
        return None
    slices = list(_slices(ordered, _BOUNDS[family.name], first))
    native_first, native_bounds = _NATIVE[family.scale]
    zeros_end = bisect_right(ordered, 0, first)
    return Counted(
        {bucket: end - start for bucket, start, end in slices},
        {
            bucket + native_first: end - start
            for bucket, start, end in _slices(ordered, native_bounds, zeros_end)
        },
        sum(ordered[first:]),
        {bucket: max(order[start:end]) for bucket, start, end in slices} if order else {},
    )


def _slices(ordered: Sequence[int], bounds: Sequence[int], start: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each bucket that is not empty, and where its observations start and end."""
    last = len(ordered)
    while start < last:
        bucket = bisect_left(bounds, ordered[start])
        end = bisect_right(ordered, bounds[bucket], start) if bucket < len(bounds) else last
        yield bucket, start, end
        start = end


_BOUNDS: dict[str, list[int]] = {
    family.name: [round(bound * family.scale) for bound in family.buckets] for family in HISTOGRAMS
}
"""By histogram, the largest number of each bucket but the last, which has no bound."""

_NATIVE: dict[int, tuple[int, list[int]]] = {
    scale: (native_buckets.first_bucket(scale), native_buckets.upper_bounds(scale))
    for scale in {family.scale for family in HISTOGRAMS}
}
"""By scale, the first native bucket and the bounds from there on."""
