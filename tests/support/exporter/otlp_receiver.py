"""An OTLP receiver over HTTP that decodes what it gets with the official messages, and answers as it is set to."""

import gzip
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

METRICS, TRACES = "/v1/metrics", "/v1/traces"


@dataclass
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    """Nothing is answered until the receiver stops."""


def partial(path: str, rejected: int, message: str) -> Answer:
    response: ExportTraceServiceResponse | ExportMetricsServiceResponse
    if path == TRACES:
        response = ExportTraceServiceResponse()
        response.partial_success.rejected_spans = rejected
    else:
        response = ExportMetricsServiceResponse()
        response.partial_success.rejected_data_points = rejected
    response.partial_success.error_message = message
    return Answer(body=response.SerializeToString())


@dataclass
class Received:
    at: float
    headers: "Message[str, str]"
    request: ExportMetricsServiceRequest | ExportTraceServiceRequest
    status: int

    @property
    def spans(self) -> list[Span]:
        if not isinstance(self.request, ExportTraceServiceRequest):
            return []
        scopes = (scope for resource in self.request.resource_spans for scope in resource.scope_spans)
        return [span for scope in scopes for span in scope.spans]

    @property
    def described(self) -> dict[str, Any]:
        """Return the attributes of the resource."""
        if isinstance(self.request, ExportTraceServiceRequest):
            return attributes(self.request.resource_spans[0].resource.attributes)
        return attributes(self.request.resource_metrics[0].resource.attributes)


class Receiver:
    """By path, what was received, and the answers to come: the last one is repeated."""

    def __init__(self) -> None:
        self.received: defaultdict[str, list[Received]] = defaultdict(list)
        self.answers: defaultdict[str, deque[Answer]] = defaultdict(lambda: deque([Answer()]))
        self.stopping = threading.Event()
        self.url = ""

    def answer(self, path: str, *answers: Answer) -> None:
        self.answers[path] = deque(answers)

    def next_answer(self, path: str) -> Answer:
        answers = self.answers[path]
        return answers.popleft() if len(answers) > 1 else answers[0]

    def spans(self, *, accepted: bool = True) -> list[Span]:
        """Return the spans of all exports, or of those that were accepted."""
        exports = [export for export in self.received[TRACES] if export.status == 200 or not accepted]
        return [span for export in exports for span in export.spans]

    def requests(self) -> list[str]:
        """Return the ids of the requests whose spans were accepted."""
        named = (attributes(span.attributes).get("coderouter.request_id") for span in self.spans())
        return [request_id for request_id in named if request_id]

    def metrics(self) -> dict[str, Metric]:
        """Return the metrics of the newest export."""
        exports = list(self.received[METRICS])
        request = exports[-1].request if exports else ExportMetricsServiceRequest()
        assert isinstance(request, ExportMetricsServiceRequest)
        return metrics_of(request)


def metrics_of(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    [resource] = request.resource_metrics or [None]
    if resource is None:
        return {}
    [scope] = resource.scope_metrics
    found = {metric.name: metric for metric in scope.metrics}
    assert len(found) == len(scope.metrics)
    return found


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> object:
    kind = pair.value.WhichOneof("value")
    if kind == "array_value":
        return [value.string_value for value in pair.value.array_value.values]
    return getattr(pair.value, kind or "string_value")


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
            kind = ExportMetricsServiceRequest if self.path == METRICS else ExportTraceServiceRequest
            answer = receiver.next_answer(self.path)
            received = Received(time.monotonic(), self.headers, kind.FromString(body), answer.status)
            if answer.hangs:
                received.status = 0
            receiver.received[self.path].append(received)
            if answer.hangs:
                receiver.stopping.wait()
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"content-type": "application/x-protobuf", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002
            pass

    return Handler
