"""Bytes of a file by their offset, whether it lies there as it was written or compressed; and which file it is."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from enum import Enum, IntEnum
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.rotated import FileStat, signature

HEAD_BYTES_MAX = 4096
MARKER_BYTES = 512
UNPACKED_BYTES_FREE = 64 << 20
UNPACKED_RATIO_MAX = 200
"""Event lines compress to a tenth or a twentieth; what unpacks to more than this is made to fill a disk."""

Step = Callable[[str], None]
"""Called at each step between reading and publishing: the loop goes on. Tests end the process there."""


def no_step(_: str) -> None:
    pass


class Content(Protocol):
    """What a file holds. It stays readable when the file is renamed or removed."""

    signature: FileStat
    size: int
    changes: bool
    """Whether the file can still be written to."""

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return the bytes there, fewer at the end of the file."""
        ...

    def close(self) -> None: ...


class Plain:
    changes = True

    def __init__(self, place: Path) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be read.
        """
        self.fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self.look()

    def look(self) -> os.stat_result:
        """Note the size of the file as it is now."""
        info = os.fstat(self.fd)
        self.signature = signature(info)
        self.size = info.st_size
        return info

    def bytes_at(self, offset: int, length: int) -> bytes:
        return os.pread(self.fd, length, offset)

    def close(self) -> None:
        os.close(self.fd)


class ArchiveError(Enum):
    """Why a compressed file is not read; the value is a `result` of `cr_exporter_gz_files_total`."""

    INCOMPLETE = "incomplete"
    """It is still being written: no result yet."""
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"


class BadArchive(Exception):
    def __init__(self, fault: ArchiveError) -> None:
        self.fault = fault


class Compressed:
    """A gzip file that is complete: all its members have their right length and checksum."""

    changes = False

    def __init__(self, place: Path, step: Step = no_step) -> None:
        """Open the file and read it through once.

        Raises:
            OSError: it cannot be read.
            BadArchive: it is not to be trusted, or not yet.
        """
        self._file = place.open("rb")
        try:
            self.signature = signature(os.fstat(self._file.fileno()))
            self.size = _unpacked_size(self._file, self.signature.size, step)
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)
        self._stream = gzip.GzipFile(fileobj=self._file)
        self._head = self._recent = self._stream.read(HEAD_BYTES_MAX)

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return the bytes there. Going back by more than one read costs unpacking from the beginning."""
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        back = self._stream.tell() - offset
        if not 0 <= back <= len(self._recent):
            self._stream.seek(offset)
            self._recent = b""
            back = 0
        kept = self._recent[len(self._recent) - back :]
        more = self._stream.read(max(0, length - back))
        self._recent = (self._recent + more)[-READ_BYTES_MAX - MARKER_BYTES :]
        return kept[:length] + more

    def close(self) -> None:
        self._stream.close()
        self._file.close()


class Match(IntEnum):
    """What a file is to a position."""

    NONE = 0
    SHORTER = 1
    """The same beginning, but the file ends before the offset: a copy, or a file cut at its end."""
    SAME = 2
    """The position is in this file: reading can go on at its offset."""


def match_of(content: Content, position: Checkpoint) -> Match:
    if not 0 < position.head_bytes <= content.size:
        return Match.NONE
    if digest(content.bytes_at(0, position.head_bytes)) != position.head_digest:
        return Match.NONE
    if content.size < position.offset:
        return Match.SHORTER
    marker = content.bytes_at(position.offset - position.marker_bytes, position.marker_bytes)
    # A state of schema 1 has no marker yet.
    same = not position.marker_bytes or digest(marker) == position.marker_digest
    return Match.SAME if same else Match.NONE


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _unpacked_size(file: BufferedReader, packed_bytes: int, step: Step) -> int:
    limit = max(UNPACKED_BYTES_FREE, UNPACKED_RATIO_MAX * packed_bytes)
    size = 0
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            while block := stream.read(READ_BYTES_MAX):
                size += len(block)
                step("unpacked")
                if size > limit:
                    raise BadArchive(ArchiveError.TOO_LARGE)
    except EOFError as error:
        raise BadArchive(ArchiveError.INCOMPLETE) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadArchive(ArchiveError.CORRUPT) from error
    if packed_bytes == 0:
        raise BadArchive(ArchiveError.INCOMPLETE)
    return size
