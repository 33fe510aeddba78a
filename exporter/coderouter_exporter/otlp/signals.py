"""The two signals: what the next export of each holds."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.otlp import genai, metrics, spans
from coderouter_exporter.otlp.exemplars import Spans, find_spans, request_ids
from coderouter_exporter.otlp.values import SCOPE
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.outbox import Row, read
from coderouter_exporter.state.errors import Busy
from coderouter_exporter.state.reported import StartupInfo

REQUESTS_MAX = 256
"""Requests in one export of traces."""
STEPS_BYTES_MAX = 1 << 20
"""Of what is kept of their tries, which bounds the size of an export."""
TRACES_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Export:
    request: Message
    items: int
    """Data points or spans."""
    position: int = 0
    """The last request of the outbox that it holds."""
    requests: int = 1


class Signal(Protocol):
    name: str
    every_s: float
    """How long to wait when there is nothing to send, and for metrics after each export."""

    def next(self, resource: Resource) -> Export | None:
        """Return what is to be sent now, if anything."""
        ...

    def done(self, export: Export) -> bool:
        """Continue after the export, which is not to be sent again; return whether more may be waiting."""
        ...

    def shrink(self, export: Export) -> bool:
        """Make the next export smaller than this one; return False if it cannot be."""
        ...

    def rejected(self, body: bytes) -> tuple[int, str]:
        """Return how many items the receiver rejected, and its message.

        Raises:
            DecodeError: the body is not its answer.
        """
        ...


class Metrics:
    """The totals: all of them each time, so that nothing has to be sent again."""

    name = "metrics"

    def __init__(self, engine: Engine, view_of: Callable[[Published], View], interval_s: float) -> None:
        self._engine = engine
        self._view_of = view_of
        self.every_s = interval_s

    def next(self, resource: Resource) -> Export | None:
        published = self._engine.published
        if published.unavailable:
            return None
        view = self._view_of(published)
        request, points = metrics.export_request(view, resource, self._spans(request_ids(view.state)))
        return Export(request=request, items=points)

    def _spans(self, wanted: set[str]) -> Spans:
        if not self._engine.exports:
            return {}
        try:
            return self._engine.read(lambda db: find_spans(db, wanted))
        except (Busy, sqlite3.Error):
            return {}

    def done(self, export: Export) -> bool:
        return False

    def shrink(self, export: Export) -> bool:
        return False

    def rejected(self, body: bytes) -> tuple[int, str]:
        found = ExportMetricsServiceResponse.FromString(body).partial_success
        return found.rejected_data_points, found.error_message


class Traces:
    """The requests of the outbox, in its order."""

    name = "traces"
    every_s = TRACES_EVERY_S

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._position = 0
        self._requests_max = REQUESTS_MAX

    def next(self, resource: Resource) -> Export | None:
        rows = self._rows()
        if not rows:
            return None
        configured = _decode(self._engine.published.document.newest).startup
        known = genai.providers(configured.catalog if configured else [])
        found = [span for row in rows for span in spans.spans_of(row.values, known)]
        scope_spans = ScopeSpans(scope=SCOPE, spans=found)
        request = ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope_spans])]
        )
        return Export(request=request, items=len(found), position=rows[-1].position, requests=len(rows))

    def _rows(self) -> list[Row]:
        if self._engine.published.backlog:
            return []  # rows that are still to be made belong to requests that are there
        try:
            return self._engine.read(lambda db: read(db, self._position, self._requests_max, STEPS_BYTES_MAX))
        except (Busy, sqlite3.Error):
            return []

    def done(self, export: Export) -> bool:
        self._position = export.position
        self._requests_max = REQUESTS_MAX
        return True

    def shrink(self, export: Export) -> bool:
        self._requests_max = max(1, export.requests // 2)
        return export.requests > 1

    def rejected(self, body: bytes) -> tuple[int, str]:
        found = ExportTraceServiceResponse.FromString(body).partial_success
        return found.rejected_spans, found.error_message


class _Configured(msgspec.Struct):
    """The part of the state that describes the configuration."""

    startup: StartupInfo | None = None


_decode = msgspec.msgpack.Decoder(_Configured).decode
