"""What remains of many events when the requests that end among them are left out."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from coderouter_exporter.records.decode import read_batch
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows import story


class Passed(NamedTuple):
    """What remains of many events when the requests that end among them are left out."""

    finished: int
    """How many requests end."""
    ended: list[str | None]
    """Their ids."""
    latest: str
    """When the last of them ended, as it was written."""
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
    latest = max(map(attrgetter("ts"), finished), default="")
    return Passed(len(finished), list(ended), latest, still_open)


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
