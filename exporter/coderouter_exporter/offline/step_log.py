"""Keeps the counters of each step of a history, and renders them as OpenMetrics with timestamps.

The format requires all samples of a series together, while each step changes many series. So the changes go to a
temporary database on disk and are read back series by series; memory holds the names of the series, not their history.
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
"""Only metrics of the proxy are kept: event files have no history of the exporter."""


@dataclass
class _LoggedFamily:
    number: int
    kind: str
    help: str
    groups: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict)
    """The newest value of each series, in the order in which they were first seen, by the labels that the format
    requires together: one series of a counter, all buckets of a histogram."""


class StepLog:
    """Counters by step; steps are `step_ms` long and numbered since 1970. `labels` are added to each series."""

    def __init__(self, step_ms: int, labels: Iterable[tuple[str, str]] = ()) -> None:
        self._step_ms = step_ms
        self._labels = dict(labels)
        self._families: dict[str, _LoggedFamily] = {}
        self._db = sqlite3.connect(
            ""
        )  # a temporary file, cached in 2 MB of memory, deleted with the connection
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("CREATE TABLE change (family INT, labels INT, step INT, series INT, value REAL)")

    def record(self, step: int, metrics: Iterable[Metric]) -> None:
        """Keep the values that have changed since the previous call as those from this step on."""
        for metric in metrics:
            if metric.type == "gauge" or not metric.name.startswith(PREFIX):
                continue
            family = self._families.setdefault(
                metric.name, _LoggedFamily(len(self._families), metric.type, metric.documentation)
            )
            changes = [(family.number, step, *change) for change in self._changes(family, metric.samples)]
            self._db.executemany(
                "INSERT INTO change (family, step, labels, series, value) VALUES (?, ?, ?, ?, ?)", changes
            )

    def lines(self, first: int, last: int) -> Iterator[str]:
        """Yield the document: every series at each of these steps, 0 before its first change."""
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

    def _changes(self, family: _LoggedFamily, samples: Iterable[Sample]) -> Iterator[tuple[int, int, float]]:
        """Yield the numbers of group and series, and the value, of each sample that is new or has a new value."""
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
