"""Renders the families as protobuf messages."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.metrics_core import Metric

from coderouter_exporter.families.kinds import Counter, Gauge, Histogram
from coderouter_exporter.families.table import FAMILIES
from coderouter_exporter.render.protobuf import messages
from coderouter_exporter.render.view import View
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.histogram_series import HistogramSeries
from coderouter_exporter.state.order import is_suspect


def render(view: View, process: Iterable[Metric]) -> bytes:
    """Return the families and the metrics of the process, counters and gauges, as delimited MetricFamily messages.

    A histogram has classic and native buckets of the same observations: those since its start time, which is that of
    the native buckets if it is older than they are.
    """
    return b"".join((*_families(view), *map(_of_process, process)))


def _families(view: View) -> Iterator[bytes]:
    for family in FAMILIES:
        match family:
            case Counter():
                totals = view.state.totals(family).items()
                metrics = (
                    messages.counter(family.named(labels), total / family.scale, view.state.created_ts)
                    for labels, total in totals
                )
                yield messages.metric_family(family.name, family.help, messages.COUNTER, metrics)
            case Histogram():
                series = view.state.series(family).items()
                metrics = (_histogram(view, family, labels, one) for labels, one in series)
                yield messages.metric_family(family.name, family.help, messages.HISTOGRAM, metrics)
            case Gauge() if view.serves(family):
                values = view.values(family).items()
                metrics = (messages.gauge(family.named(labels), float(number)) for labels, number in values)
                yield messages.metric_family(family.name, family.help, messages.GAUGE, metrics)


def _histogram(view: View, family: Histogram, labels: Labels, series: HistogramSeries) -> bytes:
    counts, total = series.since_native()
    cumulative = list(accumulate(counts))
    bounds = (*family.buckets, float("inf"))
    return messages.histogram(
        family.named(labels),
        buckets=[
            messages.bucket(number, bound, _exemplar(view, family, series, index) if counts[index] else b"")
            for index, (number, bound) in enumerate(zip(cumulative, bounds, strict=True))
        ],
        native=series.native,
        count=cumulative[-1],
        total=total / family.scale,
        start_ts=view.state.created_ts if series.before is None else view.state.native_ts,
    )


def _exemplar(view: View, family: Histogram, series: HistogramSeries, index: int) -> bytes:
    """Return the exemplar of the bucket, or nothing; without a suspect time, like in OpenMetrics."""
    newest = series.exemplars.get(index)
    if newest is None:
        return b""
    ts = None if is_suspect(newest.ts, view.now_ts) else newest.ts
    return messages.exemplar({"request_id": newest.request_id}, newest.number / family.scale, ts)


def _of_process(metric: Metric) -> bytes:
    kind, encoded = (
        (messages.COUNTER, messages.counter) if metric.type == "counter" else (messages.GAUGE, messages.gauge)
    )
    name = metric.samples[0].name if metric.samples else metric.name
    values = (encoded(sample.labels, sample.value) for sample in metric.samples)
    return messages.metric_family(name, metric.documentation, kind, values)
