"""How the records of each event are counted: the rows of the families, arranged by event.

Records are grouped by the fields that decide where they count, so that Python code runs once per group.
"""

import collections
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter

from coderouter_events.events import EVENTS, Event, RequestFinished
from coderouter_exporter.families.exporter import LABEL_OVERFLOW
from coderouter_exporter.families.kinds import (
    MISSING,
    Absent,
    Counter,
    EachOf,
    Feed,
    Field,
    Histogram,
    Mapped,
    Present,
    Sum,
    source_fields,
)
from coderouter_exporter.families.table import FED
from coderouter_exporter.records.columns import Columns, GroupKey
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.rows.usage import GROUPED_BY
from coderouter_exporter.state.state import Exemplar, HistogramSeries, Labels, State

LabelSource = str | tuple[int, Field]
"""A fixed label value, or the field that gives it with the field's index among the group's keys."""
REQUEST_ID_CHARS_MAX = 128 - len("request_id")
"""OpenMetrics 1.0: the label of an exemplar has at most 128 characters, its name included."""


@dataclass(frozen=True)
class _Row:
    """What one feed adds to its family."""

    family: Counter | Histogram
    sources: tuple[LabelSource, ...]
    conditions: tuple[tuple[int, Container[object]], ...]
    adds: Sum | Present | Absent | None

    def matches(self, key: GroupKey) -> bool:
        return all(key[index] in accepted for index, accepted in self.conditions)

    def labels(self, key: GroupKey) -> Labels:
        return tuple(source if isinstance(source, str) else _label(source, key) for source in self.sources)


class _Exemplars:
    """The newest record of each bucket that a batch added to, by its index in the batch."""

    def __init__(self) -> None:
        self._newest: dict[tuple[int, int], int] = {}
        self._series: dict[int, tuple[HistogramSeries, Sequence[int]]] = {}

    def add(self, observed: HistogramSeries, numbers: Sequence[int], by_edge: Mapping[int, int]) -> None:
        """Add the newest index of each edge; `numbers` are the observations of the whole batch."""
        series = id(observed)
        self._series[series] = (observed, numbers)
        for edge, index in by_edge.items():
            if edge:
                self._newest[series, edge - 1] = max(index, self._newest.get((series, edge - 1), index))

    def store(self, records: list[Record]) -> None:
        for (series, bucket), index in self._newest.items():
            observed, numbers = self._series[series]
            record = records[index]
            if record.request_id and len(record.request_id) <= REQUEST_ID_CHARS_MAX:
                ts = unix_time(record.ts) or 0.0
                observed.exemplars[bucket] = Exemplar(record.request_id, numbers[index], ts)


class Plan:
    """How the records of one event are counted."""

    def __init__(self, event: type[Event]) -> None:
        feeds = list(_feeds_of(event))
        plain = [(family, feed) for family, feed in feeds if not _is_list(feed)]
        keys = chain.from_iterable(feed.group_keys() for _, feed in plain)
        self._group_keys = tuple(dict.fromkeys((*keys, *(GROUPED_BY if event is RequestFinished else ()))))
        self._rows = [_row(family, feed, self._group_keys) for family, feed in plain]
        self._lists = [(family, feed.labels[0]) for family, feed in feeds if _is_list(feed)]
        numbers = (source_fields(row.adds.field) for row in self._rows if row.adds is not None)
        self._fields = tuple(dict.fromkeys((*self._group_keys, *chain.from_iterable(numbers))))

    def count(self, state: State, records: list[Record]) -> Columns | None:
        """Count the records; return their columns if any were needed."""
        columns = None
        if self._fields == self._group_keys:
            self._count_groups(state, records)
        else:
            columns = Columns(self._fields, records)
            self._count_numbers(state, records, columns)
        for family, source in self._lists:
            assert isinstance(family, Counter)
            assert isinstance(source, EachOf)
            _count_entries(state, family, source, records)
        return columns

    def _count_groups(self, state: State, records: list[Record]) -> None:
        """Count records without looking at any number in them."""
        for key, number in _group_sizes(self._group_keys, records):
            for row in self._rows:
                if row.matches(key):
                    assert isinstance(row.family, Counter)
                    state.add(row.family, row.labels(key), number)

    def _count_numbers(self, state: State, records: list[Record], columns: Columns) -> None:
        exemplars = _Exemplars()
        for key, indexes in columns.groups(self._group_keys).items():
            for row in self._rows:
                if row.matches(key):
                    _add(state, row, row.labels(key), columns, indexes, exemplars)
        exemplars.store(records)


def _count_entries(state: State, family: Counter, source: EachOf, records: list[Record]) -> None:
    entries_of = attrgetter(source.name)
    entries: Iterable[str] = chain.from_iterable(map(entries_of, records))
    numbers = collections.Counter(entries).items()
    overflown = {entry for entry, number in numbers if not state.add(family, (entry,), number, events=0)}
    if overflown:
        events = sum(not overflown.isdisjoint(entries_of(record)) for record in records)
        state.add(LABEL_OVERFLOW, (family.name,), events)


def _add(
    state: State, row: _Row, labels: Labels, columns: Columns, indexes: list[int], exemplars: _Exemplars
) -> None:
    family = row.family
    column = columns.numbers(row.adds.field, family.scale) if row.adds is not None else ()
    if not column:
        if row.adds is None or isinstance(row.adds, Absent):
            assert isinstance(family, Counter)
            state.add(family, labels, len(indexes))
        return
    assert row.adds is not None
    numbers = columns.numbers_of(row.adds.field, family.scale, indexes)
    missing = numbers.count(MISSING)
    if isinstance(family, Histogram):
        edges = list(map(_EDGES[family.name], numbers))
        counts = {edge - 1: number for edge, number in collections.Counter(edges).items() if edge}
        if not counts:
            return
        observed = state.observe(family, labels, counts, sum(numbers) - missing * MISSING)
        if family.exemplars:
            exemplars.add(observed, column, dict(zip(edges, indexes, strict=True)))
    elif number := _number(row.adds, numbers, missing):
        events = missing if isinstance(row.adds, Absent) else len(numbers) - missing
        state.add(family, labels, number, events)


def _number(adds: Sum | Present | Absent, numbers: Sequence[int], missing: int) -> int:
    match adds:
        case Sum():
            return sum(numbers) - missing * MISSING
        case Present():
            return len(numbers) - missing
        case Absent():
            return missing


def _group_sizes(fields: tuple[str, ...], records: list[Record]) -> Iterable[tuple[GroupKey, int]]:
    if not fields:
        return [((), len(records))]
    if len(fields) == 1:
        sizes = collections.Counter(map(attrgetter(*fields), records))
        return (((value,), number) for value, number in sizes.items())
    return collections.Counter(map(attrgetter(*fields), records)).items()


def _label(source: tuple[int, Field], key: GroupKey) -> str:
    index, field = source
    value = str(key[index] or "")
    return field.values.get(value, field.default) if isinstance(field, Mapped) else value


def _row(family: Counter | Histogram, feed: Feed, keys: tuple[str, ...]) -> _Row:
    return _Row(
        family,
        tuple(label if isinstance(label, str) else (keys.index(label.name), label) for label in feed.labels),
        tuple((keys.index(name), accepted) for name, accepted in feed.where.items()),
        feed.adds,
    )


def _is_list(feed: Feed) -> bool:
    return any(isinstance(label, EachOf) for label in feed.labels)


def _feeds_of(event: type[Event]) -> Iterator[tuple[Counter | Histogram, Feed]]:
    for family in FED:
        for feed in family.feeds:
            if feed.event is event:
                yield family, feed


_EDGES: dict[str, Callable[[int], int]] = {
    family.name: partial(bisect_left, [MISSING, *(round(bound * family.scale) for bound in family.buckets)])
    for family in FED
    if isinstance(family, Histogram)
}
"""By histogram, a function that returns the number of the first edge that is not below an observation.

Edge 0 is below all buckets and takes the missing numbers, so that no observation is examined on its own.
"""

PLANS = {event.msg: Plan(event) for event in EVENTS}
