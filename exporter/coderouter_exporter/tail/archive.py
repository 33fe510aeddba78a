"""The bytes of a compressed file by their uncompressed offset."""

import errno
import os
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.tail.compression import (
    MAGIC_BYTES_MAX,
    NotReadable,
    Reader,
    compression_of,
    is_damage,
    may_become_compressed,
)
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX, TAIL_BYTES_MAX, digest
from coderouter_exporter.tail.rotated import FileStat

UNPACKED_BYTES_FREE = 64 << 20
UNPACKED_RATIO_MAX = 200
"""Event lines compress to a tenth or a twentieth. An archive beyond this ratio is made to fill a disk."""
PACKED_END_BYTES = 4096
SETTLED_S = 60.0
"""An archive that has been incomplete and unchanged for this long is not being written any more."""
PAUSE_S_MAX = 60.0
PAUSE_RATIO = 4
"""An archive that grows is read again after this many times as long as it took to read it, if that was long."""
LONG_S = 0.1


class ArchiveError(Enum):
    """Why a compressed file is not read; the value is a `result` of `cr_exporter_gz_files_total`."""

    INCOMPLETE = "incomplete"
    """It is still being written: no result yet."""
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    """Its compression is not supported."""


class BadArchive(Exception):
    """The message is the reason, for the log."""

    def __init__(self, error: ArchiveError, reason: str = "") -> None:
        super().__init__(reason or error.value.replace("_", " "))
        self.error = error


class Compressed:
    """A compressed file that is complete: every part of it has the right length and checksum."""

    can_change = False

    def __init__(self, path: Path, step: Step = no_step) -> None:
        """Open the file and read it through once.

        Raises:
            OSError: it cannot be read.
            BadArchive: it is incomplete, corrupt, too large, or its compression is not supported.
        """
        self._file = path.open("rb")
        try:
            self.stat = FileStat.of(os.fstat(self._file.fileno()))
            self.packed_digest = packed_digest(self._file)
            self.size = _unpacked_size(self._file, self.stat.size, step)
            self._stream = _open(self._file)
            self._recent = b""
            self._head = self._unpacked(0, HEAD_BYTES_MAX)
        except BaseException:
            self._file.close()
            raise

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return the bytes there. Going back by more than one read unpacks the file from the beginning again.

        Raises:
            OSError: it cannot be read any more, or is not what it was when it was opened.
        """
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        return self._unpacked(offset, length)

    def close(self) -> None:
        self._stream.close()
        self._file.close()

    def _unpacked(self, offset: int, length: int) -> bytes:
        try:
            return self._unpack(offset, length)
        except Exception as error:
            if is_damage(error):
                raise OSError(errno.EIO, "it has changed since it was opened") from error
            raise

    def _unpack(self, offset: int, length: int) -> bytes:
        back = self._stream.tell() - offset
        if not 0 <= back <= len(self._recent):
            self._stream.seek(offset)
            self._recent = b""
            back = 0
        kept = self._recent[len(self._recent) - back :]
        more = self._stream.read(max(0, length - back))
        self._recent = (self._recent + more)[-READ_BYTES_MAX - TAIL_BYTES_MAX :]
        return kept[:length] + more


def packed_digest(file: BinaryIO) -> bytes:
    """Return a digest of the size, the beginning and the end of a compressed file, where its checksums are."""
    size = file.seek(0, os.SEEK_END)
    ends = b""
    for offset in (0, max(0, size - PACKED_END_BYTES)):
        file.seek(offset)
        ends += file.read(PACKED_END_BYTES)
    file.seek(0)
    return digest(b"%d " % size + ends)


def pause_s(reading_took_s: float) -> float:
    """Return how long to wait before an archive that was incomplete is read again."""
    return min(PAUSE_S_MAX, PAUSE_RATIO * reading_took_s) if reading_took_s > LONG_S else 0.0


def _open(file: BinaryIO) -> Reader:
    file.seek(0)
    start = file.read(MAGIC_BYTES_MAX)
    file.seek(0)
    compression = compression_of(start)
    if compression is None:
        if may_become_compressed(start):
            raise BadArchive(ArchiveError.INCOMPLETE)
        raise BadArchive(ArchiveError.UNSUPPORTED, "its first bytes are of no known compression")
    if compression.open is None:
        raise BadArchive(ArchiveError.UNSUPPORTED, f"it is compressed with {compression.name}")
    try:
        return compression.open(file)
    except NotReadable as error:
        reason = f"it is compressed with {compression.name}, and {error}"
        raise BadArchive(ArchiveError.UNSUPPORTED, reason) from error


def _unpacked_size(file: BinaryIO, compressed_bytes: int, step: Step) -> int:
    """Return the size of the text, read to its end, so that its checksums are verified."""
    limit = max(UNPACKED_BYTES_FREE, UNPACKED_RATIO_MAX * compressed_bytes)
    size = 0
    stream = _open(file)
    try:
        while block := stream.read(READ_BYTES_MAX):
            size += len(block)
            step("unpacked")
            if size > limit:
                raise BadArchive(ArchiveError.TOO_LARGE)
    except Exception as error:
        if not is_damage(error):
            raise
        is_incomplete = isinstance(error, EOFError) or _ends_in_nuls(file)
        raise BadArchive(ArchiveError.INCOMPLETE if is_incomplete else ArchiveError.CORRUPT) from error
    return size


def _ends_in_nuls(file: BinaryIO) -> bool:
    """Return whether the space for the end of the file is allocated and not written yet."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - 64))
    return not file.read().strip(b"\0")
