"""The trace that a request belongs to. Source: W3C Trace Context, version 00."""

import re
from collections.abc import Mapping

TRACEPARENT = b"traceparent"

_VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the client's `traceparent`; None without a valid one."""
    given = headers.get(TRACEPARENT)
    return given.decode() if given is not None and _VALID.fullmatch(given) else None
