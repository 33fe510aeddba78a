"""Memory that the workers of a proxy share for routing: what each has noted of conversations, and its requests.

It has no name in any file system, and is gone with the last of the processes. Nothing in it is locked.
"""

import mmap
import os
import struct
import sys
from multiprocessing.reduction import DupFd
from tempfile import TemporaryFile
from typing import Any

from coderouter_proxy.wires.responses.rings import Ring

CELLS = 4096
"""Counters of a worker; a name has that of its hash, and two of a hundred providers may share one."""
RECORDS_MAX = 16_384
"""Conversations that are noted, by all workers together."""

_RECORD_BYTES = 64
_NUMBER = struct.Struct("@q")
_PAGE = 4096
_CELLS_BYTES = CELLS * _NUMBER.size


class WorkerMemory:
    """Pickled to a worker, which then says which part is its own. `counts` are those of each worker."""

    def __init__(self, workers: int = 1, fd: int | None = None) -> None:
        """Create the memory, or map it behind a file descriptor; what a single process uses has none."""
        records = RECORDS_MAX // workers
        ring_bytes = -(-records * _RECORD_BYTES // _PAGE) * _PAGE
        size = _CELLS_BYTES + ring_bytes
        if fd is None and workers > 1:
            fd = _without_name(size * workers)
        self._fd = fd
        self._workers = workers
        memory = memoryview(mmap.mmap(-1 if fd is None else fd, size * workers))
        parts = [memory[size * number : size * (number + 1)] for number in range(workers)]
        self.rings = [Ring(part[_CELLS_BYTES:], records) for part in parts]
        self.counts = [part[:_CELLS_BYTES].cast("q") for part in parts]
        self.own = 0

    def __reduce__(self) -> tuple[Any, ...]:
        assert self._fd is not None
        return _unpickled, (DupFd(self._fd), self._workers)

    def write_to(self, number: int) -> None:
        """Write to this part from now on; no other process does. The requests of the one before are gone."""
        self.own = number
        self.counts[number][:] = memoryview(bytes(_CELLS_BYTES)).cast("q")


_shared: list[WorkerMemory] = []


def share(memory: WorkerMemory) -> None:
    """Let this process, which is a worker, use this memory from now on."""
    _shared[:] = [memory]


def own() -> WorkerMemory:
    """Return the memory of this process: what it shares as a worker, or one of its own."""
    return _shared[0] if _shared else WorkerMemory()


def _without_name(size: int) -> int:
    if sys.platform == "linux":
        fd = os.memfd_create("coderouter-routing", os.MFD_CLOEXEC)
    else:
        with TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, size)
    return fd


def _unpickled(duplicate: Any, workers: int) -> WorkerMemory:  # noqa: ANN401 - of the standard library
    return WorkerMemory(workers, duplicate.detach())
