"""Which of several files was written first, by the first event in each."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import NamedTuple, TypeVar

from coderouter_exporter.records.values import unix_time

_TS = re.compile(rb'"ts": ?"([^"]*)"')
_NUMBERED = re.compile(rb'"writer": ?"([^"]*)", ?"seq": ?(\d{1,16})\b')

T = TypeVar("T")


class FirstEvent(NamedTuple):
    ts: float
    writer: bytes = b""
    """Empty if it has no number."""
    seq: int = 0


def first_event(head: bytes, modified_ts: float, is_suspect: Callable[[float], bool]) -> FirstEvent:
    """Return the first event in the head of a file, with the file's time of modification if its own is of no use."""
    for line in head.split(b"\n"):
        if (found := _TS.search(line)) is not None:
            ts = unix_time(found[1].decode(errors="replace"))
            known_ts = modified_ts if ts is None or is_suspect(ts) else ts
            numbered = _NUMBERED.search(line)
            return FirstEvent(known_ts, numbered[1], int(numbered[2])) if numbered else FirstEvent(known_ts)
    return FirstEvent(modified_ts)


def oldest_first(files: Iterable[T], first_event_of: Callable[[T], FirstEvent]) -> list[T]:
    """Return the files in the order of their first events: of one writer by their numbers, else by their times."""
    known = [(first_event_of(file), file) for file in files]
    of_writer: defaultdict[bytes, list[int]] = defaultdict(list)
    for at, (first, _) in enumerate(known):
        if first.writer:
            of_writer[first.writer].append(at)
    follows: dict[int, int] = {}
    for ats in of_writer.values():
        follows |= pairwise(sorted(ats, key=lambda at: known[at][0].seq))
    ready = [(known[at][0].ts, at) for at in set(range(len(known))) - set(follows.values())]
    heapify(ready)
    ordered = []
    while ready:
        _, at = heappop(ready)
        ordered.append(known[at][1])
        if (following := follows.get(at)) is not None:
            heappush(ready, (known[following][0].ts, following))
    return ordered
