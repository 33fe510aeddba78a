"""What a supervisor must know of each of its workers when one is killed: its writer, its events, its requests.

A worker writes them to memory that it shares with its supervisor, because a hung one can send nothing.
"""

import struct
from dataclasses import dataclass

from coderouter_proxy.shared_memory.unnamed import UnnamedMemory

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
    """The counts of all workers; pickled to a worker, which then says which are its own."""

    def __init__(self, workers: int) -> None:
        self._memory = UnnamedMemory(_CELL_BYTES, workers)

    def of(self, number: int) -> "OwnCounts":
        return OwnCounts(self._memory.parts[number])

    def taken(self, number: int) -> Left | None:
        """Return what the worker left, and clear it for the one that replaces it; None if it wrote no event."""
        cell = self._memory.parts[number]
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
