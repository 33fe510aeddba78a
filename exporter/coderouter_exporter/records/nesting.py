"""Takes deep nesting out of a line: decoders recurse, and give up on it after a thousand levels or so."""

import re

LEVELS_MAX = 32
"""Events have three levels."""
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
"""A string, which may hold brackets, or a bracket."""
_CLOSING = {b"[": b"]", b"{": b"}"}


def shallow(line: bytes) -> bytes:
    """Return the line with `null` for each value that is nested deeper than `LEVELS_MAX`.

    Raises:
        ValueError: its brackets do not match.
    """
    if line.count(b"[") + line.count(b"{") <= LEVELS_MAX:
        return line
    kept: list[bytes] = []
    start = 0
    expected: list[bytes] = []
    for match in _TOKEN.finditer(line):
        token = match[0]
        if token in _CLOSING:
            expected.append(_CLOSING[token])
            if len(expected) == LEVELS_MAX + 1:
                kept.append(line[start : match.start()])
        elif token in (b"]", b"}"):
            if not expected or expected.pop() != token:
                raise ValueError("brackets do not match")
            if len(expected) == LEVELS_MAX:
                kept.append(b"null")
                start = match.end()
    if expected:
        raise ValueError("brackets do not match")
    return b"".join((*kept, line[start:]))
