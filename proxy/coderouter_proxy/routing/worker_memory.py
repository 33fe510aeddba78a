"""Memory that the workers of a proxy share for routing: what each has noted of conversations, and its requests.

Nothing in it is locked.
"""

import struct
from typing import Any

from coderouter_proxy.shared_memory.rings import Ring
from coderouter_proxy.shared_memory.unnamed import UnnamedMemory

CELLS = 4096
"""Counters of a worker; a name has that of its hash, and two of a hundred providers may share one."""
RECORDS_MAX = 16_384
"""Conversations that are noted, by all workers together."""

_RECORD_BYTES = 64
_NUMBER = struct.Struct("@q")
_PAGE = 4096
_CELLS_BYTES = CELLS * _NUMBER.size


class WorkerMemory:
    """`counts` and `rings` are those of each worker. Pickled to a worker, which then says which part is its own."""

    def __init__(self, memory: UnnamedMemory | None = None) -> None:
        """Use the memory, as `for_workers` made it; without, the process is alone."""
        parts = [memoryview(bytearray(_part_bytes(1)))] if memory is None else memory.parts
        self._memory = memory
        self.rings = [Ring(part[_CELLS_BYTES:], RECORDS_MAX // len(parts)) for part in parts]
        self.counts = [part[:_CELLS_BYTES].cast("q") for part in parts]
        self.own = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return WorkerMemory, (self._memory,)

    def write_to(self, number: int) -> None:
        """Write to this part from now on; no other process does. The requests of the one before are gone."""
        self.own = number
        self.counts[number][:] = memoryview(bytes(_CELLS_BYTES)).cast("q")


def for_workers(workers: int) -> WorkerMemory:
    """Return memory for so many workers.

    Raises:
        OSError: it cannot be had.
    """
    return WorkerMemory(UnnamedMemory(_part_bytes(workers), workers))


def _part_bytes(workers: int) -> int:
    return _CELLS_BYTES + -(-RECORDS_MAX // workers * _RECORD_BYTES // _PAGE) * _PAGE


_shared: list[WorkerMemory] = []


def share(memory: WorkerMemory) -> None:
    """Let this process, which is a worker, use this memory from now on."""
    _shared[:] = [memory]


def own() -> WorkerMemory:
    """Return the memory of this process: what it shares as a worker, or one of its own."""
    return _shared[0] if _shared else WorkerMemory()
