"""Reads Prometheus' protobuf messages without the exporter's code, by the fields of metrics.proto."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

# By message, each field by its number: name, and a scalar or another message. All others are refused.
MESSAGES: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "MetricFamily": {1: ("name", "text"), 2: ("help", "text"), 3: ("type", "int"), 4: ("metric", "Metric")},
    "Metric": {
        1: ("label", "LabelPair"),
        2: ("gauge", "Gauge"),
        3: ("counter", "Counter"),
        7: ("histogram", "Histogram"),
    },
    "LabelPair": {1: ("name", "text"), 2: ("value", "text")},
    "Gauge": {1: ("value", "double")},
    "Counter": {1: ("value", "double"), 3: ("created_timestamp", "Timestamp")},
    "Histogram": {
        1: ("sample_count", "int"),
        2: ("sample_sum", "double"),
        3: ("bucket", "Bucket"),
        5: ("schema", "sint"),
        6: ("zero_threshold", "double"),
        7: ("zero_count", "int"),
        12: ("positive_span", "BucketSpan"),
        13: ("positive_delta", "sint"),
        15: ("created_timestamp", "Timestamp"),
    },
    "Bucket": {1: ("cumulative_count", "int"), 2: ("upper_bound", "double"), 3: ("exemplar", "Exemplar")},
    "BucketSpan": {1: ("offset", "sint"), 2: ("length", "int")},
    "Exemplar": {1: ("label", "LabelPair"), 2: ("value", "double"), 3: ("timestamp", "Timestamp")},
    "Timestamp": {1: ("seconds", "int"), 2: ("nanos", "int")},
}

Message = dict[str, list[Any]]
"""The values of each field, in order."""


@dataclass(frozen=True)
class Metric:
    labels: dict[str, str]
    fields: Message
    """Of its counter, gauge or histogram."""

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field that occurs once."""
        [value] = self.fields[name]
        return value

    @property
    def start_ts(self) -> float:
        return timestamp(self["created_timestamp"])

    @property
    def native(self) -> dict[int, int]:
        """Return the count of each native bucket in the spans, by its number."""
        counts = iter(accumulate(self.fields.get("positive_delta", [])))
        found: dict[int, int] = {}
        at = 0
        for span in self.fields.get("positive_span", []):
            [offset], [length] = span["offset"], span["length"]
            at += offset
            found |= {bucket: next(counts) for bucket in range(at, at + length)}
            at += length
        assert next(counts, None) is None
        return found


def families(body: bytes) -> dict[str, tuple[str, int, list[Metric]]]:
    """Return help, type and metrics of each family of an exposition, by its name."""
    found = {}
    for encoded in _delimited(body):
        family = read("MetricFamily", encoded)
        [name], [text], [kind] = family["name"], family["help"], family["type"]
        assert name not in found
        found[name] = (text, kind, [_metric(metric) for metric in family.get("metric", [])])
    return found


def timestamp(message: Message) -> float:
    [seconds], [nanos] = message["seconds"], message["nanos"]
    return float(seconds + nanos / 1e9)


def labels(pairs: list[Message]) -> dict[str, str]:
    return {name: value for pair in pairs for name, value in [(*pair["name"], *pair["value"])]}


def read(kind: str, encoded: bytes) -> Message:
    """Return the fields of a message."""
    message: Message = {}
    at = 0
    while at < len(encoded):
        key, at = _varint(encoded, at)
        name, of = MESSAGES[kind][key >> 3]
        wire_type = {"double": 1, "int": 0, "sint": 0}.get(of, 2)
        assert key & 7 == wire_type, f"{kind}.{name} has wire type {key & 7}"
        number, at = (0, at) if of == "double" else _varint(encoded, at)
        length = {0: 0, 1: 8, 2: number}[wire_type]
        value = encoded[at : at + length]
        assert len(value) == length
        at += length
        message.setdefault(name, []).append(_value(of, number, value))
    return message


def _value(of: str, number: int, value: bytes) -> Any:
    match of:
        case "double":
            return struct.unpack("<d", value)[0]
        case "int":
            return number
        case "sint":
            return number >> 1 ^ -(number & 1)
        case "text":
            return value.decode()
        case _:
            return read(of, value)


def _metric(message: Message) -> Metric:
    [fields] = [message[kind][0] for kind in ("counter", "gauge", "histogram") if kind in message]
    return Metric(labels(message.get("label", [])), fields)


def _delimited(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        length, at = _varint(body, at)
        assert at + length <= len(body)
        yield body[at : at + length]
        at += length


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    """Return the number and where it ends."""
    number = 0
    for digit in range(10):
        number |= (encoded[at + digit] & 0x7F) << (7 * digit)
        if encoded[at + digit] < 0x80:
            return number, at + digit + 1
    raise AssertionError("a number of more than 64 bits")
