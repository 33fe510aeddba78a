"""Renders the totals as Prometheus text, OpenMetrics or protobuf."""

from collections.abc import Iterable
from enum import Enum
from functools import cache

from prometheus_client import exposition as text_format
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics_format
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from coderouter_exporter.families.kinds import Counter, Gauge, Histogram
from coderouter_exporter.families.table import FAMILIES, HISTOGRAMS
from coderouter_exporter.render.protobuf import families as protobuf
from coderouter_exporter.render.view import View
from coderouter_exporter.state import histogram_series
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.histogram_series import HistogramSeries
from coderouter_exporter.state.order import is_suspect


class Format(Enum):
    """The formats served; the value is the content type."""

    TEXT = text_format.CONTENT_TYPE_PLAIN_0_0_4
    OPENMETRICS = openmetrics_format.CONTENT_TYPE_LATEST
    PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def render(view: View, form: Format) -> bytes:
    match form:
        case Format.TEXT:
            return text_format.generate_latest(Scrape(view))
        case Format.OPENMETRICS:
            scrape = Scrape(view, created_ts=view.state.created_ts)
            body: bytes = openmetrics_format.generate_latest(scrape)  # type: ignore[no-untyped-call]
            return body
        case Format.PROTOBUF:
            return protobuf.render(view, _of_process(view))


class Scrape(Collector):
    """The families of one scrape, all built from the same view.

    With `created_ts`, series have their start time and buckets their exemplars, which only OpenMetrics can express.
    """

    def __init__(self, view: View, created_ts: float | None = None) -> None:
        self._view = view
        self._created_ts = created_ts

    def collect(self) -> Iterable[Metric]:
        for family in FAMILIES:
            match family:
                case Counter():
                    yield self._counter(family)
                case Histogram():
                    yield self._histogram(family)
                case Gauge() if self._view.serves(family):
                    yield self._gauge(family)
        yield from _of_process(self._view)

    def _counter(self, family: Counter) -> Metric:
        metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for labels, total in self._view.state.totals(family).items():
            metric.add_metric(labels, total / family.scale, created=self._created_ts)
        return metric

    def _histogram(self, family: Histogram) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, series in self._view.state.series(family).items():
            metric.add_metric(labels, self._buckets(family, series), series.total / family.scale)
            if self._created_ts is not None:
                metric.samples.append(_created(family, labels, self._created_ts))
        return metric

    def _buckets(
        self, family: Histogram, series: HistogramSeries
    ) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Return bound, cumulative count and, if there is one, exemplar of each bucket."""
        exemplars = series.exemplars if self._created_ts is not None else {}
        pairs = zip(_BOUNDS[family.name], series.cumulative(), strict=True)
        return [
            (*pair, self._exemplar(family, exemplars[number])) if number in exemplars else pair
            for number, pair in enumerate(pairs)
        ]

    def _exemplar(self, family: Histogram, newest: histogram_series.Exemplar) -> Exemplar:
        """Return the exemplar, without a suspect time: Prometheus would refuse the next ones as older."""
        ts = None if is_suspect(newest.ts, self._view.now_ts) else newest.ts
        return Exemplar({"request_id": newest.request_id}, newest.number / family.scale, ts)

    def _gauge(self, family: Gauge) -> Metric:
        metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, number in self._view.values(family).items():
            metric.add_metric(labels, float(number))
        return metric


def _of_process(view: View) -> Iterable[Metric]:
    """Return the metrics of the serving process, if there is one."""
    return () if view.published is None else _process_collector().collect()


def _created(family: Histogram, labels: Labels, created_ts: float) -> Sample:
    return Sample(f"{family.name}_created", family.named(labels), created_ts)


_BOUNDS: dict[str, list[str]] = {
    family.name: [floatToGoString(bound) for bound in (*family.buckets, float("inf"))]  # type: ignore[no-untyped-call]
    for family in HISTOGRAMS
}
"""By histogram, the values of the label `le`."""


@cache
def _process_collector() -> ProcessCollector:
    return ProcessCollector(registry=None)
