"""The fields of many records as columns of whole numbers, made by C-level tools."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, mul
from typing import Any

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.decode import Record

MISSING = -1
"""Stands in a column of numbers for one that the record does not have."""
NUMBER_MAX = 1 << 40
"""What is more is nonsense and counts as missing: 12 days in millionths of a second, a million dollars."""

Numbers = Sequence[int]


class Columns:
    """What some records have in the fields named."""

    def __init__(self, names: tuple[str, ...], records: Sequence[Record]) -> None:
        if len(names) == 1:
            self._values = {names[0]: tuple(map(attrgetter(*names), records))}
        else:
            rows = map(attrgetter(*names), records)
            self._values = dict(zip(names, zip(*rows, strict=True), strict=True))
        self._numbers: dict[tuple[str, int], Numbers] = {}

    def values(self, name: str) -> Sequence[Any]:
        return self._values[name]

    def numbers(self, name: str, scale: int) -> Numbers:
        """Return the field's numbers in units of 1/`scale`; none at all when no record has one."""
        found = self._numbers.get((name, scale))
        if found is None:
            derive = _DERIVED.get(name)
            found = derive(self) if derive else _whole(self._values[name], scale)
            self._numbers[name, scale] = found
        return found


def needed(name: str) -> tuple[str, ...]:
    """Return the fields of a record that a column is made of."""
    return _NEEDED.get(name, (name,))


def _whole(values: Sequence[Any], scale: int) -> Numbers:
    missing = values.count(None)
    if missing == len(values):
        return ()
    if not missing and min(values) >= 0 and max(values) * scale <= NUMBER_MAX:
        return values if scale == 1 else list(map(round, map(mul, values, repeat(scale))))
    return [MISSING if value is None else in_whole(value, scale) for value in values]


def in_whole(value: float, scale: int) -> int:
    """Return the value in units of 1/`scale`, or `MISSING` where it is nonsense."""
    return round(value * scale) if 0 <= value * scale <= NUMBER_MAX else MISSING


def _per_output_token(columns: Columns) -> Numbers:
    """Return the time per token after the first one of each stream, in millionths of a second."""
    durations = columns.numbers("duration_s", MICRO)
    first_contents = columns.numbers("ttft_s", MICRO)
    tokens = columns.numbers("output_tokens", 1)
    if not (durations and first_contents and tokens):
        return ()
    return [
        (duration - first) // (number - 1) if number > 1 and 0 <= first <= duration else MISSING
        for duration, first, number in zip(durations, first_contents, tokens, strict=True)
    ]


_NEEDED: Mapping[str, tuple[str, ...]] = {"per_output_token_s": ("duration_s", "ttft_s", "output_tokens")}
_DERIVED: Mapping[str, Callable[[Columns], Numbers]] = {"per_output_token_s": _per_output_token}
