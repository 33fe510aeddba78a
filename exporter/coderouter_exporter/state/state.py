"""The committed document: every total, the newest configuration, and how far each file has been read.

It is committed as a whole, so counts and checkpoints can never disagree. A field keeps the name it was first stored
under, by `msgspec.field(name=...)` where the code has a better one: state files outlive versions.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from itertools import islice, product, repeat
from typing import Any, TypeVar

import msgspec

from coderouter_exporter.families.exporter import INTERNAL_ERRORS, LABEL_OVERFLOW, UNPROVEN
from coderouter_exporter.families.kinds import Counter, Histogram, Profiles, Providers
from coderouter_exporter.families.table import FED_BY_NAME
from coderouter_exporter.state.histogram_series import Before, HistogramSeries
from coderouter_exporter.state.minutes import Minutes
from coderouter_exporter.state.order import Line
from coderouter_exporter.state.recent_events import RecentEvent
from coderouter_exporter.state.reported import (
    AttemptEnd,
    BudgetSkip,
    Cooldown,
    LastError,
    LastFallback,
    Learnt,
    ProxyHeartbeat,
    RecentAttempt,
    StartupInfo,
)
from coderouter_exporter.state.sequences import Writers

RECENT_ATTEMPTS_MAX = 256
LEARNT_MAX = 256
SERIES_MAX = 1000
OTHER = "other"
"""Every label of the series that takes the counts of a family beyond its `series_max` label combinations."""

Labels = tuple[str, ...]
T = TypeVar("T")


class Checkpoint(msgspec.Struct, kw_only=True):
    """How far one file has been read. The file is recognised by its content, whatever its name is now."""

    path: str
    """The configured event file that this file is, or was before a rotation."""
    inode: int
    """A hint only: a file system reuses the number of a removed file."""
    last_path: str = msgspec.field(default="", name="place")
    """The path at which the file was last seen."""
    offset: int = 0
    head_bytes: int = 0
    head_digest: bytes = b""
    tail_bytes: int = msgspec.field(default=0, name="marker_bytes")
    tail_digest: bytes = msgspec.field(default=b"", name="marker_digest")
    """Of the last bytes before the offset; with the head it proves that the offset is in this file."""
    skipping: bool = False
    """The offset is inside an oversize line; the rest of it is still to be skipped."""
    compressed: bool = msgspec.field(default=False, name="packed")
    """The file is compressed; the offset counts uncompressed bytes."""
    packed_digest: bytes = b""
    """Of the compressed file when it was finished: its size, beginning and end."""
    refused: str = ""
    """Why the file is never read; empty if it can be."""
    size: int = 0
    """Of the file on disk when it was finished."""
    finished: bool = False
    """When last seen, it had been rotated away and read to its end; or it can never be read."""
    number: int = msgspec.field(default_factory=lambda: secrets.randbits(52))
    """By which the writers refer to the file."""
    at_path: bool = False
    """It has been seen at the configured path."""
    grows: bool = False
    """It has never been at the path, and grew after it was read to its end: no rotation makes such a file."""
    gone_s: float = 0.0
    """For how long it has been gone while an exporter ran."""


Counts = dict[str, dict[Labels, int]]
"""Totals by family and labels."""
Histograms = dict[str, dict[Labels, HistogramSeries]]


class State(msgspec.Struct, kw_only=True, dict=True):
    created_ts: float
    """Since when the totals count; it changes only when they restart at 0."""
    native_ts: float = 0.0
    """Since when native buckets count; 0 if no version that counts them has used the state."""
    series_max: int = SERIES_MAX
    """Label combinations that a family may have; beyond that, new ones are counted under `other`."""
    counts: Counts = {}
    histograms: Histograms = msgspec.field(default_factory=dict, name="observed")
    startup: StartupInfo | None = None
    last_event_ts: float = 0.0
    """When the last event was written; when it was read, if its own time is suspect."""
    last_line: Line | None = None
    """Which event that is."""
    suspect_ts: float = 0.0
    """The time in the last event, if that is suspect."""
    last_errors: dict[str, LastError] = {}
    recent_attempts: list[RecentAttempt] = msgspec.field(default_factory=list, name="recent")
    recent_events: list[RecentEvent] = msgspec.field(default_factory=list, name="journal")
    last_fallback: LastFallback | None = msgspec.field(default=None, name="moved_on")
    last_success_ts: dict[str, float] = msgspec.field(default_factory=dict, name="answered")
    """By provider, the one that answered last at the end."""
    newest_ends: dict[str, AttemptEnd] = {}
    """By provider."""
    minutes: Minutes = msgspec.field(default_factory=Minutes)
    heartbeats: dict[str, ProxyHeartbeat] = msgspec.field(default_factory=dict, name="pulses")
    """By writer, the one heard last at the end."""
    cooldowns: dict[str, Cooldown] = msgspec.field(default_factory=dict, name="cooling")
    """By provider."""
    budget_skips: dict[str, BudgetSkip] = {}
    """By provider."""
    learnt: list[Learnt] = []
    """The newest last; without what a process forgot when it reloaded or stopped."""
    newest_values: dict[str, dict[str, float]] = {}
    """Of events of CodeRouter 2.x: by family and label."""
    hop_was_skipped: bool = False
    """The last fallback in an event of CodeRouter 2.x was from a provider that had not been tried."""
    month: str = ""
    """The month of the newest cost, such as `2026-11` (UTC)."""
    month_costs: dict[str, int] = {}
    """The cost of each provider in that month, in micro-dollars."""
    other_months: dict[str, dict[str, int]] = {}
    """The same of the months before it."""
    checkpoints: list[Checkpoint] = msgspec.field(default_factory=list, name="positions")
    writers: Writers = msgspec.field(default_factory=Writers)
    committed_ts: float = 0.0

    def encode(self) -> bytes:
        self.settle()
        return _encoder.encode(self)

    @classmethod
    def decode(cls, document: bytes, whole: bytes = b"") -> "State":
        """Return the state that was encoded; if only its changes were, they are changes of the `whole` one.

        Raises:
            msgspec.DecodeError: the document is not a state.
        """
        state = _decoder.decode(document)
        if whole:
            before = _decoder.decode(whole)
            state.counts = _updated(before.counts, state.counts)
            state.histograms = _updated(before.histograms, state.histograms)
        return state

    def encode_changes(self) -> bytes:
        """Return the state with only those series that are in `touched`."""
        self.settle()
        counts: Counts = {}
        histograms: Histograms = {}
        for name, labels in self.touched:
            if (totals := self.counts.get(name)) is not None and labels in totals:
                counts.setdefault(name, {})[labels] = totals[labels]
            else:
                histograms.setdefault(name, {})[labels] = self.histograms[name][labels]
        return _encoder.encode(msgspec.structs.replace(self, counts=counts, histograms=histograms))

    @cached_property
    def touched(self) -> set[tuple[str, Labels]]:
        """By family and labels, the series that were added to since this was emptied. It is not encoded."""
        return set()

    @cached_property
    def postponed(self) -> list[Callable[[], None]]:
        """Updates that are done when it is encoded: later ones may replace them before."""
        return []

    def settle(self) -> None:
        """Do what was postponed."""
        for update in self.postponed:
            update()
        self.postponed.clear()

    @property
    def doubts(self) -> dict[Labels, int]:
        """Return what may keep the totals from being exact, by reason: how many events, lines, writers or files."""
        return {
            ("events_missing",): self.events_missing,
            ("file_disappeared",): self.writers.in_doubt(),
            ("unproven_lines",): sum(self.counts.get(UNPROVEN.name, {}).values()),
            ("lines_given_up",): self.counts.get(INTERNAL_ERRORS.name, {}).get(("line",), 0),
            ("not_rotated",): self.files_not_rotated,
        }

    @property
    def files_not_rotated(self) -> int:
        """Return how many files only look rotated, by their names."""
        return sum(checkpoint.grows for checkpoint in self.checkpoints)

    @property
    def bounds_reached(self) -> dict[Labels, int]:
        """Return by how much each bound on what is remembered of writers has been exceeded."""
        return {
            ("writers",): self.writers.forgotten,
            ("intervals",): self.writers.merged_gaps(),
        }

    @property
    def events_missing(self) -> int:
        return self.writers.missing()

    def costs_in(self, month: str) -> Mapping[str, int]:
        """Return the cost of each provider in the month, in micro-dollars."""
        return self.month_costs if month == self.month else self.other_months.get(month, {})

    def correct_times(self, moved: Callable[[float], float]) -> None:
        """Move the times that are compared with the current one."""
        self.last_event_ts = moved(self.last_event_ts) if self.last_event_ts else 0.0
        if self.startup is not None:
            self.startup.ts = moved(self.startup.ts)
        for name, ts in self.last_success_ts.items():
            self.last_success_ts[name] = moved(ts)
        for name, cooldown in self.cooldowns.items():
            ts = moved(cooldown.ts)
            self.cooldowns[name] = cooldown._replace(ts=ts, until=ts + (cooldown.until - cooldown.ts))
        for name, skip in self.budget_skips.items():
            self.budget_skips[name] = skip._replace(ts=moved(skip.ts))
        for writer, heartbeat in self.heartbeats.items():
            self.heartbeats[writer] = heartbeat._replace(ts=moved(heartbeat.ts))

    def begin_native(self, now_ts: float) -> None:
        """Begin native buckets at 0, unless they have begun: what was counted before has none."""
        if self.native_ts:
            return
        self.native_ts = now_ts
        for histogram in self.histograms.values():
            for series in histogram.values():
                series.before = Before(list(series.counts), series.total)

    def add(self, family: Counter, labels: Labels, number: int, events: int | None = None) -> bool:
        """Add the number to the total of these labels; return whether they have a series of their own.

        If not, `other` has them and `events` are counted as overflow, by default as many as are added.
        """
        totals = self.counts.setdefault(family.name, {})
        is_own = labels in totals or self._has_room(family, totals, labels)
        if not is_own:
            labels = self._overflow(family, labels, number if events is None else events)
        totals[labels] = totals.get(labels, 0) + number
        self.touched.add((family.name, labels))
        return is_own

    def observe(
        self,
        family: Histogram,
        labels: Labels,
        counts: Mapping[int, int],
        native: Mapping[int, int],
        total: int,
    ) -> HistogramSeries:
        """Add observations, given as counts by bucket and their sum; return the series they were added to."""
        histogram = self.histograms.setdefault(family.name, {})
        if labels not in histogram and not self._has_room(family, histogram, labels):
            labels = self._overflow(family, labels, sum(counts.values()))
        series = histogram.setdefault(labels, HistogramSeries([0] * (len(family.buckets) + 1)))
        for bucket, number in counts.items():
            series.counts[bucket] += number
        for bucket, number in native.items():
            series.native[bucket] = series.native.get(bucket, 0) + number
        series.total += total
        self.touched.add((family.name, labels))
        return series

    def has_room_for(self, counts: Counts, histograms: Histograms) -> bool:
        """Return whether each of these labels has a series of its own, or certainly gets one."""
        return all(
            self._has_room_for_all(FED_BY_NAME[name], known.get(name, {}), added)
            for known, parts in ((self.counts, counts), (self.histograms, histograms))
            for name, added in parts.items()
        )

    def add_all(self, counts: Counts, histograms: Histograms) -> None:
        """Add what was counted elsewhere, for which there is room."""
        for name, added in counts.items():
            totals = self.counts.setdefault(name, {})
            self.touched.update(zip(repeat(name), added))
            for labels, number in added.items():
                totals[labels] = totals.get(labels, 0) + number
        for name, observed in histograms.items():
            histogram = self.histograms.setdefault(name, {})
            self.touched.update(zip(repeat(name), observed))
            for labels, series in observed.items():
                if (own := histogram.get(labels)) is None:
                    histogram[labels] = series
                else:
                    own.add(series)

    def totals(self, family: Counter) -> dict[Labels, int]:
        """Return the totals, sorted by labels; preset label values are 0 until they are counted."""
        counted = self.counts.get(family.name, {})
        uncounted = (labels for labels in self._preset(family) if labels not in counted)
        room = max(0, self.series_max - _number_of(family, counted)) if _has_names(family) else None
        return dict(sorted((dict.fromkeys(islice(uncounted, room), 0) | counted).items()))

    def series(self, family: Histogram) -> dict[Labels, HistogramSeries]:
        """Return the series, sorted by labels."""
        return dict(sorted(self.histograms.get(family.name, {}).items()))

    def _has_room(self, family: Counter | Histogram, series: dict[Labels, Any], labels: Labels) -> bool:
        """Return whether the labels may have a new series of their own.

        Names of the configuration hold a place before they are counted. The label values of a family that no event
        feeds come from the code, so they need no bound.
        """
        if not family.feeds:
            return True
        number = _number_of(family, series)
        if number >= self.series_max:
            return False
        if isinstance(family, Histogram) or not _has_names(family):
            return True
        preset = self._preset(family)
        if labels in preset or number + len(preset) < self.series_max:
            return True
        return len(preset) < self.series_max and _number_of(family, preset | series) < self.series_max

    def _has_room_for_all(
        self, family: Counter | Histogram, series: Mapping[Labels, object], added: Mapping[Labels, object]
    ) -> bool:
        new = added.keys() - series.keys()
        if not new or not family.feeds:
            return True
        number = _number_of(family, series) + len(new)
        if number > self.series_max or isinstance(family, Histogram) or not _has_names(family):
            return number <= self.series_max
        preset = self._preset(family)
        return new <= preset.keys() or number + len(preset) <= self.series_max

    def _overflow(self, family: Counter | Histogram, labels: Labels, events: int) -> Labels:
        """Return the labels of the series that has what is beyond the bound."""
        self.add(LABEL_OVERFLOW, (family.name,), events)
        return (OTHER,) * len(labels)

    def _preset(self, family: Counter) -> dict[Labels, object]:
        """Return the preset labels; those with names of the configuration only as far as there is room for them."""
        if not _has_names(family):
            return _combinations(family.preset, family.labels)
        providers, profiles = (
            (tuple(self.startup.providers), tuple(self.startup.profiles)) if self.startup else ((), ())
        )
        names = {Providers(): providers, Profiles(): profiles}
        preset = tuple(names.get(values, values) for values in family.preset)
        return _combinations(preset, family.labels, self.series_max)


@lru_cache(32)
def _combinations(
    preset: tuple[tuple[str, ...], ...], labels: tuple[str, ...], most: int | None = None
) -> dict[Labels, object]:
    """Return at most so many combinations of the values of each label; the empty one if there are no labels."""
    return dict.fromkeys(islice(product(*preset), most), 0) if preset or not labels else {}


def _number_of(family: Counter | Histogram, series: Mapping[Labels, object]) -> int:
    """Return how many series count against the bound: all but the one that has what is beyond it."""
    return len(series) - ((OTHER,) * len(family.labels) in series)


def _has_names(family: Counter) -> bool:
    """Return whether label values are names of the configuration."""
    return any(isinstance(values, (Providers, Profiles)) for values in family.preset)


def _updated(
    before: dict[str, dict[Labels, T]], changes: dict[str, dict[Labels, T]]
) -> dict[str, dict[Labels, T]]:
    return {name: before.get(name, {}) | changes.get(name, {}) for name in before | changes}


_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()
