"""The compressions of rotated files, recognised by the first bytes of the file."""

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

XZ_MEMORY_BYTES_MAX = 256 << 20
"""What a reader of xz may need; `xz -9` needs 65 MiB."""


class Reader(Protocol):
    """The text of a compressed file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return that many bytes, fewer at the end of the text.

        Raises:
            Exception: of `DAMAGED`, or an OSError.
        """
        ...

    def seek(self, offset: int, /) -> int: ...
    def tell(self) -> int: ...
    def close(self) -> None: ...


class NotReadable(Exception):
    """Files of this compression cannot be read here; the message says why."""


@dataclass(frozen=True)
class Compression:
    name: str
    suffix: str
    magic: bytes
    open: Callable[[BinaryIO], Reader] | None = None
    """Return a reader of the file from its beginning; None when no library for it is used.

    Raises:
        NotReadable
    """


def _xz(file: BinaryIO) -> Reader:
    """Return a reader, unless the file demands memory that no log needs."""
    try:
        lzma.LZMADecompressor(memlimit=XZ_MEMORY_BYTES_MAX).decompress(file.read(1 << 16), 1)
    except lzma.LZMAError as error:
        if "emory" in str(error):
            raise NotReadable("it needs too much memory") from error
    file.seek(0)
    return lzma.LZMAFile(file)


def _zstd(file: BinaryIO) -> Reader:
    for name in ("compression.zstd", "backports.zstd"):  # the second for Python below 3.14
        try:
            library: Any = importlib.import_module(name)
        except ImportError:
            continue
        reader: Reader = library.ZstdFile(file)
        return reader
    raise NotReadable("the Python package backports.zstd is not installed")


def _gzip(file: BinaryIO) -> Reader:
    return gzip.GzipFile(fileobj=file)


COMPRESSIONS = (
    Compression("gzip", ".gz", b"\x1f\x8b", _gzip),
    Compression("xz", ".xz", b"\xfd7zXZ\0", _xz),
    Compression("zstd", ".zst", b"\x28\xb5\x2f\xfd", _zstd),
    Compression("bzip2", ".bz2", b"BZh", bz2.BZ2File),
    Compression("lz4", ".lz4", b"\x04\x22\x4d\x18"),
    Compression("compress", ".Z", b"\x1f\x9d"),
    Compression("zip", ".zip", b"PK\x03\x04"),
)
SUFFIXES = tuple(compression.suffix for compression in COMPRESSIONS)
MAGIC_BYTES_MAX = max(len(compression.magic) for compression in COMPRESSIONS)
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def compression_of(start: bytes) -> Compression | None:
    """Return the compression of the file that begins like this; None when it is not one of the known ones."""
    return next((known for known in COMPRESSIONS if start.startswith(known.magic)), None)


def may_become_compressed(start: bytes) -> bool:
    """Return whether this is the beginning of a file whose compressor has not written all of its first bytes yet."""
    written = start.rstrip(b"\0")
    return any(known.magic.startswith(written) for known in COMPRESSIONS)


def is_damage(error: Exception) -> bool:
    """Return whether reading failed because of what the file holds, not because of the disk."""
    if isinstance(error, OSError):
        return error.errno is None  # so do gzip and bz2 report bad data
    return isinstance(error, DAMAGED) or type(error).__name__ == "ZstdError"
