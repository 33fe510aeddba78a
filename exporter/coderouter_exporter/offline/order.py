"""Orders rotated files by time and drops copies.

A shell sorts `events.jsonl*` by name, which is not the order of writing, and may match a file twice: plain and
compressed, as a copy, or under two names. So files are compared by their content.
"""

import gzip
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedIOBase
from itertools import zip_longest
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is a class

import msgspec

from coderouter_events.events import LINE_BYTES_MAX
from coderouter_exporter.records import age
from coderouter_exporter.records.age import FirstEvent
from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX, is_suspect

UNREADABLE = (OSError, EOFError, ZlibError)
COMPRESSIONS = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x04\x22\x4d\x18": "lz4"}
GZIP = b"\x1f\x8b"


class UnreadableFile(Exception):
    """The message names the file and the error."""


def oldest_first(paths: Iterable[Path]) -> list[Path]:
    """Return the files in the order of their first events, without those whose content another file begins with.

    Raises:
        UnreadableFile: a file cannot be opened, or its compression is not gzip.
    """
    by_start: defaultdict[bytes, list[Path]] = defaultdict(list)
    given = dict.fromkeys(paths)
    for path in given:
        try:
            by_start[_start(path)].append(path)
        except UNREADABLE as error:
            if path.suffix != ".gz" or path.with_suffix("") not in given:
                raise cannot_read(path, error) from error
            # else it is being compressed from the plain file right now, and has no content yet
    kept = [path for same in by_start.values() for path in (_without_copies(same) if len(same) > 1 else same)]
    return age.oldest_first(kept, _first_event)


def open_log(path: Path) -> BufferedIOBase:
    """Open the file for reading its content, uncompressed.

    Raises:
        OSError: it cannot be opened.
        UnreadableFile: its compression is not gzip.
    """
    with path.open("rb") as stream:
        start = stream.read(6)
    for magic, compression in COMPRESSIONS.items():
        if start.startswith(magic):
            raise UnreadableFile(f"{path} is compressed with {compression}; decompress it, or use gzip")
    return gzip.open(path) if start.startswith(GZIP) else path.open("rb")


def cannot_read(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"cannot read {path} to its end ({error}); nothing was counted")


def _start(path: Path) -> bytes:
    """Return the first line, up to the maximum length of an event."""
    with open_log(path) as stream:
        return stream.readline(LINE_BYTES_MAX)


def _without_copies(paths: list[Path]) -> list[Path]:
    """Drop every file whose whole content another file begins with."""
    kept: list[Path] = []
    for path in sorted(paths, key=_size, reverse=True):
        if not any(_begins_with(longer, path) for longer in kept):
            kept.append(path)
    return kept


def _size(path: Path) -> tuple[int, bool]:
    """Return how many bytes of content can be read, and whether that is all of it."""
    size = 0
    try:
        for block in _blocks(path):
            size += len(block)
    except UNREADABLE:
        return size, False
    return size, True


def _begins_with(longer: Path, path: Path) -> bool:
    # An incomplete copy is compared as far as it can be read: the rest is in the longer file.
    with suppress(*UNREADABLE):
        for theirs, ours in zip_longest(_blocks(longer), _blocks(path), fillvalue=b""):
            if not ours:
                return True
            if not theirs.startswith(ours):
                return False
    return True


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the content in blocks of equal size; the last one may be shorter."""
    with open_log(path) as stream:
        while block := stream.read(READ_BYTES_MAX):
            yield block


def _first_event(path: Path) -> FirstEvent:
    head, now_ts = b"", time.time()
    with suppress(*UNREADABLE), open_log(path) as stream:
        head = stream.read(READ_BYTES_MAX)
    return age.first_event(head, path.stat().st_mtime, lambda ts: is_suspect(ts, now_ts))


class _Timestamp(msgspec.Struct):
    ts: str = ""


_decode = msgspec.json.Decoder(_Timestamp).decode


def written_ts(line: bytes) -> float | None:
    """Return when the line was written, or None if it is not an event with a time, or that is still to come."""
    try:
        ts = unix_time(_decode(line).ts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if ts is None or ts > time.time() + CLOCK_ERROR_S_MAX else ts
