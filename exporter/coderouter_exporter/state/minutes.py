"""What came of the requests of each minute of the last day, for charts.

Requests count in the minute in which they ended, by the time that their event tells, so that it does not matter
how they were batched. Minutes in which none ended take no room; those of past hours are kept compressed.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress, groupby
from operator import attrgetter
from typing import get_args

import msgspec

from coderouter_events.events import Outcome
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import MISSING, Columns
from coderouter_exporter.records.decode import Record, unix_time
from coderouter_exporter.state import duration_histogram
from coderouter_exporter.state.duration_histogram import Sketch

MINUTE_S = 60
HOUR_MINUTES = 60
HOURS_KEPT = 26
"""A day has up to 25 hours, and 24 hours ago lies within one."""
HOURS_OPEN = 2
"""Not compressed, as requests still end in them."""
OTHER = "other"

_OUTCOMES = frozenset(get_args(Outcome))


class Minute(msgspec.Struct, array_like=True):
    """What came of the requests that ended in one minute, or in several of them."""

    outcomes: dict[str, int] = {}
    fallbacks: int = 0
    """Requests for which more than one provider was tried."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    micro_usd: int = 0
    duration: Sketch = {}
    """Of requests that were answered to the end."""
    first_token: Sketch = {}

    @property
    def requests(self) -> int:
        return sum(self.outcomes.values())

    def count(self, finished: Columns, part: slice) -> None:
        """Add the ends of requests that this part of the columns tells of."""

        def numbers(name: str, scale: int) -> Sequence[int]:
            return finished.numbers(name, scale)[part]

        outcomes: Sequence[str | None] = finished.values("outcome")[part]
        for outcome, number in Counter(outcomes).items():
            self._add_outcome(outcome if outcome and outcome in _OUTCOMES else OTHER, number)
        self.fallbacks += sum(map((1).__lt__, numbers("attempts", 1)))
        for name in _TOKENS:
            setattr(self, name, getattr(self, name) + _sum(numbers(name, 1)))
        self.micro_usd += _sum(numbers("cost_usd", MICRO))
        answered = [outcome == "ok" for outcome in outcomes]
        duration_histogram.add(self.duration, compress(numbers("duration_s", MICRO), answered))
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
FIELDS = ("outcome", "attempts", "duration_s", "ttft_s", "cost_usd", *_TOKENS)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, Minute]).decode


class Minutes(msgspec.Struct):
    """The newest hours in which a request ended, minute by minute."""

    opened: dict[int, Minute] = {}
    """By the number of the minute since 1970."""
    packed: dict[int, bytes] = {}
    """Compressed, by the number of the hour since 1970."""

    def count(self, finished: Sequence[Record], columns: Columns) -> None:
        """Add the ends of requests, each to its minute; those that tell no time are left out.

        The columns are those of the records, with `FIELDS` among them.
        """
        for number, part in _by_minute(finished):
            self._open(number // HOUR_MINUTES)
            self.opened.setdefault(number, Minute()).count(columns, part)
        self._pack()

    def steps(self, start_ts: float, end_ts: float, step_minutes: int) -> dict[int, Minute]:
        """Return what the minutes of this time add up to in steps, by the number of the first minute since 1970.

        A step is a part of an hour; that in which `start_ts` lies is the first one. Steps without a request are
        left out. What is returned is not to be changed.
        """
        first = int(start_ts // MINUTE_S) // step_minutes * step_minutes
        last = int(end_ts // MINUTE_S)
        found = _merged(self.opened.items(), step_minutes)
        for hour, packed in self.packed.items():
            if first // HOUR_MINUTES <= hour <= last // HOUR_MINUTES:
                found |= _steps_of_hour(hour, packed, step_minutes)
        return {number: found[number] for number in sorted(found) if first <= number <= last}

    def _open(self, hour: int) -> None:
        if hour in self.packed:
            self.opened |= _unpacked(hour, self.packed.pop(hour))

    def _pack(self) -> None:
        """Keep the newest hours, and of these the last ones as they are."""
        by_hour: defaultdict[int, dict[int, Minute]] = defaultdict(dict)
        for number, minute in self.opened.items():
            by_hour[number // HOUR_MINUTES][number % HOUR_MINUTES] = minute
        hours = sorted(by_hour.keys() | self.packed.keys(), reverse=True)
        for hour in hours[HOURS_OPEN:]:
            if hour in by_hour:
                self.packed[hour] = zlib.compress(_encode(by_hour.pop(hour)))
        for hour in hours[HOURS_KEPT:]:
            del self.packed[hour]
        self.opened = {
            hour * HOUR_MINUTES + number: minute
            for hour, minutes in by_hour.items()
            for number, minute in minutes.items()
        }


def _unpacked(hour: int, packed: bytes) -> dict[int, Minute]:
    minutes = _decode(zlib.decompress(packed))
    return {hour * HOUR_MINUTES + number: minute for number, minute in minutes.items()}


def _merged(minutes: Iterable[tuple[int, Minute]], step_minutes: int) -> dict[int, Minute]:
    if step_minutes == 1:
        return dict(minutes)
    steps: defaultdict[int, Minute] = defaultdict(Minute)
    for number, minute in minutes:
        steps[number // step_minutes * step_minutes].add(minute)
    return dict(steps)


@lru_cache(4 * HOURS_KEPT)  # charts ask for the same hours again and again
def _steps_of_hour(hour: int, packed: bytes, step_minutes: int) -> dict[int, Minute]:
    return _merged(_unpacked(hour, packed).items(), step_minutes)


def _sum(numbers: Sequence[int]) -> int:
    return sum(numbers) - MISSING * numbers.count(MISSING)


def total(minutes: Iterable[Minute]) -> Minute:
    whole = Minute()
    for minute in minutes:
        whole.add(minute)
    return whole


def _by_minute(finished: Sequence[Record]) -> Iterator[tuple[int, slice]]:
    """Yield the minutes, each with a run of records that tell of it; a minute may come again."""
    begin = 0
    for number, run in groupby(map(_number, map(attrgetter("ts"), finished))):
        end = begin + sum(1 for _ in run)
        if number is not None:
            yield number, slice(begin, end)
        begin = end


def _number(ts: str) -> int | None:
    """Return the number of the minute since 1970."""
    return _number_in_utc(ts[:16]) if ts.endswith("Z") and len(ts) > 16 else _number_of(ts)


@lru_cache
def _number_in_utc(minute: str) -> int | None:
    return _number_of(minute + "Z")


def _number_of(ts: str) -> int | None:
    seconds = unix_time(ts)
    return None if seconds is None else int(seconds // MINUTE_S)
