"""What a supervisor must know of each of its workers when one is killed: its writer, its events, its requests.

A worker writes them to memory that it shares with its supervisor, because a hung one can send nothing.
"""

import mmap
import os
import struct
from dataclasses import dataclass
from multiprocessing.reduction import DupFd
from tempfile import TemporaryFile
from typing import Any

_WRITER_BYTES = 16
_NUMBER = struct.Struct("@q")
_CELL_BYTES = _WRITER_BYTES + 2 * _NUMBER.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a worker left behind: its writer, the number of its latest event, and how many requests had not ended."""

    writer: str
    seq: int
    in_flight: int


class WorkerCounts:
    """The counts of all workers, in memory without a name; pickled to a worker, which then says which are its own."""

    def __init__(self, workers: int, fd: int | None = None) -> None:
        size = _CELL_BYTES * workers
        if fd is None:
            with TemporaryFile() as file:  # without a name
                fd = os.dup(file.fileno())
            os.ftruncate(fd, size)
        self._fd = fd
        self._workers = workers
        self._memory = mmap.mmap(fd, size)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (DupFd(self._fd), self._workers)

    def of(self, number: int) -> "OwnCounts":
        return OwnCounts(memoryview(self._memory)[_CELL_BYTES * number : _CELL_BYTES * (number + 1)])

    def taken(self, number: int) -> Left | None:
        """Return what the worker left, and clear it for the one that replaces it; None if it wrote no event."""
        cell = memoryview(self._memory)[_CELL_BYTES * number : _CELL_BYTES * (number + 1)]
        writer = bytes(cell[:_WRITER_BYTES]).decode("ascii", "replace")
        seq, in_flight = struct.unpack_from("@qq", cell, _WRITER_BYTES)
        cell[:] = bytes(_CELL_BYTES)
        return Left(writer=writer, seq=seq, in_flight=in_flight) if seq else None


class OwnCounts:
    """The counts of this process."""

    def __init__(self, cell: memoryview) -> None:
        self._cell = cell

    def writes_as(self, writer: str) -> None:
        self._cell[:_WRITER_BYTES] = writer.encode().ljust(_WRITER_BYTES)[:_WRITER_BYTES]

    def will_write(self, seq: int) -> None:
        """Note the number of the next event, before it is written: a number is never used twice."""
        _NUMBER.pack_into(self._cell, _WRITER_BYTES, seq)

    def set_in_flight(self, requests: int) -> None:
        _NUMBER.pack_into(self._cell, _WRITER_BYTES + _NUMBER.size, requests)


_own: list[OwnCounts] = []


def share(counts: OwnCounts) -> None:
    """Let this process, which is a worker, write its counts there from now on."""
    _own[:] = [counts]


def own() -> OwnCounts | None:
    """Return where this process writes its counts; None unless it is a worker."""
    return _own[0] if _own else None


def _unpickled(fd: Any, workers: int) -> WorkerCounts:  # noqa: ANN401
    return WorkerCounts(workers, fd.detach())
