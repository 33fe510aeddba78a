"""Recognises duplicate events and counts missing ones by writer and seq.

A writer numbers its events 1, 2, 3 …; the numbers seen of each writer are kept as intervals, normally one.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from enum import Enum
from itertools import islice
from operator import attrgetter
from typing import NamedTuple, TypeGuard

import msgspec

from coderouter_exporter.records.record import Record

INTERVALS_MAX = 1024
WRITERS_MAX = 16_384
"""Writers that may still write. Beyond that, the one whose last line was read first is forgotten."""
ENDED_MAX = 1024
"""Writers that have shut down, whose lines may turn up again in a copy."""
ENDED_REPORTED_MAX = 256
"""Entries of one startup event that are considered."""
WRITER_CHARS_MAX = 64
SEQ_MAX = (1 << 53) - 1


Runs = dict[str, tuple[int, int]]
"""By writer, the first and the last of consecutive numbers."""


class Run(Enum):
    """How the numbers of one writer in one batch compare with those seen before."""

    NEW = "new"
    KNOWN = "known"
    UNNUMBERED = "unnumbered"
    """None of them has a number: all are new as far as is known."""
    MIXED = "mixed"
    """Each number has to be checked."""


class Taken(NamedTuple):
    """What of a batch is new."""

    new: list[Record]
    all_numbered: bool
    """All records have a usable number."""
    follows: bool
    """All are new, and those of each writer follow all that were seen of it."""


class Writer(msgspec.Struct, array_like=True):
    """The numbers seen of one writing process."""

    bounds: list[int] = []
    """First and last number of each interval, ascending: first, last, first, last …"""
    given_up: int = 0
    """Missing numbers between intervals that were merged because there were too many."""
    unused: float = 0.0
    """Keeps the place of a field that older state files have."""
    ended: bool = False
    given_out: int = 0
    """How many numbers a later process reported that it had given out."""
    file: int = 0
    """The file in which its last line was read; 0 when it is not known."""
    at_path: bool = False
    """It was seen in a file that was at the configured path, and so is no other instance's."""
    in_doubt: bool = False
    """That file disappeared before it was known to be read to its end; its next line shows whether any is missing."""

    def missing(self) -> int:
        """Return how many numbers that it has given out are missing, as far as is known."""
        bounds = self.bounds
        if len(bounds) == 2 and bounds[0] == 1 and bounds[1] >= self.given_out:
            return self.given_up
        gaps = sum(bounds[i] - bounds[i - 1] - 1 for i in range(2, len(bounds), 2))
        first, last = (bounds[0], bounds[-1]) if bounds else (1, 0)
        return self.given_up + gaps + first - 1 + max(0, self.given_out - last)

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
    """The writers whose numbers are remembered, in the order in which their last lines were read."""

    known: dict[str, Writer] = {}
    """Those that may still write."""
    missing_of_forgotten: int = 0
    """Events missing of writers that were forgotten."""
    ended: dict[str, Writer] = {}
    """Those that have shut down."""
    baseline: list[str] | None = None
    """Writers that the first startup event reported as ended and that had not been seen: they wrote before these
    totals began."""
    forgotten: int = 0
    """Writers that were forgotten though they might have continued: nothing of theirs can be proven any more."""

    def missing(self) -> int:
        writers = (*self.known.values(), *self.ended.values())
        return self.missing_of_forgotten + sum(writer.missing() for writer in writers)

    def in_doubt(self) -> int:
        """Return the number of writers whose last lines may be in a file that disappeared."""
        return sum(writer.in_doubt for writer in self.known.values())

    def merged_gaps(self) -> int:
        """Return the number of events that stay missing even if they are read, because of `INTERVALS_MAX`."""
        return sum(writer.given_up for writer in (*self.known.values(), *self.ended.values()))

    def take(self, records: list[Record], *, file: int = 0, at_path: bool = False) -> Taken:
        """Return the new records; those that have no usable number are always new.

        `file` is the number of the file that they were read from, `at_path` whether it was at the configured path. A
        run of consecutive numbers of one writer is handled in one step.
        """
        by_writer = _by_writer(records)
        before = {name: self._last(name) for name in by_writer}
        runs = {name: self._take_run(name, seqs) for name, seqs in by_writer.items()}
        kinds = set(runs.values())
        if kinds <= {Run.NEW, Run.UNNUMBERED}:
            new = records
        else:
            new = [
                record
                for record in records
                if (run := runs[record.writer]) is Run.NEW
                or run is Run.UNNUMBERED
                or (run is Run.MIXED and self._take_one(record))
            ]
        for name, last in before.items():
            self._read_in(name, file, at_path=at_path, continued=self._last(name) > last)
        self._forget()
        follows = kinds == {Run.NEW} and all(
            (by_writer[name][0] or 0) > last for name, last in before.items()
        )
        return Taken(new, kinds <= {Run.NEW, Run.KNOWN}, follows)

    def follows(self, runs: Runs) -> bool:
        """Return whether the numbers of each writer follow all that were seen of it."""
        return all(first > self._last(name) for name, (first, _) in runs.items())

    def take_runs(self, runs: Runs, *, file: int = 0, at_path: bool = False) -> bool:
        """Add consecutive numbers of some writers as `take` does, but none of them unless all are new."""
        if any(
            (writer := self._find(name)) is not None and writer.has_any(first, last)
            for name, (first, last) in runs.items()
        ):
            return False
        for name, (first, last) in runs.items():
            before = self._last(name)
            self._writer(name).add(first, last)
            self._read_in(name, file, at_path=at_path, continued=last > before)
        self._forget()
        return True

    def end(self, name: str | None) -> None:
        """Note that the writer has shut down: it has written its last line."""
        if name is not None and (writer := self.known.pop(name, None)) is not None:
            writer.ended = True
            writer.in_doubt = False
            self.ended[name] = writer
            self._forget()

    def report(self, ended: object) -> None:
        """Note how many numbers ended writers have given out, as a later process reports it in its startup event."""
        if not isinstance(ended, dict):
            return
        entries = list(ended.items())[:ENDED_REPORTED_MAX]
        valid = [(name, seq) for name, seq in entries if isinstance(seq, int) and is_numbered(name, seq)]
        unknown = [name for name, _ in valid if self._find(name) is None]
        if self.baseline is None:
            self.baseline = unknown
        for name, seq in valid:
            if (writer := self._find(name)) is not None:
                writer.given_out = max(writer.given_out, seq)
            elif name not in self.baseline:
                self.known[name] = Writer(given_out=seq)
        self._forget()

    def lose(self, file: int) -> None:
        """Note that a file disappeared before it was known to be read to its end."""
        for writer in self.known.values():
            writer.in_doubt |= writer.file == file

    def is_ours(self, name: str) -> bool:
        """Return whether the writer was seen in a file that was at the configured path."""
        writer = self._find(name)
        return writer is not None and writer.at_path

    def _take_run(self, name: str | None, seqs: list[int | None]) -> Run:
        """Add the numbers in one step if all of them are new."""
        first, last = seqs[0], seqs[-1]
        if first is None or last is None or not (is_numbered(name, first) and is_numbered(name, last)):
            return Run.MIXED if any(is_numbered(name, seq) for seq in seqs) else Run.UNNUMBERED
        if last - first + 1 != len(seqs) or seqs != list(range(first, last + 1)):
            return Run.MIXED
        writer = self._writer(name)
        if writer.has_any(first, last):
            return Run.KNOWN if writer.has_all(first, last) else Run.MIXED
        writer.add(first, last)
        return Run.NEW

    def _take_one(self, record: Record) -> bool:
        if record.seq is None or not is_numbered(record.writer, record.seq):
            return True
        writer = self._writer(record.writer)
        if writer.knows(record.seq):
            return False
        writer.add(record.seq, record.seq)
        return True

    def _read_in(self, name: str | None, file: int, *, at_path: bool, continued: bool) -> None:
        """Note where lines of the writer were read; one that has continued in another file is no longer in doubt."""
        if name is None or name not in self.known:
            return
        writer = self.known[name] = self.known.pop(name)
        writer.at_path |= at_path
        if continued:
            writer.in_doubt &= writer.file == file
            writer.file = file

    def _last(self, name: str | None) -> int:
        """Return the highest number seen of the writer."""
        writer = None if name is None else self._find(name)
        return writer.bounds[-1] if writer is not None and writer.bounds else 0

    def _find(self, name: str) -> Writer | None:
        return self.known.get(name) or self.ended.get(name)

    def _writer(self, name: str) -> Writer:
        writer = self._find(name)
        if writer is None:
            writer = self.known[name] = Writer()
        return writer

    def _forget(self) -> None:
        """Forget the writers beyond the bounds that were read longest ago."""
        for name in list(islice(self.ended, max(0, len(self.ended) - ENDED_MAX))):
            self.missing_of_forgotten += self.ended.pop(name).missing()
        for name in list(islice(self.known, max(0, len(self.known) - WRITERS_MAX))):
            self.missing_of_forgotten += self.known.pop(name).missing()
            self.forgotten += 1


def is_numbered(name: str | None, seq: int | None) -> TypeGuard[str]:
    """Return whether it is a usable writer and number: neither missing, nor invalid, nor too long to keep."""
    return name is not None and seq is not None and 0 < len(name) <= WRITER_CHARS_MAX and 0 < seq <= SEQ_MAX


def runs_of(records: list[Record]) -> Runs | None:
    """Return the numbers of the records, or None if those of any writer are not consecutive."""
    runs: Runs = {}
    for name, seqs in _by_writer(records).items():
        first, last = seqs[0], seqs[-1]
        if first is None or last is None or not (is_numbered(name, first) and is_numbered(name, last)):
            return None
        if last - first + 1 != len(seqs) or seqs != list(range(first, last + 1)):
            return None
        runs[name] = first, last
    return runs


def _by_writer(records: list[Record]) -> dict[str | None, list[int | None]]:
    names = list(map(attrgetter("writer"), records))
    if names and names.count(names[0]) == len(names):
        return {names[0]: list(map(attrgetter("seq"), records))}
    seqs: dict[str | None, list[int | None]] = defaultdict(list)
    for name, seq in zip(names, map(attrgetter("seq"), records), strict=True):
        seqs[name].append(seq)
    return seqs
