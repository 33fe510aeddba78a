"""The totals as OTLP metrics: our families under our names, and beside them those of the GenAI conventions."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as proto
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from coderouter_exporter.families.kinds import AnyFamily, Counter, Gauge, Histogram
from coderouter_exporter.families.table import FAMILIES
from coderouter_exporter.otlp import genai
from coderouter_exporter.otlp.exemplars import Spans
from coderouter_exporter.otlp.genai import CONVENTIONS, Convention, Providers
from coderouter_exporter.otlp.values import SCOPE, Value, attributes, unix_ns
from coderouter_exporter.render.view import View
from coderouter_exporter.state.histogram_series import HistogramSeries
from coderouter_exporter.state.order import is_suspect

_CUMULATIVE = proto.AGGREGATION_TEMPORALITY_CUMULATIVE
_INT_MAX = (1 << 63) - 1


def export_request(
    view: View, resource: Resource, spans: Spans = MappingProxyType({})
) -> tuple[ExportMetricsServiceRequest, int]:
    """Return the request that exports the totals, and its number of data points; exemplars refer to the spans."""
    metrics = list(_Export(view, spans).metrics())
    scope = proto.ScopeMetrics(scope=SCOPE, metrics=metrics)
    request = ExportMetricsServiceRequest(
        resource_metrics=[proto.ResourceMetrics(resource=resource, scope_metrics=[scope])]
    )
    return request, sum(map(_points, metrics))


class _Export:
    def __init__(self, view: View, spans: Spans) -> None:
        self._view = view
        self._spans = spans
        self._now_ns = unix_ns(view.now_ts)
        self._start_ns = min(unix_ns(view.state.created_ts), self._now_ns)  # the clock may have been set back

    def metrics(self) -> Iterator[proto.Metric]:
        for family in FAMILIES:
            metric = self._metric(family)
            if _points(metric):
                yield metric
        startup = self._view.state.startup
        known = genai.providers(startup.catalog if startup else [])
        for convention in CONVENTIONS:
            metric = self._convention(convention, known)
            if _points(metric):
                yield metric

    def _metric(self, family: AnyFamily) -> proto.Metric:
        metric = proto.Metric(name=family.name, description=family.help, unit=_unit(family.name))
        match family:
            case Counter():
                metric.sum.is_monotonic = True
                metric.sum.aggregation_temporality = _CUMULATIVE
                for labels, total in self._view.state.totals(family).items():
                    metric.sum.data_points.append(self._total(family.named(labels), total, family.scale))
            case Histogram():
                metric.histogram.aggregation_temporality = _CUMULATIVE
                for labels, series in self._view.state.series(family).items():
                    point = self._histogram(family.named(labels), family, series, family.buckets)
                    point.exemplars.extend(self._exemplars(family, series))
                    metric.histogram.data_points.append(point)
            case Gauge():
                for labels, number in self._view.values(family).items():
                    metric.gauge.data_points.add(
                        attributes=attributes(family.named(labels)),
                        time_unix_nano=self._now_ns,
                        as_double=float(number),
                    )
        return metric

    def _convention(self, convention: Convention, known: Providers) -> proto.Metric:
        metric = proto.Metric(name=convention.name, description=convention.help, unit=convention.unit)
        metric.histogram.aggregation_temporality = _CUMULATIVE
        for family, attributes_of in convention.sources:
            for labels, series in self._view.state.series(family).items():
                point = self._histogram(attributes_of(known, labels), family, series, convention.bounds)
                metric.histogram.data_points.append(point)
        return metric

    def _total(self, named: Mapping[str, Value], total: int, scale: int) -> proto.NumberDataPoint:
        point = proto.NumberDataPoint(
            attributes=attributes(named), start_time_unix_nano=self._start_ns, time_unix_nano=self._now_ns
        )
        if scale == 1 and total <= _INT_MAX:
            point.as_int = total
        else:
            point.as_double = total / scale
        return point

    def _histogram(
        self,
        named: Mapping[str, Value | None],
        family: Histogram,
        series: HistogramSeries,
        bounds: Sequence[float],
    ) -> proto.HistogramDataPoint:
        counts = merged(series.counts, family.buckets, bounds)
        return proto.HistogramDataPoint(
            attributes=attributes(named),
            start_time_unix_nano=self._start_ns,
            time_unix_nano=self._now_ns,
            count=sum(counts),
            sum=series.total / family.scale,
            bucket_counts=counts,
            explicit_bounds=bounds,
        )

    def _exemplars(self, family: Histogram, series: HistogramSeries) -> Iterator[proto.Exemplar]:
        """Yield those whose time can be trusted, with the span of their request if that is known."""
        for newest in series.exemplars.values():
            if is_suspect(newest.ts, self._view.now_ts):
                continue
            exemplar = proto.Exemplar(
                filtered_attributes=attributes({"request_id": newest.request_id}),
                time_unix_nano=unix_ns(newest.ts),
                as_double=newest.number / family.scale,
            )
            if (span := self._spans.get(newest.request_id)) is not None:
                exemplar.trace_id, exemplar.span_id = span.trace_id, span.span_id
            yield exemplar


def merged(counts: Sequence[int], bounds: Sequence[float], wanted: Sequence[float]) -> list[int]:
    """Return the counts of fewer buckets; every wanted bound is one of the bounds."""
    found = [0] * (len(wanted) + 1)
    for count, bound in zip(counts, (*bounds, float("inf")), strict=True):
        found[bisect_left(wanted, bound)] += count
    return found


def _unit(name: str) -> str:
    """Return the unit that the name has: a receiver adds it to the name only if it is not there."""
    return "s" if name.removesuffix("_total").endswith("_seconds") else ""


def _points(metric: proto.Metric) -> int:
    return len(metric.sum.data_points) + len(metric.histogram.data_points) + len(metric.gauge.data_points)
