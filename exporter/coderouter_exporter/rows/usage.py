"""Adds up what requests and tries came to: by day, and by provider and minute or hour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from operator import attrgetter, le
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from coderouter_events.closed_sets import Outcome
from coderouter_events.events import (
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    SkipUnknownProvider,
    TryProvider,
)
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import Columns
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows.tables import NUMBERS, SLOT_NUMBERS
from coderouter_exporter.state import duration_histogram
from coderouter_exporter.state.duration_histogram import DurationHistogram
from coderouter_exporter.state.minutes import (
    HOUR_MINUTES,
    HOURS_KEPT,
    MINUTE_S,
    OTHER,
    Minute,
    by_minute,
)
from coderouter_exporter.state.order import is_suspect

UTC_NAME = "UTC"
DAYS_KEPT = 400
HOUR_SLOTS_KEPT = 31 * 24
NAME_CHARS_MAX = 200
ZONE_CHARS_MAX = 64
QUARTER = 15
"""In every time zone, a day begins at a full quarter of an hour of UTC."""

DayKey = tuple[str, str, str, str, str, str]
"""As `tables.DAY_KEY`."""
SlotKey = tuple[int, int, str]
"""As `tables.SLOT_KEY`; the start is the number of a minute since 1970."""

_OUTCOMES = frozenset(get_args(Outcome))
_PLACE = {name: place for place, name in enumerate(SLOT_NUMBERS)}
_TOKENS = tuple(
    (_PLACE[f"{name}_tokens"], f"{name}_tokens")
    for name in ("input", "output", "cache_read", "cache_creation")
)
_RESULTS = {
    TryProvider.msg: _PLACE["tries"],
    ProviderOk.msg: _PLACE["tries_ok"],
    ProviderFailed.msg: _PLACE["tries_failed"],
    ProviderFailedMidstream.msg: _PLACE["tries_midstream"],
    SkipPaidProvider.msg: _PLACE["tries_skipped"],
    SkipUnknownProvider.msg: _PLACE["tries_skipped"],
    SkipBudgetExceeded.msg: _PLACE["tries_skipped"],
    SkipShortContext.msg: _PLACE["tries_skipped"],
}
GROUPED_BY = ("provider", "model", "agent", "profile", "outcome")
"""The fields of a finished request that decide where it is added."""
_group_of = attrgetter(*GROUPED_BY)


class Slot(msgspec.Struct, array_like=True):
    """The numbers of `tables.SLOT_NUMBERS`, and how long answers took."""

    numbers: list[int]
    duration: DurationHistogram = {}
    """Of complete answers."""
    first_token: DurationHistogram = {}

    def add(self, other: "Slot") -> None:
        self.numbers = [a + b for a, b in zip(self.numbers, other.numbers, strict=True)]
        duration_histogram.add_counts(self.duration, other.duration)
        duration_histogram.add_counts(self.first_token, other.first_token)


def empty_slot() -> Slot:
    return Slot([0] * len(SLOT_NUMBERS))


class Usage(msgspec.Struct, array_like=True):
    """What has been added up and not been committed."""

    days: dict[DayKey, list[int]] = {}
    """The numbers of `tables.NUMBERS`."""
    slots: dict[SlotKey, Slot] = {}

    def count(
        self,
        groups: Mapping[str, Sequence[Record]],
        columns: Columns | None,
        zone: str,
        read_ts: float,
        minute: int | None = None,
    ) -> Minute | None:
        """Add the records, given by event; `columns` are those of the finished requests.

        With `minute`, all of them were written in that one, which is possible; what requests came to is returned.
        """
        for event, place in _RESULTS.items():
            if records := groups.get(event):
                self._count_tries(records, place, read_ts, minute)
        finished = groups.get(RequestFinished.msg)
        if not finished:
            return None
        if columns is None:
            columns = Columns(finished)
        if minute is None:
            self._count_by_slot(finished, columns, zone, read_ts)
            return None
        whole = Minute({})
        where = (*slot_of(minute, read_ts), date_of(minute, zone))
        for key, indexes in columns.groups(GROUPED_BY).items():
            slot = _counted(columns, indexes, key[-1])
            self._add(where, zone, key, slot)
            whole.add(_minute_of(slot))
        return whole

    def add(self, later: "Usage") -> None:
        """Add what was counted later."""
        for day, numbers in later.days.items():
            known = self.days.get(day)
            self.days[day] = numbers if known is None else list(map(int.__add__, known, numbers))
        for key, slot in later.slots.items():
            if (own := self.slots.get(key)) is None:
                self.slots[key] = slot
            else:
                own.add(slot)

    def _count_tries(self, records: Sequence[Record], place: int, read_ts: float, minute: int | None) -> None:
        everything = slice(0, len(records))
        parts = _possible_minutes(records, read_ts) if minute is None else ((minute, everything),)
        for number, part in parts:
            start, minutes = slot_of(number, read_ts)
            if minutes:
                providers = Counter(map(attrgetter("provider"), _part(records, part)))
                for provider, count in providers.items():
                    self._slot(start, minutes, provider).numbers[place] += count

    def _count_by_slot(self, records: Sequence[Record], columns: Columns, zone: str, read_ts: float) -> None:
        for place, part in _merged(_possible_minutes(records, read_ts), zone, read_ts):
            groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
            for index, key in enumerate(map(_group_of, _part(records, part)), part.start):
                groups[key].append(index)
            for key, indexes in groups.items():
                self._add(place, zone, key, _counted(columns, indexes, key[-1]))

    def _add(self, place: tuple[int, int, str], zone: str, key: tuple[object, ...], slot: "Slot") -> None:
        start, minutes, date = place
        provider, model, agent, profile, _ = key
        day = (date, zone, _name(provider), _name(model), _name(agent), _name(profile))
        known = self.days.get(day)
        numbers = slot.numbers[: len(NUMBERS)]
        self.days[day] = numbers if known is None else list(map(int.__add__, known, numbers))
        if minutes:
            self._slot(start, minutes, provider).add(slot)

    def _slot(self, start: int, minutes: int, provider: object) -> Slot:
        key = (start, minutes, _name(provider))
        found = self.slots.get(key)
        if found is None:
            found = self.slots[key] = empty_slot()
        return found


def _counted(columns: Columns, indexes: list[int], outcome: object) -> Slot:
    """Return what these requests of one outcome come to."""
    slot = empty_slot()
    numbers, count = slot.numbers, len(indexes)
    numbers[0] = count
    numbers[_PLACE[str(outcome) if outcome in _OUTCOMES else "other"]] = count

    def picked(name: str, scale: int) -> Sequence[int]:
        return columns.numbers_of(name, scale, indexes)

    numbers[_FALLBACKS] = sum(map((1).__lt__, picked("attempts", 1)))
    for place, name in _TOKENS:
        numbers[place], _ = columns.total(name, 1, indexes)
    numbers[_COST], unknown = columns.total("cost_usd", MICRO, indexes)
    if outcome == "ok":
        numbers[_UNKNOWN] = unknown if columns.numbers("cost_usd", MICRO) else count
    durations, firsts = picked("duration_s", MICRO), picked("ttft_s", MICRO)
    if outcome == "ok":
        duration_histogram.add(slot.duration, durations)
    if firsts:
        duration_histogram.add(slot.first_token, firsts)
        tokens = picked("output_tokens", 1)
        if tokens and durations:
            numbers[_GENERATED : _GENERATED + 2] = _generated(durations, firsts, tokens)
    return slot


_FALLBACKS, _COST, _UNKNOWN = _PLACE["fallbacks"], _PLACE["micro_usd"], _PLACE["unknown_cost"]
_GENERATED = _PLACE["generated_tokens"]


def _generated(durations: Sequence[int], firsts: Sequence[int], tokens: Sequence[int]) -> tuple[int, int]:
    if min(tokens) > 1 and min(firsts) >= 0 and all(map(le, firsts, durations)):
        return sum(tokens) - len(tokens), sum(durations) - sum(firsts)
    valid = [
        (number - 1, duration - first)
        for duration, first, number in zip(durations, firsts, tokens, strict=True)
        if number > 1 and 0 <= first <= duration
    ]
    return sum(number for number, _ in valid), sum(took for _, took in valid)


def _minute_of(slot: Slot) -> Minute:
    numbers = dict(zip(SLOT_NUMBERS, slot.numbers, strict=True))
    return Minute(
        outcomes={name: number for name in (*_OUTCOMES, OTHER) if (number := numbers[name])},
        fallbacks=numbers["fallbacks"],
        micro_usd=numbers["micro_usd"],
        duration=slot.duration,
        first_token=slot.first_token,
        **{name: numbers[name] for _, name in _TOKENS},
    )


def slot_of(minute: int, now_ts: float) -> tuple[int, int]:
    """Return the start and the length of the slot that has this minute, in minutes; no length: it is too old."""
    hour, now_hour = minute // HOUR_MINUTES, int(now_ts // MINUTE_S) // HOUR_MINUTES
    if hour > now_hour - HOURS_KEPT:
        return minute, 1
    return hour * HOUR_MINUTES, HOUR_MINUTES if hour > now_hour - HOUR_SLOTS_KEPT else 0


def _possible_minutes(records: Sequence[Record], read_ts: float) -> Iterator[tuple[int, slice]]:
    """Yield each run of records of one minute, by the time of reading where their own cannot be right."""
    for minute, part in by_minute(records):
        if minute is None or is_suspect(minute * MINUTE_S, read_ts):
            yield int(read_ts // MINUTE_S), part
        else:
            yield minute, part


def _merged(
    minutes: Iterable[tuple[int, slice]], zone: str, now_ts: float
) -> Iterator[tuple[tuple[int, int, str], slice]]:
    """Yield runs of one slot and one date, by start, length and date."""
    last: tuple[int, int, str] | None = None
    start = end = 0
    for minute, part in minutes:
        key = (*slot_of(minute, now_ts), date_of(minute, zone))
        if key != last:
            if last is not None:
                yield last, slice(start, end)
            last, start = key, part.start
        end = part.stop
    if last is not None:
        yield last, slice(start, end)


def _part(records: Sequence[Record], part: slice) -> Sequence[Record]:
    return records if part.stop - part.start == len(records) else records[part]


def date_of(minute: int, zone: str) -> str:
    return _date_of(minute // QUARTER, zone)


@lru_cache(4096)
def _date_of(quarter: int, zone: str) -> str:
    return datetime.fromtimestamp(quarter * QUARTER * MINUTE_S, zone_of(zone)).date().isoformat()


@lru_cache(64)
def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if 0 < len(name) <= ZONE_CHARS_MAX else UTC
    except (ValueError, OSError, LookupError):
        return UTC


def zone_name(name: str | None) -> str:
    """Return the name of the zone that days are counted in if this one is configured."""
    return name if name and zone_of(name) is not UTC else UTC_NAME


def _name(value: object) -> str:
    return str(value)[:NAME_CHARS_MAX] if value else ""
