"""From the bytes of whole lines to typed records, at the speed of the decoder while the lines are as agreed."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, get_type_hints

import msgspec
import orjson

from coderouter_events.events import LINE_BYTES_MAX, ConfigReloaded, Startup

READ_BYTES_MAX = 1 << 20
BOM = b"\xef\xbb\xbf"
CONFIGURATIONS = frozenset((Startup.msg, ConfigReloaded.msg))
_CONFIGURATION_NAMES = tuple(name.encode() for name in CONFIGURATIONS)
_RECORD_START = re.compile(rb'\{"ts":')


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines as they stand in a file, or news of a line that is longer than a whole read."""

    data: bytes
    bytes_read: int
    oversize: int = 0
    """Lines passed over because they are too long to be held in memory."""
    nul_bytes: int = 0
    """NUL bytes passed over in front of the lines: the hole that a cut file has when its writer does not append."""


class Record(msgspec.Struct, gc=False):
    """The fields of a line that are counted or shown, of whichever event; others are skipped unread.

    They stand in the order of the longest line, which is what the decoder finds fastest.
    """

    ts: str = ""
    msg: str = ""
    writer: str | None = None
    seq: int | None = None
    request_id: str | None = None
    ingress: str | None = None
    profile: str | None = None
    stream: bool | None = None
    outcome: str | None = None
    status: int | None = None
    provider: str | None = None
    model: str | None = None
    attempts: int | None = None
    duration_s: float | None = None
    ttft_s: float | None = None
    overhead_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cost_usd: float | None = None
    stop_reason: str | None = None
    retryable: bool | None = None
    error_type: str | None = None
    error: str | None = None
    dropped: Sequence[str] = ()
    filters: Sequence[str] = ()
    count: int | None = None
    rule_id: str | None = None
    resolved_profile: str | None = None
    in_flight: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What some whole lines held: records in order, and what was wrong with lines, by reason."""

    data: bytes
    records: list[Record]
    rejected: Counter[str]
    nul_bytes: int = 0


_decode = msgspec.json.Decoder(Record).decode


def cut(data: bytes, *, skipping: bool) -> tuple[Chunk, bool]:
    """Cut the whole lines off what was read, and tell whether the read after it begins inside an over-long line.

    `data` holds fewer than `READ_BYTES_MAX` bytes only at the end of the file; `skipping` is what the last call told.
    """
    if skipping:
        end = data.find(b"\n") + 1
        return Chunk(b"", end or len(data), oversize=int(end > 0)), end == 0
    full = len(data) >= READ_BYTES_MAX
    if data.startswith(b"\0"):
        return _cut_behind_nuls(data, full=full), False
    end = data.rfind(b"\n") + 1
    if end or not full:
        return Chunk(data[:end], end), False
    return Chunk(b"", len(data)), True


def _cut_behind_nuls(data: bytes, *, full: bool) -> Chunk:
    """Cut the whole lines behind a run of NUL bytes; the run itself waits until it is known where it ends."""
    lines = data.lstrip(b"\0")
    nul_bytes = len(data) - len(lines)
    if not lines and not full:
        return Chunk(b"", 0)
    end = lines.rfind(b"\n") + 1
    return Chunk(lines[:end], nul_bytes + end, nul_bytes=nul_bytes)


def read_batch(data: bytes) -> Batch:
    """Return what the lines hold; `data` ends with a newline, as the last line does."""
    lines = data.split(b"\n")
    lines.pop()
    try:
        if max(map(len, lines)) <= LINE_BYTES_MAX:
            return Batch(data, list(map(_decode, lines)), Counter())
    except ValueError:
        pass  # one of the lines is not as agreed: each is looked at on its own
    records = []
    rejected = Counter[str]()
    for line in lines:
        found, wrong = salvage(line)
        records += found
        rejected.update(wrong)
    return Batch(data, records, rejected, data.count(b"\0"))


def salvage(line: bytes) -> tuple[list[Record], list[str]]:
    """Return the records of the line, one as a rule, and what is wrong with it: results of `cr_exporter_lines_total`.

    A writer that was killed leaves half a line, which the next one's first line may follow without a newline:
    the whole record behind the torn one counts.
    """
    wrong = ["nul"] if b"\0" in line else []
    record = read_line(line)
    if isinstance(record, Record):
        return [record], wrong
    if record in ("oversize", "empty"):
        return [], wrong if wrong and record == "empty" else [*wrong, record]
    pieces = [_record(piece) for piece in _pieces(_bare(line))]
    whole = [piece for piece in pieces if isinstance(piece, Record)]
    if not whole:
        return [], [*wrong, record]
    return whole, [*wrong, *["torn"] * (len(whole) < len(pieces))]


def read_line(line: bytes) -> Record | str:
    """Return the line's record, or the reason why it has none (a `result` of `cr_exporter_lines_total`)."""
    line = _bare(line)
    if len(line) > LINE_BYTES_MAX:
        return "oversize"
    return _record(line) if line else "empty"


def _bare(line: bytes) -> bytes:
    """Return the line without byte order mark, white space and NUL bytes, which no JSON text holds."""
    return line.replace(b"\0", b"").removeprefix(BOM).strip()


def _pieces(line: bytes) -> list[bytes]:
    """Cut the line in front of each beginning of a record; a text inside a record cannot hold one unescaped."""
    starts = [match.start() for match in _RECORD_START.finditer(line)]
    edges = [*({0} - set(starts[:1])), *starts, len(line)]
    return [line[start:end] for start, end in pairwise(edges)]


def _record(line: bytes) -> Record | str:
    """Return the record, or the reason why there is none."""
    try:
        return _decode(line)
    except ValueError:
        fields = _parsed(line)
    return lenient(fields) if isinstance(fields, dict) else fields


def lenient(fields: dict[str, object]) -> Record:
    """Return a record of a JSON object whose values are not all of the agreed types."""
    return Record(**{name: read(fields[name]) for name, read in _LENIENT.items() if name in fields})


def configurations(data: bytes) -> list[dict[str, object]]:
    """Return the events among the lines that tell a proxy's configuration, with all their fields."""
    found = []
    for line in data.split(b"\n"):
        if any(name in line for name in _CONFIGURATION_NAMES) and len(line) <= LINE_BYTES_MAX:
            bare = _bare(line)
            candidates = [_parsed(bare), *map(_parsed, _pieces(bare))]
            objects = (fields for fields in candidates if isinstance(fields, dict))
            found += [fields for fields in objects if fields.get("msg") in CONFIGURATIONS][:1]
    return found


def unix_time(ts: str) -> float | None:
    """Return when that was, or None when `ts` tells no time. Without a zone it is local, as in CodeRouter 1.7."""
    try:
        return datetime.fromisoformat(ts).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def texts(value: object) -> list[str]:
    return [text(entry) or "" for entry in value] if isinstance(value, list) else []


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def amount(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _always_text(value: object) -> str:
    return text(value) or ""


_READ: dict[object, Callable[[object], Any]] = {
    str: _always_text,
    str | None: text,
    int | None: whole,
    float | None: amount,
    bool | None: truth,
    Sequence[str]: texts,
}
_LENIENT = {name: _READ[kind] for name, kind in get_type_hints(Record).items()}


def _parsed(line: bytes) -> dict[str, object] | str:
    """Return the JSON object, or the reason why the line is none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "json" if _is_utf8(line) else "utf8"
    return value if isinstance(value, dict) else "object"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
