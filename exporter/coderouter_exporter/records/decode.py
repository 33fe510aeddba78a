"""Decodes whole lines to typed records: all at once while they are valid, else line by line."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson

from coderouter_events.events import LINE_BYTES_MAX, ConfigReloaded, Startup
from coderouter_exporter.records.nesting import shallow
from coderouter_exporter.records.record import Record, decode, decode_lines, leniently
from coderouter_exporter.records.values import as_text

READ_BYTES_MAX = 1 << 20
BOM = b"\xef\xbb\xbf"
CONFIGURATION_EVENTS = frozenset((Startup.msg, ConfigReloaded.msg))
_CONFIGURATION_NAMES = tuple(name.encode() for name in CONFIGURATION_EVENTS)
_RECORD_START = re.compile(rb'\{"ts":')
_NULS = re.compile(rb"\0+")
_IN_HOUR = len('{"ts":"2026-11-23T19')
"""Usually all lines of a chunk begin with the same bytes: the more of them, the faster their beginnings are found."""
_WINDOW_BYTES = LINE_BYTES_MAX // 2
UNDECODABLE = (ValueError, RecursionError)
"""What decoding a line by msgspec raises; the latter for a line that is nested too deep."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines as read from a file, or a part of a line that is longer than a whole read."""

    data: bytes
    bytes_read: int
    oversize: int = 0
    """Lines skipped because they are too long to be held in memory."""
    nul_bytes: int = 0
    """NUL bytes skipped before the lines: the hole in a truncated file whose writer does not use O_APPEND."""
    file: int = 0
    """The number of the checkpoint of the file that they were read from."""
    at_path: bool = False
    """That file has been seen at the configured path."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of some whole lines, in order, and the number of defective lines by reason."""

    data: bytes
    records: list[Record]
    rejected: Counter[str]
    nul_bytes: int = 0


def cut(data: bytes, *, skipping: bool) -> tuple[Chunk, bool]:
    """Return the whole lines at the beginning of what was read, and whether the next read is inside an oversize line.

    `data` holds fewer than `READ_BYTES_MAX` bytes only at the end of the file; `skipping` is the second result of the
    previous call.
    """
    if skipping:
        end = data.find(b"\n") + 1
        return Chunk(b"", end or len(data), oversize=int(end > 0)), end == 0
    full = len(data) >= READ_BYTES_MAX
    if data.startswith(b"\0"):
        return _cut_after_nuls(data, full=full), False
    end = data.rfind(b"\n") + 1
    if end or not full:
        return Chunk(data[:end], end), False
    return Chunk(b"", len(data)), True


def _cut_after_nuls(data: bytes, *, full: bool) -> Chunk:
    """Return the whole lines after a run of NUL bytes; the run is read only once its end is known."""
    lines = data.lstrip(b"\0")
    nul_bytes = len(data) - len(lines)
    if not lines and not full:
        return Chunk(b"", 0)
    end = lines.rfind(b"\n") + 1
    return Chunk(lines[:end], nul_bytes + end, nul_bytes=nul_bytes)


def read_batch(data: bytes) -> Batch:
    """Return the records of the lines; `data` ends with the newline of the last one."""
    try:
        lines = len(data) - len(data.replace(b"\n", b""))  # faster than counting them
        if _is_object_a_line(data, lines):
            records = decode_lines(data)
            if len(records) == lines:
                return Batch(data, records, Counter())
    except UNDECODABLE:
        pass  # at least one line is defective, or of an unknown event: decode each on its own
    records = []
    rejected = Counter[str]()
    for line in data[:-1].split(b"\n"):
        try:
            if len(line) <= LINE_BYTES_MAX:
                records.append(decode(line))
                continue
        except UNDECODABLE:
            pass
        found, reasons = salvage(line)
        records += found
        rejected.update(reasons)
    return Batch(data, records, rejected, data.count(b"\0"))


def _is_object_a_line(data: bytes, lines: int) -> bool:
    """Return whether each line begins and ends as an object does, and none may be too long.

    Nothing that continues in the next line passes: inside a value no `{` follows a `}`, and a string has no newline. A
    line that is too long covers a whole window.
    """
    windows = range(0, len(data) - _WINDOW_BYTES, _WINDOW_BYTES)
    return (
        data.startswith(b"{")
        and data.endswith(b"}\n")
        and lines - 1 in (data.count(b"}\n" + start) for start in (data[:_IN_HOUR], b'{"ts":', b"{"))
        and all(data.find(b"\n", at, at + _WINDOW_BYTES) >= 0 for at in windows)
    )


def salvage(line: bytes) -> tuple[list[Record], list[str]]:
    """Return the records of the line, normally one, and its defects: results of `cr_exporter_lines_total`.

    A killed writer leaves half a line, and the first line of the next writer may follow it without a newline: the
    whole record after the torn one counts. NUL bytes, a hole that a crash or a truncation left, end a record: what is
    before and after them was never one line.
    """
    if b"\0" not in line:
        return _salvage(line)
    records = []
    defects = ["nul"]
    for part in filter(_bare, _NULS.split(line)):
        found, reasons = _salvage(part)
        records += found
        defects += reasons
    return records, defects


def _salvage(line: bytes) -> tuple[list[Record], list[str]]:
    record = read_line(line)
    if isinstance(record, Record):
        return [record], []
    if record in ("oversize", "empty"):
        return [], [record]
    pieces = [_record(piece) for piece in _pieces(_bare(line))]
    whole = [piece for piece in pieces if isinstance(piece, Record)]
    if not whole:
        return [], [record]
    return whole, ["torn"] * (len(whole) < len(pieces))


def read_line(line: bytes) -> Record | str:
    """Return the line's record, or why it has none: a `result` of `cr_exporter_lines_total`."""
    line = _bare(line)
    if len(line) > LINE_BYTES_MAX:
        return "oversize"
    return _record(line) if line else "empty"


def _bare(line: bytes) -> bytes:
    """Return the line without byte order mark and surrounding white space: neither is part of JSON."""
    return line.removeprefix(BOM).strip()


def _pieces(line: bytes) -> list[bytes]:
    """Split the line before each start of a record; inside a JSON string the quotes of a start would be escaped."""
    starts = [match.start() for match in _RECORD_START.finditer(line)]
    edges = [*({0} - set(starts[:1])), *starts, len(line)]
    return [line[start:end] for start, end in pairwise(edges)]


def _record(line: bytes) -> Record | str:
    """Return the record, or why there is none."""
    try:
        return decode(line)
    except UNDECODABLE:
        fields = _parsed(line)
    return leniently(fields) if isinstance(fields, dict) else fields


def configuration_events(data: bytes) -> list[dict[str, object]]:
    """Return the events among the lines that hold a proxy's configuration, with all their fields."""
    found = []
    for line in _lines_with(data, _CONFIGURATION_NAMES):
        if any(name in line for name in _CONFIGURATION_NAMES) and len(line) <= LINE_BYTES_MAX:
            bare = _bare(line)
            candidates = [_parsed(bare), *map(_parsed, _pieces(bare))]
            objects = (fields for fields in candidates if isinstance(fields, dict))
            found += [fields for fields in objects if as_text(fields.get("msg")) in CONFIGURATION_EVENTS][:1]
    return found


def _lines_with(data: bytes, words: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the lines with any of the words, in order, and what is before and after NUL bytes in them apart."""
    next_at = {word: data.find(word) for word in words}
    while found := [at for at in next_at.values() if at >= 0]:
        first = min(found)
        end = data.find(b"\n", first)
        end = len(data) if end < 0 else end
        yield from _NULS.split(data[data.rfind(b"\n", 0, first) + 1 : end])
        next_at = {word: data.find(word, end) if 0 <= at < end else at for word, at in next_at.items()}


def _parsed(line: bytes) -> dict[str, object] | str:
    """Return the JSON object, or why the line is not one."""
    try:
        value = orjson.loads(shallow(line))
    except ValueError:
        return "json" if _is_utf8(line) else "utf8"
    return value if isinstance(value, dict) else "object"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
