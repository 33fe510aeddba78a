"""How the records of each event are counted: the rows of the families, turned round to stand by event.

Records are grouped by the fields that decide where they count; what Python does, it does once per group.
"""

import collections
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TypeVar

from coderouter_events.events import EVENTS, Event
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
from coderouter_exporter.records.columns import MISSING, Columns, needed
from coderouter_exporter.records.decode import Record, unix_time
from coderouter_exporter.state.state import Exemplar, Labels, Observed, State

Source = str | tuple[int, Field]
"""A fixed label value, or where the field that gives it stands among those that decide."""
Deciding = tuple[str | bool | int | None, ...]
"""What a group of records has in the fields that decide."""

REQUEST_ID_CHARS_MAX = 128 - len("request_id")
"""OpenMetrics 1.0: the label of an exemplar has at most 128 characters, its name included."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Row:
    """What one feed adds to its family."""

    family: Counter | Histogram
    sources: tuple[Source, ...]
    given: tuple[tuple[int, Container[object]], ...]
    adds: Sum | Present | Absent | None

    def takes(self, values: Deciding) -> bool:
        return all(values[at] in wanted for at, wanted in self.given)

    def labels(self, values: Deciding) -> Labels:
        return tuple(source if isinstance(source, str) else _label(source, values) for source in self.sources)


class _Newest:
    """The newest record of each bucket that a batch fell into, by its place in the batch."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int], int] = {}
        self._series: dict[int, tuple[Observed, Sequence[int]]] = {}

    def note(self, observed: Observed, numbers: Sequence[int], places: Mapping[int, int]) -> None:
        """Take the places by edge; `numbers` is what was observed, by place."""
        series = id(observed)
        self._series[series] = (observed, numbers)
        for edge, place in places.items():
            if edge:
                self._places[series, edge - 1] = max(place, self._places.get((series, edge - 1), place))

    def keep(self, records: list[Record]) -> None:
        for (series, bucket), place in self._places.items():
            observed, numbers = self._series[series]
            record = records[place]
            if record.request_id and len(record.request_id) <= REQUEST_ID_CHARS_MAX:
                ts = unix_time(record.ts) or 0.0
                observed.exemplars[bucket] = Exemplar(record.request_id, numbers[place], ts)


class Plan:
    """How the records of one event are counted."""

    def __init__(self, event: type[Event]) -> None:
        feeds = list(_feeds(event))
        plain = [(family, feed) for family, feed in feeds if not _is_list(feed)]
        self._deciding = tuple(dict.fromkeys(chain.from_iterable(_deciding(feed) for _, feed in plain)))
        self._rows = [_row(family, feed, self._deciding) for family, feed in plain]
        self._lists = [(family, feed.values[0]) for family, feed in feeds if _is_list(feed)]
        numbers = (needed(row.adds.field) for row in self._rows if row.adds is not None)
        self._fields = tuple(dict.fromkeys((*self._deciding, *chain.from_iterable(numbers))))

    def count(self, state: State, records: list[Record]) -> Columns | None:
        """Count the records; return the columns that were made of them, if any were."""
        columns = None
        if self._fields == self._deciding:
            self._count_alike(state, records)
        else:
            columns = Columns(self._fields, records)
            self._count_numbers(state, records, columns)
        for family, source in self._lists:
            assert isinstance(family, Counter)
            assert isinstance(source, EachOf)
            entries: Iterable[str] = chain.from_iterable(map(attrgetter(source.name), records))
            for entry, number in collections.Counter(entries).items():
                state.add(family, (entry,), number)
        return columns

    def _count_alike(self, state: State, records: list[Record]) -> None:
        """Count records of which only those matter that decide."""
        for values, number in _counted(self._deciding, records):
            for row in self._rows:
                if row.takes(values):
                    assert isinstance(row.family, Counter)
                    state.add(row.family, row.labels(values), number)

    def _count_numbers(self, state: State, records: list[Record], columns: Columns) -> None:
        groups: dict[Deciding, list[int]] = defaultdict(list)
        for place, values in enumerate(zip(*map(columns.values, self._deciding), strict=True)):
            groups[values].append(place)
        newest = _Newest()
        for values, places in groups.items():
            for row in self._rows:
                if row.takes(values):
                    _add(state, row, row.labels(values), columns, places, newest)
        newest.keep(records)


def _add(
    state: State, row: _Row, labels: Labels, columns: Columns, places: list[int], newest: _Newest
) -> None:
    family = row.family
    column = columns.numbers(row.adds.field, family.scale) if row.adds is not None else ()
    if not column:
        if row.adds is None or isinstance(row.adds, Absent):
            assert isinstance(family, Counter)
            state.add(family, labels, len(places))
        return
    numbers = _picked(column, places)
    missing = numbers.count(MISSING)
    if isinstance(family, Histogram):
        edges = list(map(_EDGES[family.name], numbers))
        counts = {edge - 1: number for edge, number in collections.Counter(edges).items() if edge}
        if not counts:
            return
        observed = state.observe(family, labels, counts, sum(numbers) - missing * MISSING)
        if family.exemplars:
            newest.note(observed, column, dict(zip(edges, places, strict=True)))
    elif row.adds is not None and (number := _number(row.adds, numbers, missing)):
        state.add(family, labels, number)


def _number(adds: Sum | Present | Absent, numbers: Sequence[int], missing: int) -> int:
    match adds:
        case Sum():
            return sum(numbers) - missing * MISSING
        case Present():
            return len(numbers) - missing
        case Absent():
            return missing


def _picked(column: Sequence[T], places: list[int]) -> Sequence[T]:
    return column if len(places) == len(column) else list(map(column.__getitem__, places))


def _counted(fields: tuple[str, ...], records: list[Record]) -> Iterable[tuple[Deciding, int]]:
    if not fields:
        return [((), len(records))]
    if len(fields) == 1:
        return (
            ((value,), number)
            for value, number in collections.Counter(map(attrgetter(*fields), records)).items()
        )
    return collections.Counter(map(attrgetter(*fields), records)).items()


def _label(source: tuple[int, Field], values: Deciding) -> str:
    at, how = source
    said = str(values[at] or "")
    return how.words.get(said, how.otherwise) if isinstance(how, Mapped) else said


def _row(family: Counter | Histogram, feed: Feed, deciding: tuple[str, ...]) -> _Row:
    return _Row(
        family,
        tuple(
            value if isinstance(value, str) else (deciding.index(value.name), value) for value in feed.values
        ),
        tuple((deciding.index(name), wanted) for name, wanted in feed.given.items()),
        feed.adds,
    )


def _deciding(feed: Feed) -> Iterator[str]:
    """Yield the fields that decide whether and where the feed counts a record."""
    yield from feed.given
    yield from (value.name for value in feed.values if isinstance(value, Field))


def _is_list(feed: Feed) -> bool:
    return any(isinstance(value, EachOf) for value in feed.values)


def _feeds(event: type[Event]) -> Iterator[tuple[Counter | Histogram, Feed]]:
    for family in FED:
        for feed in family.feeds:
            if feed.event is event:
                yield family, feed


_EDGES: dict[str, Callable[[int], int]] = {
    family.name: partial(bisect_left, [MISSING, *(round(bound * family.scale) for bound in family.buckets)])
    for family in FED
    if isinstance(family, Histogram)
}
"""By histogram, what gives the number of the first edge that is not below an observation. Edge 0 stands below all
buckets and takes what is missing, so that no observation has to be looked at alone."""

PLANS = {event.msg: Plan(event) for event in EVENTS}
