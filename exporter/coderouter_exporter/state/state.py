"""The committed document: every total, the newest configuration, and how far each file has been read.

It is committed as a whole, so counts and checkpoints can never disagree. A field keeps the name it was first stored
under, by `msgspec.field(name=...)` where the code has a better one: state files outlive versions.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import repeat
from typing import TypeVar

import msgspec

from coderouter_exporter.families.exporter import INTERNAL_ERRORS, LABEL_OVERFLOW, UNPROVEN
from coderouter_exporter.families.kinds import Counter, Histogram
from coderouter_exporter.families.table import FED_BY_NAME
from coderouter_exporter.state.cardinality import OTHER, SERIES_MAX, Cardinality, Labels
from coderouter_exporter.state.checkpoint import Checkpoint
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

T = TypeVar("T")
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
        is_own = labels in totals or self._cardinality.has_room(family, totals, labels)
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
        if labels not in histogram and not self._cardinality.has_room(family, histogram, labels):
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
        cardinality = self._cardinality
        return all(
            cardinality.has_room_for_all(FED_BY_NAME[name], known.get(name, {}), added)
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
        return dict(sorted(self._cardinality.with_preset(family, self.counts.get(family.name, {})).items()))

    def series(self, family: Histogram) -> dict[Labels, HistogramSeries]:
        """Return the series, sorted by labels."""
        return dict(sorted(self.histograms.get(family.name, {}).items()))

    @property
    def _cardinality(self) -> Cardinality:
        return Cardinality(self.series_max, self.startup)

    def _overflow(self, family: Counter | Histogram, labels: Labels, events: int) -> Labels:
        """Count the events as overflow, and return the labels of the series of `other`."""
        self.add(LABEL_OVERFLOW, (family.name,), events)
        return (OTHER,) * len(labels)


def _updated(
    before: dict[str, dict[Labels, T]], changes: dict[str, dict[Labels, T]]
) -> dict[str, dict[Labels, T]]:
    return {name: before.get(name, {}) | changes.get(name, {}) for name in before | changes}


_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()
