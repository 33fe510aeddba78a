"""The ids of spans, made from the request: whenever it is sent again, its spans are the same ones."""

import hashlib
import re
from typing import NamedTuple

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
SAMPLED = 0x01
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200


class Parent(NamedTuple):
    """The span of the client that sent the request."""

    trace_id: bytes
    span_id: bytes
    flags: int


class Ids(NamedTuple):
    """Of a request: its trace, its span and the span above that; `key` is what the span ids are made from."""

    key: bytes
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    flags: int
    remote_flags: int
    """The flags of a span whose parent is the client's."""

    def of_try(self, number: int) -> bytes:
        """Return the span id of the n-th try."""
        return _hash(b"try %d" % number, self.key)[:8]


def ids(request_id: str, writer: str, traceparent: str | None) -> Ids:
    key = f"{request_id}\0{writer}".encode(errors="replace")
    span_id = _hash(b"request", key)[:8]
    parent = parse(traceparent)
    if parent is None:
        flags = SAMPLED | _HAS_IS_REMOTE
        return Ids(key, _hash(b"trace", key)[:16], span_id, b"", flags, flags)
    flags = parent.flags | _HAS_IS_REMOTE
    return Ids(key, parent.trace_id, span_id, parent.span_id, flags, flags | _IS_REMOTE)


def parse(traceparent: str | None) -> Parent | None:
    """Return the parent that a W3C `traceparent` names; None if it is not valid."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = bytes.fromhex(match[2]), bytes.fromhex(match[3])
    return Parent(trace_id, span_id, int(match[4], 16) & 0xFF) if any(trace_id) and any(span_id) else None


def _hash(what: bytes, key: bytes) -> bytes:
    return hashlib.sha256(what + b"\0" + key).digest()
