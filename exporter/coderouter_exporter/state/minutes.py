"""The results of the requests of each minute of the last day, for charts.

A request counts in the minute in which it ended according to its event, so it does not matter how events were batched.
A minute without an end takes no space, and the minutes of past hours are kept compressed.
"""

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress, groupby
from operator import attrgetter, itemgetter
from typing import get_args

import msgspec

from coderouter_events.closed_sets import Outcome
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import Columns, summed
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from coderouter_exporter.state import duration_histogram
from coderouter_exporter.state.duration_histogram import DurationHistogram
from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX, is_suspect

MINUTE_S = 60
HOUR_MINUTES = 60
HOURS_KEPT = 26
"""A day has up to 25 hours, and it began within a further one."""
HOURS_UNCOMPRESSED = 2
"""Requests still end in them."""
OTHER = "other"

_OUTCOMES = frozenset(get_args(Outcome))


class Minute(msgspec.Struct, array_like=True):
    """The results of the requests that ended in one minute, or in several."""

    outcomes: dict[str, int] = {}
    fallbacks: int = 0
    """Requests for which more than one provider was tried."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    micro_usd: int = 0
    duration: DurationHistogram = {}
    """Of requests with a complete answer."""
    first_token: DurationHistogram = {}

    @property
    def requests(self) -> int:
        return sum(self.outcomes.values())

    def count(self, finished: Columns, part: slice) -> None:
        """Add the requests in this part of the columns."""

        def numbers(name: str, scale: int) -> Sequence[int]:
            return finished.numbers(name, scale)[part]

        outcomes: Sequence[str | None] = finished.values("outcome")[part]
        for outcome, number in Counter(outcomes).items():
            self._add_outcome(outcome if outcome and outcome in _OUTCOMES else OTHER, number)
        self.fallbacks += sum(map((1).__lt__, numbers("attempts", 1)))
        for name in _TOKENS:
            setattr(self, name, getattr(self, name) + summed(numbers(name, 1)))
        self.micro_usd += summed(numbers("cost_usd", MICRO))
        complete = [outcome == "ok" for outcome in outcomes]
        duration_histogram.add(self.duration, compress(numbers("duration_s", MICRO), complete))
        duration_histogram.add(self.first_token, numbers("ttft_s", MICRO))

    def add(self, other: "Minute") -> None:
        for outcome, number in other.outcomes.items():
            self._add_outcome(outcome, number)
        for name in ("fallbacks", *_TOKENS, "micro_usd"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        duration_histogram.add_counts(self.duration, other.duration)
        duration_histogram.add_counts(self.first_token, other.first_token)

    def _add_outcome(self, outcome: str, number: int) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number


_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, Minute]).decode


class Minutes(msgspec.Struct):
    """The newest hours in which a request ended, minute by minute."""

    uncompressed: dict[int, Minute] = msgspec.field(default_factory=dict, name="opened")
    """By the number of the minute since 1970."""
    compressed: dict[int, bytes] = msgspec.field(default_factory=dict, name="packed")
    """By the number of the hour since 1970."""

    def count(self, finished: Sequence[Record], columns: Columns, read_ts: float = math.inf) -> None:
        """Add each request as `counted` does."""
        self.add(counted(finished, columns, read_ts), read_ts)

    def add(self, minutes: Mapping[int, Minute], read_ts: float) -> None:
        """Add what is counted of each minute."""
        for number, minute in minutes.items():
            self._uncompress(number // HOUR_MINUTES)
            self.uncompressed.setdefault(number, Minute()).add(minute)
        self._compress(read_ts)

    def steps(self, start_ts: float, end_ts: float, step_minutes: int) -> dict[int, Minute]:
        """Return the sums of the minutes of each step, by the number of the step's first minute since 1970.

        `step_minutes` divides an hour. The first step is the one that contains `start_ts`; steps without a request are
        left out. The result is shared: do not change it.
        """
        first = int(start_ts // MINUTE_S) // step_minutes * step_minutes
        last = int(end_ts // MINUTE_S)
        found = _merged(self.uncompressed.items(), step_minutes)
        for hour, document in self.compressed.items():
            if first // HOUR_MINUTES <= hour <= last // HOUR_MINUTES:
                found |= _steps_of_hour(hour, document, step_minutes)
        return {number: found[number] for number in sorted(found) if first <= number <= last}

    def _uncompress(self, hour: int) -> None:
        if hour in self.compressed:
            self.uncompressed |= _decompressed(hour, self.compressed.pop(hour))

    def _compress(self, read_ts: float) -> None:
        """Keep the newest hours, all but the last ones of them compressed.

        Hours in the future are of a clock that was wrong, and the first to go.
        """
        by_hour: defaultdict[int, dict[int, Minute]] = defaultdict(dict)
        for number, minute in self.uncompressed.items():
            by_hour[number // HOUR_MINUTES][number % HOUR_MINUTES] = minute
        current = (read_ts + CLOCK_ERROR_S_MAX) / (MINUTE_S * HOUR_MINUTES)
        hours = sorted(
            by_hour.keys() | self.compressed.keys(),
            key=lambda hour: (1, hour) if hour <= current else (0, -hour),
            reverse=True,
        )
        for hour in hours[HOURS_UNCOMPRESSED:]:
            if hour in by_hour:
                self.compressed[hour] = zlib.compress(_encode(by_hour.pop(hour)))
        for hour in hours[HOURS_KEPT:]:
            del self.compressed[hour]
        self.uncompressed = {
            hour * HOUR_MINUTES + number: minute
            for hour, minutes in by_hour.items()
            for number, minute in minutes.items()
        }


def counted(finished: Sequence[Record], columns: Columns, read_ts: float) -> dict[int, Minute]:
    """Return what requests came to in the minute in which each ended, or was read if its time is suspect.

    One without a readable time is left out. The columns are those of the records.
    """
    minutes: defaultdict[int, Minute] = defaultdict(Minute)
    for written, part in by_minute(finished):
        if written is not None:
            is_wrong = is_suspect(written * MINUTE_S, read_ts)
            minutes[int(read_ts // MINUTE_S) if is_wrong else written].count(columns, part)
    return dict(minutes)


def _decompressed(hour: int, document: bytes) -> dict[int, Minute]:
    minutes = _decode(zlib.decompress(document))
    return {hour * HOUR_MINUTES + number: minute for number, minute in minutes.items()}


def _merged(minutes: Iterable[tuple[int, Minute]], step_minutes: int) -> dict[int, Minute]:
    if step_minutes == 1:
        return dict(minutes)
    steps: defaultdict[int, Minute] = defaultdict(Minute)
    for number, minute in minutes:
        steps[number // step_minutes * step_minutes].add(minute)
    return dict(steps)


@lru_cache(4 * HOURS_KEPT)  # each refresh of a chart reads the same hours
def _steps_of_hour(hour: int, document: bytes, step_minutes: int) -> dict[int, Minute]:
    return _merged(_decompressed(hour, document).items(), step_minutes)


def total(minutes: Iterable[Minute]) -> Minute:
    whole = Minute()
    for minute in minutes:
        whole.add(minute)
    return whole


def by_minute(records: Sequence[Record]) -> Iterator[tuple[int | None, slice]]:
    """Yield the minute of each run of records that were written in the same one; a minute may be yielded again.

    None is that of records without a readable time.
    """
    times = list(map(attrgetter("ts"), records))
    start = 0
    for minute, run in groupby(
        map(_to_minute, times) if _are_usual(times, "".join(times)) else map(_number, times)
    ):
        end = start + len(list(run))
        yield _number_in_utc(minute) if isinstance(minute, str) else minute, slice(start, end)
        start = end


def only_minute(records: Sequence[Record]) -> int | None:
    """Return the minute in which all of the records were written; None if there is none, or that is not obvious."""
    times = list(map(attrgetter("ts"), records))
    joined = "".join(times)
    minute = joined[:_IN_MINUTE]
    if not _are_usual(times, joined) or joined.count(minute) != len(times):
        return None
    return _number_in_utc(minute) if minute else None


def _are_usual(times: Sequence[str], joined: str) -> bool:
    """Return whether all are written as our proxy does it, in UTC; `joined` are all of them."""
    return len(joined) == _TIME * len(times) and joined[_TIME - 1 :: _TIME] == "Z" * len(times)


_IN_MINUTE = len("2026-11-23T19:16")
_TIME = len("2026-11-23T19:16:58.250Z")
_to_minute = itemgetter(slice(_IN_MINUTE))


def _number(ts: str) -> int | None:
    """Return the number of the minute since 1970."""
    return _number_in_utc(ts[:16]) if ts.endswith("Z") and len(ts) > 16 else _number_of(ts)


@lru_cache
def _number_in_utc(minute: str) -> int | None:
    return _number_of(minute + "Z")


def _number_of(ts: str) -> int | None:
    seconds = unix_time(ts)
    return None if seconds is None else int(seconds // MINUTE_S)
