"""What remains of many events when the requests that end among them are left out."""

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

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


def passed(records: Sequence[Record], finished: Sequence[Record]) -> Passed:
    """Return what remains of the records; `finished` are those of requests that end."""
    ids = list(map(_request_id, records))
    ended = set(map(_request_id, finished))
    open_ids = set(ids) - ended - {None}
    of_open = compress(records, map(open_ids.__contains__, ids))
    still_open = [record for record in of_open if record.msg in story.EVENTS]
    return Passed(ended_of(finished), list(ended), still_open)


def ended_of(finished: Sequence[Record]) -> Ended:
    times = list(map(attrgetter("ts"), finished))
    return Ended(len(times), min(times, default=""), max(times, default=""))
