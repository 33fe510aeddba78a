"""Memory without a name in any file system: a supervisor makes it, its workers map it, and it is gone with the last."""

import mmap
import os
import sys
from multiprocessing.reduction import DupFd
from tempfile import TemporaryFile
from typing import Any


class UnnamedMemory:
    """Equal parts, one for each worker; a process that gets it pickled maps the same bytes.

    On Linux it is never on disk.
    """

    def __init__(self, part_bytes: int, workers: int, fd: int | None = None) -> None:
        """Create the memory, or map it behind a file descriptor.

        Raises:
            OSError: it cannot be had.
        """
        size = part_bytes * workers
        self._part_bytes = part_bytes
        self._workers = workers
        self._fd = _created(size) if fd is None else fd
        memory = memoryview(mmap.mmap(self._fd, size))
        self.parts = [memory[part_bytes * number : part_bytes * (number + 1)] for number in range(workers)]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._part_bytes, self._workers, DupFd(self._fd))


def _created(size: int) -> int:
    if sys.platform == "linux":
        fd = os.memfd_create("coderouter", os.MFD_CLOEXEC)
    else:
        with TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, size)
    return fd


def _unpickled(part_bytes: int, workers: int, fd: Any) -> UnnamedMemory:  # noqa: ANN401 - of the standard library
    return UnnamedMemory(part_bytes, workers, fd.detach())
