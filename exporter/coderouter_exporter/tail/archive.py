"""The bytes of a compressed file by their uncompressed offset."""

import gzip
import os
import zlib
from enum import Enum
from io import BufferedReader
from pathlib import Path

from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX, TAIL_BYTES_MAX
from coderouter_exporter.tail.rotated import GZIP, FileStat

UNPACKED_BYTES_FREE = 64 << 20
UNPACKED_RATIO_MAX = 200
"""Event lines compress to a tenth or a twentieth. An archive beyond this ratio is made to fill a disk."""


class ArchiveError(Enum):
    """Why a compressed file is not read; the value is a `result` of `cr_exporter_gz_files_total`."""

    INCOMPLETE = "incomplete"
    """It is still being written: no result yet."""
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    """It is not gzip."""


class BadArchive(Exception):
    def __init__(self, error: ArchiveError) -> None:
        self.error = error


class Compressed:
    """A gzip file that is complete: every member has the right length and checksum."""

    can_change = False

    def __init__(self, path: Path, step: Step = no_step) -> None:
        """Open the file and read it through once.

        Raises:
            OSError: it cannot be read.
            BadArchive: it is not gzip by its name, or incomplete, corrupt or too large.
        """
        if path.suffix != GZIP:
            raise BadArchive(ArchiveError.UNSUPPORTED)
        self._file = path.open("rb")
        try:
            self.stat = FileStat.of(os.fstat(self._file.fileno()))
            self.size = _unpacked_size(self._file, self.stat.size, step)
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)
        self._stream = gzip.GzipFile(fileobj=self._file)
        self._head = self._recent = self._stream.read(HEAD_BYTES_MAX)

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return the bytes there. Going back by more than one read unpacks the file from the beginning again."""
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        back = self._stream.tell() - offset
        if not 0 <= back <= len(self._recent):
            self._stream.seek(offset)
            self._recent = b""
            back = 0
        kept = self._recent[len(self._recent) - back :]
        more = self._stream.read(max(0, length - back))
        self._recent = (self._recent + more)[-READ_BYTES_MAX - TAIL_BYTES_MAX :]
        return kept[:length] + more

    def close(self) -> None:
        self._stream.close()
        self._file.close()


def _unpacked_size(file: BufferedReader, compressed_bytes: int, step: Step) -> int:
    """Return the size of the text, read to its end, so that its checksums are verified."""
    limit = max(UNPACKED_BYTES_FREE, UNPACKED_RATIO_MAX * compressed_bytes)
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
    if compressed_bytes == 0:
        raise BadArchive(ArchiveError.INCOMPLETE)
    return size
