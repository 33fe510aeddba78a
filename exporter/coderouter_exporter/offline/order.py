"""Puts the files of a rotated family in order and leaves out those whose text another one holds.

A shell sorts `events.jsonl*` by name, which is not the order of writing, and a file may stand there twice: plain
and compressed, as a copy, or under two names. What a file is, its text says.
"""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedIOBase
from itertools import zip_longest
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is a class

import msgspec

from coderouter_events.events import LINE_BYTES_MAX
from coderouter_exporter.records.decode import READ_BYTES_MAX, unix_time

UNREADABLE = (OSError, EOFError, ZlibError)
COMPRESSIONS = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x04\x22\x4d\x18": "lz4"}
GZIP = b"\x1f\x8b"


class UnreadableFile(Exception):
    """The message names the file and what is wrong with it."""


def gathered(paths: Iterable[Path]) -> list[Path]:
    """Return the files whose text no other one holds, by the time of their first event.

    Raises:
        UnreadableFile: one of them cannot be opened, or its compression is not gzip.
    """
    by_start: defaultdict[bytes, list[Path]] = defaultdict(list)
    given = dict.fromkeys(paths)
    for path in given:
        try:
            by_start[_start(path)].append(path)
        except UNREADABLE as error:
            if path.suffix != ".gz" or path.with_suffix("") not in given:
                raise cannot_read(path, error) from error
            # else it is just being made of its plain twin, and has no text yet
    kept = [path for same in by_start.values() for path in (_longest(same) if len(same) > 1 else same)]
    return sorted(kept, key=_first_written)


def opened(path: Path) -> BufferedIOBase:
    """Open the file's text for reading.

    Raises:
        OSError, UnreadableFile: it cannot be opened, or its compression is not gzip.
    """
    with path.open("rb") as stream:
        magic = stream.read(6)
    for mark, compression in COMPRESSIONS.items():
        if magic.startswith(mark):
            raise UnreadableFile(f"{path} is compressed with {compression}; decompress it, or use gzip")
    return gzip.open(path) if magic.startswith(GZIP) else path.open("rb")


def cannot_read(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"cannot read {path} to its end ({error}); nothing was counted")


def _start(path: Path) -> bytes:
    """Return the first line, as far as an event goes."""
    with opened(path) as stream:
        return stream.readline(LINE_BYTES_MAX)


def _longest(paths: list[Path]) -> list[Path]:
    """Of files that begin alike, leave out each that another one begins with as a whole."""
    kept: list[Path] = []
    for path in sorted(paths, key=_size, reverse=True):
        if not any(_begins_with(longer, path) for longer in kept):
            kept.append(path)
    return kept


def _size(path: Path) -> tuple[int, bool]:
    """Return how many bytes of text can be read, and whether that is all of it."""
    size = 0
    try:
        for block in _blocks(path):
            size += len(block)
    except UNREADABLE:
        return size, False
    return size, True


def _begins_with(longer: Path, path: Path) -> bool:
    with suppress(
        *UNREADABLE
    ):  # what can be read of an unfinished copy is compared, the rest is in the longer one
        for theirs, ours in zip_longest(_blocks(longer), _blocks(path), fillvalue=b""):
            if not ours:
                return True
            if not theirs.startswith(ours):
                return False
    return True


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the text in blocks of one size, except for the last."""
    with opened(path) as stream:
        while block := stream.read(READ_BYTES_MAX):
            yield block


def _first_written(path: Path) -> float:
    """Return the time of the first line that has one; without any, when the file was last written to."""
    with suppress(*UNREADABLE), opened(path) as stream:
        times = map(written_ts, stream.read(READ_BYTES_MAX).split(b"\n"))
        return next((ts for ts in times if ts is not None), path.stat().st_mtime)
    return path.stat().st_mtime


class _Time(msgspec.Struct):
    ts: str = ""


_decode = msgspec.json.Decoder(_Time).decode


def written_ts(line: bytes) -> float | None:
    """Return when the line was written, if it is an event that tells."""
    try:
        return unix_time(_decode(line).ts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
