"""Orders rotated files by time and drops copies.

A shell sorts `events.jsonl*` by name, which is not the order of writing, and may match a file twice: plain and
compressed, as a copy, or under two names. So files are compared by their content.
"""

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from stat import S_ISREG

import msgspec

from coderouter_events.reasons import reason_of
from coderouter_exporter.records import age
from coderouter_exporter.records.age import FirstEvent
from coderouter_exporter.records.decode import READ_BYTES_MAX, UNDECODABLE
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX, is_suspect
from coderouter_exporter.tail.compression import (
    MAGIC_BYTES_MAX,
    SUFFIXES,
    NotReadable,
    Reader,
    compression_of,
    is_damage,
)
from coderouter_exporter.tail.names import is_ours

START_BYTES = 8192


class UnreadableFile(Exception):
    """The message names the file and the error."""


class Damaged(Exception):
    """What is compressed cannot be read to its end."""


@dataclass(frozen=True)
class Source:
    """One of the files to count."""

    path: Path
    """As the user names it."""
    file: Path
    """Where it can be read more than once."""

    def blocks(self, size: int = READ_BYTES_MAX) -> Iterator[bytes]:
        """Yield the content, uncompressed, in blocks of equal size; the last one may be shorter.

        Raises:
            OSError, Damaged: it cannot be read to its end.
            UnreadableFile: its compression is not supported.
        """
        with self.file.open("rb") as raw:
            start = raw.read(MAGIC_BYTES_MAX)
            raw.seek(0)
            compression = compression_of(start)
            reader: Reader = raw
            if compression is not None:
                what = f"{self.path} is compressed with {compression.name}"
                if compression.open is None:
                    raise UnreadableFile(f"{what}; decompress it, or use gzip")
                try:
                    reader = compression.open(raw)
                except NotReadable as error:
                    raise UnreadableFile(f"{what}, and {error}") from error
            try:
                while block := reader.read(size):
                    yield block
            except Exception as error:
                if compression is None or not is_damage(error):
                    raise
                raise Damaged(str(error)) from error


UNREADABLE = (OSError, Damaged)


class Sources:
    """The files that are named, without state, lock and spill files, which `events.jsonl*` matches too.

    What can be read only once, such as a pipe, is kept in a temporary folder.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read what can be read only once.

        Raises:
            UnreadableFile: a file cannot be read.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="cr-exporter-")
        self._named: list[Source] = []
        for path in dict.fromkeys(path for path in paths if not is_ours(path.name)):
            try:
                self._named.append(Source(path, self._readable_again(path)))
            except OSError as error:
                self.close()
                raise cannot_read(path, error) from error

    def oldest_first(self) -> list[Source]:
        """Return the files in the order of their first events, without those whose content another file begins with.

        Raises:
            UnreadableFile: a file cannot be opened, or its compression is not supported.
        """
        by_start: defaultdict[bytes, list[Source]] = defaultdict(list)
        given = {source.path for source in self._named}
        for source in self._named:
            try:
                by_start[_start(source)].append(source)
            except UNREADABLE as error:
                if source.path.suffix not in SUFFIXES or source.path.with_suffix("") not in given:
                    raise cannot_read(source.path, error) from error
                # else it is being compressed from the plain file right now, and has no content yet
        kept = [
            source
            for same in by_start.values()
            for source in (_without_copies(same) if len(same) > 1 else same)
        ]
        return age.oldest_first(kept, _first_event)

    def close(self) -> None:
        self._folder.cleanup()

    def _readable_again(self, path: Path) -> Path:
        if S_ISREG(path.stat().st_mode):
            return path
        copy = Path(self._folder.name) / str(len(self._named))
        with path.open("rb") as pipe, copy.open("wb") as file:
            shutil.copyfileobj(pipe, file, READ_BYTES_MAX)
        return copy


def cannot_read(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"cannot read {path} to its end ({reason_of(error)}); nothing was counted")


def _start(source: Source) -> bytes:
    """Return the first line, or the beginning of a long one."""
    block = next(source.blocks(START_BYTES), b"")
    return block[: block.find(b"\n") + 1] or block


def _without_copies(sources: list[Source]) -> list[Source]:
    """Drop every file whose whole content another file begins with."""
    kept: list[Source] = []
    for source in sorted(sources, key=_size, reverse=True):
        if not any(_begins_with(longer, source) for longer in kept):
            kept.append(source)
    return kept


def _size(source: Source) -> tuple[int, bool]:
    """Return how many bytes of content can be read, and whether that is all of it."""
    size = 0
    try:
        for block in source.blocks():
            size += len(block)
    except UNREADABLE:
        return size, False
    return size, True


def _begins_with(longer: Source, source: Source) -> bool:
    # An incomplete copy is compared as far as it can be read: the rest is in the longer file.
    with suppress(*UNREADABLE):
        for theirs, ours in zip_longest(longer.blocks(), source.blocks(), fillvalue=b""):
            if not ours:
                return True
            if not theirs.startswith(ours):
                return False
    return True


def _first_event(source: Source) -> FirstEvent:
    head, now_ts = b"", time.time()
    with suppress(*UNREADABLE):
        head = next(source.blocks(), b"")
    return age.first_event(head, source.file.stat().st_mtime, lambda ts: is_suspect(ts, now_ts))


class _Timestamp(msgspec.Struct):
    ts: str = ""


_decode = msgspec.json.Decoder(_Timestamp).decode


def written_ts(line: bytes) -> float | None:
    """Return when the line was written, or None if it is not an event with a time, or that is still to come."""
    try:
        ts = unix_time(_decode(line).ts)
    except UNDECODABLE:
        return None
    return None if ts is None or ts > time.time() + CLOCK_ERROR_S_MAX else ts
