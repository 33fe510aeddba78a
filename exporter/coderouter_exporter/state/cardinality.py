"""How many series a family may have, and which of them there are before anything is counted."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice, product
from typing import NamedTuple

from coderouter_exporter.families.kinds import Counter, Histogram, Profiles, Providers
from coderouter_exporter.state.reported import StartupInfo

SERIES_MAX = 1000
OTHER = "other"
"""Every label of the series that takes the counts of a family beyond its `series_max` label combinations."""

Labels = tuple[str, ...]
Series = Mapping[Labels, object]


class Cardinality(NamedTuple):
    """The bound on the series of a family.

    Names of the configuration hold a place before they are counted. The label values of a family that no event feeds
    come from the code, so they need no bound.
    """

    series_max: int
    startup: StartupInfo | None
    """The configuration that has the names."""

    def has_room(self, family: Counter | Histogram, series: Series, labels: Labels) -> bool:
        """Return whether the labels may have a new series of their own."""
        if not family.feeds:
            return True
        number = _number_of(family, series)
        if number >= self.series_max:
            return False
        if isinstance(family, Histogram) or not _has_names(family):
            return True
        preset = self._preset(family)
        if labels in preset or number + len(preset) < self.series_max:
            return True
        return len(preset) < self.series_max and _number_of(family, {**preset, **series}) < self.series_max

    def has_room_for_all(self, family: Counter | Histogram, series: Series, added: Series) -> bool:
        """Return whether each of the added labels has a series of its own, or certainly gets one."""
        new = added.keys() - series.keys()
        if not new or not family.feeds:
            return True
        number = _number_of(family, series) + len(new)
        if number > self.series_max or isinstance(family, Histogram) or not _has_names(family):
            return number <= self.series_max
        preset = self._preset(family)
        return new <= preset.keys() or number + len(preset) <= self.series_max

    def with_preset(self, family: Counter, counted: Mapping[Labels, int]) -> dict[Labels, int]:
        """Return what was counted, and 0 for preset labels that were not, as far as there is room for them."""
        uncounted = (labels for labels in self._preset(family) if labels not in counted)
        room = max(0, self.series_max - _number_of(family, counted)) if _has_names(family) else None
        return {**dict.fromkeys(islice(uncounted, room), 0), **counted}

    def _preset(self, family: Counter) -> Series:
        """Return the preset labels; those with names of the configuration only as far as there is room for them."""
        if not _has_names(family):
            return _combinations(family.preset, family.labels)
        providers, profiles = (
            (tuple(self.startup.providers), tuple(self.startup.profiles)) if self.startup else ((), ())
        )
        names = {Providers(): providers, Profiles(): profiles}
        preset = tuple(names.get(values, values) for values in family.preset)
        return _combinations(preset, family.labels, self.series_max)


@lru_cache(32)
def _combinations(
    preset: tuple[tuple[str, ...], ...], labels: tuple[str, ...], most: int | None = None
) -> Series:
    """Return at most so many combinations of the values of each label; the empty one if there are no labels."""
    return dict.fromkeys(islice(product(*preset), most), 0) if preset or not labels else {}


def _number_of(family: Counter | Histogram, series: Series) -> int:
    """Return how many series count against the bound: all but that of `other`."""
    return len(series) - ((OTHER,) * len(family.labels) in series)


def _has_names(family: Counter) -> bool:
    """Return whether label values are names of the configuration."""
    return any(isinstance(values, (Providers, Profiles)) for values in family.preset)
