"""Attributes, times and the resource, as OTLP has them."""

import socket
from collections.abc import Mapping, Sequence

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from coderouter_http import product

Value = str | bool | int | float | Sequence[str]
_INT_MAX = (1 << 63) - 1
SERVICE = "coderouter"
SCOPE = InstrumentationScope(name="coderouter_exporter", version=product.version())


def attributes(values: Mapping[str, Value | None]) -> list[KeyValue]:
    """Return the attributes that have a value."""
    return [KeyValue(key=name, value=_any(value)) for name, value in values.items() if value is not None]


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=min(value, _INT_MAX))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=text(value))
    return AnyValue(array_value=ArrayValue(values=[_any(entry) for entry in value]))


def text(found: str) -> str:
    """Return the text without what UTF-8 cannot express: protobuf refuses it."""
    return found.encode(errors="replace").decode()


def unix_ns(ts: float) -> int:
    """Return the time in nanoseconds, to the microsecond: a float has no more."""
    return max(0, round(ts * 1e6)) * 1000


def resource(own: Mapping[str, str], port: int) -> Resource:
    """Describe this exporter: by default its instance is the host and the port that it serves at."""
    host = socket.gethostname()
    described: dict[str, Value] = {
        "service.name": SERVICE,
        "service.version": product.version(),
        "service.instance.id": f"{host}:{port}",
        "host.name": host,
        **own,
    }
    return Resource(attributes=attributes(described))
