"""Recognises duplicate events and counts missing ones by writer and seq.

A writer numbers its events 1, 2, 3 …; the numbers seen of each writer are kept as intervals, normally one.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from enum import Enum
from operator import attrgetter
from typing import TypeGuard

import msgspec

from coderouter_exporter.records.record import Record

INTERVALS_MAX = 1024
WRITERS_MAX = 1024
WRITER_CHARS_MAX = 64
SEQ_MAX = (1 << 53) - 1
QUIET_S = 3600.0
"""A writer that has written nothing for this long has ended: a live one writes a heartbeat every 15 s."""


class Run(Enum):
    """How the numbers of one writer in one batch compare with those seen before."""

    NEW = "new"
    KNOWN = "known"
    MIXED = "mixed"
    """Each number has to be checked."""


class Writer(msgspec.Struct, array_like=True):
    """The numbers seen of one writing process."""

    bounds: list[int] = []
    """First and last number of each interval, ascending: first, last, first, last …"""
    given_up: int = 0
    """Missing numbers between intervals that were merged because there were too many."""
    last_ts: float = 0.0
    ended: bool = False

    def missing(self) -> int:
        """Return how many numbers up to the highest one seen are missing."""
        bounds = self.bounds
        gaps = sum(bounds[i] - bounds[i - 1] - 1 for i in range(2, len(bounds), 2))
        return self.given_up + gaps + (bounds[0] - 1 if bounds else 0)

    def knows(self, seq: int) -> bool:
        at = bisect_right(self.bounds, seq)
        return at % 2 == 1 or (at > 0 and self.bounds[at - 1] == seq)

    def has_any(self, first: int, last: int) -> bool:
        at = bisect_left(self.bounds, first)
        return at % 2 == 1 or (at < len(self.bounds) and self.bounds[at] <= last)

    def has_all(self, first: int, last: int) -> bool:
        at = bisect_right(self.bounds, first)
        return last <= self.bounds[at] if at % 2 else first == last and self.knows(first)

    def add(self, first: int, last: int) -> None:
        """Add numbers, none of which is known yet."""
        bounds = self.bounds
        at = bisect_left(bounds, first)
        joins_before = at > 0 and bounds[at - 1] == first - 1
        joins_after = at < len(bounds) and bounds[at] == last + 1
        if joins_before and joins_after:
            del bounds[at - 1 : at + 1]
        elif joins_before:
            bounds[at - 1] = last
        elif joins_after:
            bounds[at] = first
        else:
            bounds[at:at] = (first, last)
        if len(bounds) > 2 * INTERVALS_MAX:
            self.given_up += bounds[2] - bounds[1] - 1
            del bounds[1:3]


class Writers(msgspec.Struct):
    """The writers that may still write, and the number of events missing of writers that were forgotten."""

    known: dict[str, Writer] = {}
    missing_of_forgotten: int = 0

    def missing(self) -> int:
        return self.missing_of_forgotten + sum(writer.missing() for writer in self.known.values())

    def take(self, records: list[Record], now_ts: float) -> list[Record]:
        """Return the new records and remember their numbers; records without a number are always new.

        A run of consecutive numbers of one writer is handled in one step.
        """
        runs = {name: self._take_run(name, seqs, now_ts) for name, seqs in _by_writer(records).items()}
        if all(run is Run.NEW for run in runs.values()):
            return records
        return [
            record
            for record in records
            if (run := runs[record.writer]) is Run.NEW
            or (run is Run.MIXED and self._take_one(record, now_ts))
        ]

    def end(self, name: str | None) -> None:
        if name in self.known:
            self.known[name].ended = True

    def _take_run(self, name: str | None, seqs: list[int | None], now_ts: float) -> Run:
        """Add the numbers in one step if all of them are new."""
        first, last = seqs[0], seqs[-1]
        if first is None or last is None or not (is_numbered(name, first) and is_numbered(name, last)):
            return Run.MIXED if any(is_numbered(name, seq) for seq in seqs) else Run.NEW
        if last - first + 1 != len(seqs) or seqs != list(range(first, last + 1)):
            return Run.MIXED
        writer = self._writer(name, now_ts)
        if writer.has_any(first, last):
            return Run.KNOWN if writer.has_all(first, last) else Run.MIXED
        writer.add(first, last)
        return Run.NEW

    def _take_one(self, record: Record, now_ts: float) -> bool:
        if record.seq is None or not is_numbered(record.writer, record.seq):
            return True
        writer = self._writer(record.writer, now_ts)
        if writer.knows(record.seq):
            return False
        writer.add(record.seq, record.seq)
        return True

    def _writer(self, name: str, now_ts: float) -> Writer:
        writer = self.known.get(name)
        if writer is None:
            writer = self.known[name] = Writer()
            if len(self.known) > WRITERS_MAX:
                self._forget_one(name, now_ts)
        writer.last_ts = now_ts
        return writer

    def _forget_one(self, newest: str, now_ts: float) -> None:
        """Forget the writer that has been silent longest; first choice are writers that have ended."""

        def age(name: str) -> tuple[bool, bool, float]:
            writer = self.known[name]
            return name == newest, not writer.ended and now_ts - writer.last_ts < QUIET_S, writer.last_ts

        self.missing_of_forgotten += self.known.pop(min(self.known, key=age)).missing()


def is_numbered(name: str | None, seq: int | None) -> TypeGuard[str]:
    """Return whether it is a usable writer and number: neither missing, nor invalid, nor too long to keep."""
    return name is not None and seq is not None and 0 < len(name) <= WRITER_CHARS_MAX and 0 < seq <= SEQ_MAX


def _by_writer(records: list[Record]) -> dict[str | None, list[int | None]]:
    names = set(map(attrgetter("writer"), records))
    if len(names) == 1:
        return {names.pop(): list(map(attrgetter("seq"), records))}
    seqs: dict[str | None, list[int | None]] = defaultdict(list)
    for name, seq in map(attrgetter("writer", "seq"), records):
        seqs[name].append(seq)
    return seqs
