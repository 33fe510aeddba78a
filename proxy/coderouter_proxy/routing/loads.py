"""How busy each provider of a group is: its requests in flight, of all workers, and those that it has got."""

import zlib
from collections.abc import Mapping
from functools import lru_cache

from coderouter_proxy.routing.worker_memory import CELLS, WorkerMemory

CHOSEN_MAX = 64
"""Requests after which a provider has got more than others only half as much: one that was away need not catch up."""


class Loads:
    def __init__(self, memory: WorkerMemory) -> None:
        self._counts = memory.counts
        self._own = memory.counts[memory.own]
        self._got: dict[str, float] = {}

    def in_order(self, weights: Mapping[str, float]) -> list[str]:
        """Return the names, the least busy first: by requests in flight, then by those that they have got."""
        busy = list[tuple[float, float, int, str]]()
        for name, weight in weights.items():
            cell, in_flight = _cell(name), 0
            for counts in self._counts:
                in_flight += counts[cell]
            busy.append((in_flight / weight, (self._got.get(name, 0) + 1) / weight, len(busy), name))
        busy.sort()
        return [each[-1] for each in busy]

    def begin(self, name: str) -> None:
        self._own[_cell(name)] += 1
        got = self._got[name] = self._got.get(name, 0.0) + 1
        if got > CHOSEN_MAX:
            self._got = {each: count / 2 for each, count in self._got.items()}

    def end(self, name: str) -> None:
        self._own[_cell(name)] -= 1


@lru_cache(maxsize=1024)
def _cell(name: str) -> int:
    return zlib.crc32(name.encode()) % CELLS
