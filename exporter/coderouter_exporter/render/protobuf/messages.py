"""The messages of Prometheus' client model: `io.prometheus.client` in metrics.proto of prometheus/client_model."""

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from operator import sub

from coderouter_exporter.render.protobuf import wire
from coderouter_exporter.state import native_buckets

COUNTER, GAUGE, HISTOGRAM = 0, 1, 4
"""Values of the enum MetricType."""

GAP_MAX = 2
"""Empty buckets that are written rather than ending a span, which takes more bytes."""


def metric_family(name: str, help_text: str, kind: int, metrics: Iterable[bytes]) -> bytes:
    """Return a MetricFamily after its length; `name` is that of the samples, with `_total`."""
    head = wire.text(1, name) + wire.text(2, help_text) + wire.integer(3, kind)
    return wire.delimited(head + b"".join(wire.message(4, metric) for metric in metrics))


def gauge(labels: Mapping[str, str], value: float) -> bytes:
    return _labels(labels) + wire.message(2, wire.double(1, value))


def counter(labels: Mapping[str, str], value: float, start_ts: float | None = None) -> bytes:
    start = b"" if start_ts is None else _timestamp(3, start_ts)
    return _labels(labels) + wire.message(3, wire.double(1, value) + start)


def histogram(
    labels: Mapping[str, str],
    *,
    buckets: Iterable[bytes],
    native: Mapping[int, int],
    count: int,
    total: float,
    start_ts: float,
) -> bytes:
    """Return the Metric of a histogram that has classic and native buckets of the same observations."""
    spans, deltas = spans_and_deltas(native)
    body = (
        wire.integer(1, count),
        wire.double(2, total),
        *buckets,
        wire.signed(5, native_buckets.SCHEMA),
        wire.double(6, native_buckets.ZERO_THRESHOLD),
        wire.integer(7, count - sum(native.values())),
        *(wire.message(12, wire.signed(1, offset) + wire.integer(2, length)) for offset, length in spans),
        *(wire.signed(13, delta) for delta in deltas),
        _timestamp(15, start_ts),
    )
    return _labels(labels) + wire.message(7, b"".join(body))


def bucket(cumulative: int, bound: float, exemplar: bytes = b"") -> bytes:
    """Return a classic bucket as a field of a histogram."""
    return wire.message(3, wire.integer(1, cumulative) + wire.double(2, bound) + exemplar)


def exemplar(labels: Mapping[str, str], value: float, ts: float | None) -> bytes:
    """Return an exemplar as a field of a bucket."""
    when = b"" if ts is None else _timestamp(3, ts)
    return wire.message(3, _labels(labels) + wire.double(2, value) + when)


def spans_and_deltas(native: Mapping[int, int]) -> tuple[Sequence[tuple[int, int]], Sequence[int]]:
    """Return the spans of buckets, as distance to the previous one and length, and by how much each count differs."""
    spans: list[tuple[int, int]] = []
    counts: list[int] = []
    after = 0
    for number in sorted(native):
        gap = number - after
        if spans and gap <= GAP_MAX:
            offset, length = spans[-1]
            spans[-1] = (offset, length + gap + 1)
            counts += [0] * gap
        else:
            spans.append((gap, 1))
        counts.append(native[number])
        after = number + 1
    return spans, list(map(sub, counts, [0, *counts]))


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(
        wire.message(1, wire.text(1, name) + wire.text(2, value)) for name, value in labels.items()
    )


def _timestamp(field: int, ts: float) -> bytes:
    """Return a google.protobuf.Timestamp."""
    seconds = floor(ts)
    nanos = round((ts - seconds) * 1_000_000) * 1000
    return wire.message(field, wire.integer(1, seconds) + wire.integer(2, min(nanos, 999_999_999)))
