"""Keeps the counters of each step of a history, and prints them as OpenMetrics with timestamps.

The format wants each series in one piece, while the events of one step change many: what changed is kept in a
temporary database on disk and read back series by series. Memory holds the names of the series, not their past.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

PREFIX = "coderouter_"
"""Of what is kept: what the proxy did. How an exporter was doing meanwhile, event files do not tell."""


@dataclass
class _Family:
    number: int
    kind: str
    help: str
    groups: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict)
    """The series that the format keeps together, one of a counter and all buckets of a histogram: each with its
    newest value, in the order in which they were first seen."""


class StepLog:
    """Counters by step, a step being a number of `step_ms` since 1970; `labels` are added to each series."""

    def __init__(self, step_ms: int, labels: Iterable[tuple[str, str]] = ()) -> None:
        self._step_ms = step_ms
        self._labels = dict(labels)
        self._families: dict[str, _Family] = {}
        self._db = sqlite3.connect(
            ""
        )  # a temporary file, of which 2 MB are held in memory; gone with the connection
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("CREATE TABLE change (family INT, labels INT, step INT, series INT, value REAL)")

    def note(self, step: int, metrics: Iterable[Metric]) -> None:
        """Keep what has changed since the last call as the values from this step on."""
        for metric in metrics:
            if metric.type == "gauge" or not metric.name.startswith(PREFIX):
                continue
            family = self._families.setdefault(
                metric.name, _Family(len(self._families), metric.type, metric.documentation)
            )
            changes = [(family.number, step, *change) for change in self._changes(family, metric.samples)]
            self._db.executemany(
                "INSERT INTO change (family, step, labels, series, value) VALUES (?, ?, ?, ?, ?)", changes
            )

    def lines(self, first: int, last: int) -> Iterator[str]:
        """Yield the document: every series at each of these steps, and 0 before its first change."""
        for name, family in self._families.items():
            yield f"# HELP {name} {_escaped(family.help)}\n# TYPE {name} {family.kind}\n"
            changes = self._db.execute(
                "SELECT labels, step, series, value FROM change WHERE family = ? ORDER BY labels, step",
                (family.number,),
            )
            for series, (_, rows) in zip(
                family.groups.values(), groupby(changes, itemgetter(0)), strict=True
            ):
                yield from self._samples(list(series), rows, range(first, last + 1))
        yield "# EOF\n"

    def close(self) -> None:
        self._db.close()

    def _changes(self, family: _Family, samples: Iterable[Sample]) -> Iterator[tuple[int, int, float]]:
        """Yield group, series and value of each sample that is new or has a new value."""
        numbers = {key: number for number, key in enumerate(family.groups)}
        for sample in samples:
            key = tuple(value for label, value in sample.labels.items() if label != "le")
            group = family.groups.setdefault(key, {})
            name = self._name(sample)
            if group.get(name) != sample.value:
                group[name] = sample.value
                yield numbers.setdefault(key, len(numbers)), list(group).index(name), sample.value

    def _samples(
        self, names: list[str], rows: Iterator[tuple[int, int, int, float]], steps: range
    ) -> Iterator[str]:
        values = ["0.0"] * len(names)
        row = next(rows, None)
        for step in steps:
            while row is not None and row[1] <= step:
                values[row[2]] = floatToGoString(row[3])  # type: ignore[no-untyped-call]
                row = next(rows, None)
            when = _seconds(step * self._step_ms)
            yield "".join(f"{name} {value} {when}\n" for name, value in zip(names, values, strict=True))

    def _name(self, sample: Sample) -> str:
        labels = self._labels | sample.labels
        if not labels:
            return sample.name
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        return f"{sample.name}{{{pairs}}}"


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
