"""How the records of each event are counted: the rows of the families, arranged by event.

Records are grouped by the fields that decide where they count, so that Python code runs once per group: those with
numbers by few fields, so that the groups are large, and those that only count by all the others.
"""

import collections
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.exporter import LABEL_OVERFLOW
from coderouter_exporter.families.kinds import (
    Absent,
    Counter,
    EachOf,
    Feed,
    Field,
    Histogram,
    Mapped,
    Present,
    Sum,
)
from coderouter_exporter.families.table import FED
from coderouter_exporter.fold.observations import counted
from coderouter_exporter.records.columns import Columns, GroupKey
from coderouter_exporter.records.record import RECORDS, Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.rows.usage import GROUPED_BY
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.histogram_series import Exemplar, HistogramSeries
from coderouter_exporter.state.state import State

LabelSource = str | tuple[int, Field]
"""A fixed label value, or the field that gives it with the field's index among the group's keys."""
GROUPS_KEPT = 1024
"""Groups of an event for which the labels that they count under are remembered."""
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


class _Rows:
    """What several feeds add, and the fields that decide whether and where: the keys of their groups."""

    def __init__(self, feeds: Iterable[tuple[Counter | Histogram, Feed]]) -> None:
        fed = list(feeds)
        self.keys = tuple(dict.fromkeys(chain.from_iterable(feed.group_keys() for _, feed in fed)))
        self.rows = [_row(family, feed, self.keys) for family, feed in fed]
        self.matching = lru_cache(GROUPS_KEPT)(self._matching)
        """Returns the rows that count a group, each with the labels that it counts under."""

    def _matching(self, key: GroupKey) -> Sequence[tuple[_Row, Labels]]:
        return [(row, row.labels(key)) for row in self.rows if row.matches(key)]


class _Exemplars:
    """The newest record of each bucket that a batch added to, by its index in the batch."""

    def __init__(self) -> None:
        self._newest: dict[tuple[int, int], int] = {}
        self._series: dict[int, tuple[HistogramSeries, Sequence[int]]] = {}

    def add(self, observed: HistogramSeries, numbers: Sequence[int], newest: Mapping[int, int]) -> None:
        """Add the newest index of each bucket; `numbers` are the observations of the whole batch."""
        series = id(observed)
        self._series[series] = (observed, numbers)
        for bucket, index in newest.items():
            self._newest[series, bucket] = max(index, self._newest.get((series, bucket), index))

    def store(self, records: list[Record]) -> None:
        for (series, bucket), index in self._newest.items():
            observed, numbers = self._series[series]
            record = records[index]
            if record.request_id and len(record.request_id) <= REQUEST_ID_CHARS_MAX:
                ts = unix_time(record.ts) or 0.0
                observed.exemplars[bucket] = Exemplar(record.request_id, numbers[index], ts)


class Plan:
    """How the records of the events of one name are counted."""

    def __init__(self, event: str) -> None:
        feeds = list(_feeds_of(event))
        plain = [(family, feed) for family, feed in feeds if not _is_list(feed)]
        self._sized = _Rows((family, feed) for family, feed in plain if feed.adds is None)
        self._summed = _Rows((family, feed) for family, feed in plain if feed.adds is not None)
        also = GROUPED_BY if event == RequestFinished.msg else ()
        self._finest = tuple(dict.fromkeys((*self._summed.keys, *also)))
        read = {name for _, feed in feeds for name in feed.fields()}
        self._reads_most = 2 * len(read) > len(RECORDS[event].__struct_fields__)
        self._lists = [(family, feed.labels[0]) for family, feed in feeds if _is_list(feed)]

    def count(self, state: State, records: list[Record]) -> Columns | None:
        """Count the records; return their columns if any were needed."""
        columns = None
        if self._summed.rows:
            columns = Columns(records, most=self._reads_most)
            self._count_numbers(state, records, columns)
            if self._sized.rows:
                self._count_sizes(state, columns.sizes(self._sized.keys))
        else:
            self._count_sizes(state, _group_sizes(self._sized.keys, records))
        for family, source in self._lists:
            assert isinstance(family, Counter)
            assert isinstance(source, EachOf)
            _count_entries(state, family, source, records)
        return columns

    def _count_sizes(self, state: State, sizes: Iterable[tuple[GroupKey, int]]) -> None:
        """Count groups of records without looking at any number in them."""
        for key, number in sizes:
            for row, labels in self._sized.matching(key):
                assert isinstance(row.family, Counter)
                state.add(row.family, labels, number)

    def _count_numbers(self, state: State, records: list[Record], columns: Columns) -> None:
        exemplars = _Exemplars()
        columns.groups(self._finest)  # the groups of later calls are merged from these
        for key, indexes in columns.groups(self._summed.keys).items():
            for row, labels in self._summed.matching(key):
                _add(state, row, labels, columns, indexes, exemplars)
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
    assert row.adds is not None
    column = columns.numbers(row.adds.field, family.scale)
    if not column:
        if isinstance(row.adds, Absent):
            assert isinstance(family, Counter)
            state.add(family, labels, len(indexes))
        return
    assert row.adds is not None
    if isinstance(family, Histogram):
        found = counted(family, column, indexes)
        if found is not None:
            observed = state.observe(family, labels, found.buckets, found.native, found.total)
            exemplars.add(observed, column, found.newest)
        return
    total, missing = columns.total(row.adds.field, family.scale, indexes)
    events = missing if isinstance(row.adds, Absent) else len(indexes) - missing
    if number := total if isinstance(row.adds, Sum) else events:
        state.add(family, labels, number, events)


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


def _feeds_of(event: str) -> Iterator[tuple[Counter | Histogram, Feed]]:
    for family in FED:
        for feed in family.feeds:
            if feed.event.msg == event:
                yield family, feed


PLANS = {event: Plan(event) for event in RECORDS}
