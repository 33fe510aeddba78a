"""The fields of many records as columns of integers, built by C-level tools."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter, mul
from typing import Any

from msgspec.structs import astuple

from coderouter_exporter.families.kinds import MISSING, Derived, Numbers
from coderouter_exporter.records.record import Record

NUMBER_MAX = 1 << 40
"""Larger numbers are invalid and count as missing: 12 days in microseconds, a million dollars in micro-dollars."""


GroupKey = tuple[str | bool | int | None, ...]
"""The values that a group of records has in common."""


class Columns:
    """The fields of some records of one event, a column each; if `most` are read, that is faster."""

    def __init__(self, records: Sequence[Record], *, most: bool = False) -> None:
        self._records = records
        self._values: dict[str, Sequence[Any]] = {}
        self._flat: list[Any] = []
        """The fields of all records, one record after the other, if most of them are read."""
        self._names: tuple[str, ...] = ()
        if most and records:
            self._names = records[0].__struct_fields__
            for fields in map(astuple, records):
                self._flat += fields
        self._numbers: dict[tuple[str | Derived, int], Numbers] = {}
        self._complete: set[tuple[str | Derived, int]] = set()
        """The columns of numbers in which none is missing."""
        self._groups: dict[tuple[str, ...], dict[GroupKey, list[int]]] = {}
        self._picked: dict[tuple[str | Derived, int, int], tuple[list[int], Numbers]] = {}
        self._length = len(records)

    def values(self, name: str) -> Sequence[Any]:
        found = self._values.get(name)
        if found is None:
            if name in self._names:
                found = self._flat[self._names.index(name) :: len(self._names)]
            else:
                found = list(map(attrgetter(name), self._records))
            self._values[name] = found
        return found

    def groups(self, names: tuple[str, ...]) -> dict[GroupKey, list[int]]:
        """Return the indexes of the records by their values of these fields."""
        found = self._groups.get(names)
        if found is None:
            finer = next((known for known in self._groups if set(known) > set(names)), None)
            found = self._grouped(names) if finer is None else self._merged(finer, names)
            self._groups[names] = found
        return found

    def sizes(self, names: tuple[str, ...]) -> Iterable[tuple[GroupKey, int]]:
        """Return how many records have the same values of these fields."""
        if (groups := self._groups.get(names)) is not None:
            return [(key, len(indexes)) for key, indexes in groups.items()]
        return Counter(zip(*map(self.values, names), strict=True)).items() if names else [((), self._length)]

    def _grouped(self, names: tuple[str, ...]) -> dict[GroupKey, list[int]]:
        groups: dict[GroupKey, list[int]] = defaultdict(list)
        if not names:
            groups[()] = list(range(self._length))
            return groups
        for index, key in enumerate(zip(*map(self.values, names), strict=True)):
            groups[key].append(index)
        return groups

    def _merged(self, finer: tuple[str, ...], names: tuple[str, ...]) -> dict[GroupKey, list[int]]:
        places = [finer.index(name) for name in names]
        groups: dict[GroupKey, list[int]] = {}
        for finer_key, indexes in self._groups[finer].items():
            key = tuple(finer_key[place] for place in places)
            known = groups.get(key)
            groups[key] = indexes if known is None else known + indexes
        return groups

    def numbers(self, source: str | Derived, scale: int) -> Numbers:
        """Return the column in units of 1/`scale`; an empty one when no record has a number."""
        found = self._numbers.get((source, scale))
        if found is None:
            if isinstance(source, Derived):
                found = self._computed(source)
            else:
                found, is_complete = _scaled(self.values(source), scale)
                if is_complete:
                    self._complete.add((source, scale))
            self._numbers[source, scale] = found
        return found

    def total(self, source: str | Derived, scale: int, indexes: list[int]) -> tuple[int, int]:
        """Return the sum of the numbers at these indexes, and how many of them are missing."""
        numbers = self.numbers_of(source, scale, indexes)
        missing = 0 if (source, scale) in self._complete else numbers.count(MISSING)
        return sum(numbers) - missing * MISSING, missing

    def numbers_of(self, source: str | Derived, scale: int, indexes: list[int]) -> Numbers:
        """Return the numbers at these indexes; empty if `numbers` is. Each list of indexes is picked once."""
        column = self.numbers(source, scale)
        if not column or len(indexes) == len(column):
            return column
        key = (source, scale, id(indexes))
        found = self._picked.get(key)
        if found is None:
            # The list is kept, so that no other one gets its id.
            found = self._picked[key] = (indexes, list(map(column.__getitem__, indexes)))
        return found[1]

    def _computed(self, derived: Derived) -> Numbers:
        columns = [self.numbers(name, scale) for name, scale in derived.sources]
        if not all(columns):
            return ()
        return derived.compute(*columns, *(self.numbers(name, scale) for name, scale in derived.optional))


_rounded = float.__round__
"""Takes half as long as `round`."""


def _scaled(values: Sequence[Any], scale: int) -> tuple[Numbers, bool]:
    """Return the column, and whether each value is valid. Comparing numbers with None is what would take longest."""
    if not values or (values[0] is None and values.count(None) == len(values)):
        return (), False
    try:
        has_all, smallest, largest = True, min(values), max(values)
    except TypeError:
        given = [value for value in values if value is not None]
        has_all, smallest, largest = False, min(given), max(given)
    if smallest < 0 or largest * scale > NUMBER_MAX:
        return [MISSING if value is None else scaled(value, scale) for value in values], False
    if scale == 1:
        return values if has_all else [MISSING if value is None else value for value in values], has_all
    factor = float(scale)
    if has_all:
        return list(map(_rounded, map(mul, values, repeat(factor)))), True
    return [MISSING if value is None else _rounded(value * factor) for value in values], False


def summed(numbers: Numbers) -> int:
    """Return the sum, without what is missing."""
    return sum(numbers) - MISSING * numbers.count(MISSING)


def scaled(value: float, scale: int) -> int:
    """Return the value as an integer in units of 1/`scale`, or `MISSING` if it is invalid."""
    return round(value * scale) if 0 <= value * scale <= NUMBER_MAX else MISSING
