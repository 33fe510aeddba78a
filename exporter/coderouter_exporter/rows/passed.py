"""What remains of many events when the requests that end among them are left out."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from coderouter_exporter.records.decode import read_batch
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows import story


class Ended(NamedTuple):
    """How many requests end in some lines, and when the first and the last of them did, as written."""

    number: int
    first: str
    last: str


class Passed(NamedTuple):
    """What remains of many events when the requests that end among them are left out."""

    ended: Ended
    ended_ids: list[str | None]
    still_open: list[Record]
    """The events of the others."""


_request_id = attrgetter("request_id")


def passed(lines: bytes, records: Sequence[Record], finished: Sequence[Record]) -> Passed:
    """Return what remains of the records of these lines."""
    ended = set(map(_request_id, finished))
    open_ids = set(map(_request_id, records)) - ended - {None}
    still_open = [
        record
        for record in read_batch(_lines_with(lines, open_ids)).records
        if record.request_id in open_ids and record.msg in story.EVENTS
    ]
    return Passed(ended_of(finished), list(ended), still_open)


def ended_of(finished: Sequence[Record]) -> Ended:
    times = list(map(attrgetter("ts"), finished))
    return Ended(len(times), min(times, default=""), max(times, default=""))


def _lines_with(lines: bytes, ids: Iterable[str | None]) -> bytes:
    """Return the lines in which one of the ids occurs, as it is in the line."""
    starts = set[int]()
    for text in filter(None, ids):
        wanted = text.encode()
        at = lines.find(wanted)
        while at >= 0:
            starts.add(lines.rfind(b"\n", 0, at) + 1)
            at = lines.find(wanted, lines.find(b"\n", at) + 1)
    return b"".join(lines[start : lines.find(b"\n", start) + 1] for start in sorted(starts))
