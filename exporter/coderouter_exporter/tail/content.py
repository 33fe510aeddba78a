"""The bytes of a file by their offset."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from coderouter_exporter.tail.rotated import FileStat

Step = Callable[[str], None]
"""Called with the name of each step between reading and publishing. It shows that the loop is alive; tests kill
the process there."""


def no_step(_: str) -> None:
    pass


class Content(Protocol):
    """What a file holds. It stays readable when the file is renamed or removed."""

    stat: FileStat
    size: int
    """Of the uncompressed text, in bytes."""
    can_change: bool
    """Whether the file may still be written to."""
    packed_digest: bytes
    """Of the compressed bytes; empty when it is not compressed."""

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return the bytes there, fewer at the end of the file."""
        ...

    def close(self) -> None: ...


class Plain:
    """A file that is not compressed."""

    can_change = True
    packed_digest = b""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be read.
        """
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.refresh()
        except OSError:
            close(self)
            raise

    def refresh(self) -> None:
        """Update `stat` and `size`."""
        self.stat = FileStat.of(os.fstat(self.fd))
        self.size = self.stat.size

    def is_linked(self) -> bool:
        """Return whether any name is left of the file."""
        return os.fstat(self.fd).st_nlink > 0

    def bytes_at(self, offset: int, length: int) -> bytes:
        return os.pread(self.fd, length, offset)

    def close(self) -> None:
        os.close(self.fd)


def close(content: Content) -> None:
    with suppress(OSError):  # it is closed nevertheless, and nothing was written to it
        content.close()
