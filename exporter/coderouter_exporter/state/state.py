"""The committed document: every total, the newest configuration, and how far each file has been read.

It is committed as a whole, so counts and checkpoints can never disagree. A field keeps the name it was first stored
under, by `msgspec.field(name=...)` where the code has a better one: state files outlive versions.
"""

import secrets
from collections.abc import Mapping
from itertools import accumulate, product
from typing import NamedTuple

import msgspec

from coderouter_exporter.families.exporter import LABEL_OVERFLOW, UNPROVEN
from coderouter_exporter.families.kinds import Counter, Histogram, Profiles, Providers
from coderouter_exporter.state.minutes import Minutes
from coderouter_exporter.state.recent_events import RecentEvent
from coderouter_exporter.state.sequences import Writers

RECENT_ATTEMPTS_MAX = 256
LEARNT_MAX = 256
SERIES_MAX = 1000
OTHER = "other"
"""Every label of the series that takes the counts of a family beyond its `series_max` label combinations."""

Labels = tuple[str, ...]


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


class CatalogEntry(msgspec.Struct):
    name: str
    kind: str | None = None
    paid: bool | None = None
    base_url: str | None = None
    monthly_budget_usd: float | None = None


class StartupInfo(msgspec.Struct, kw_only=True):
    ts: float
    configured_ts: float = 0.0
    """When it reported this configuration: at its start, or at a later reload."""
    writer: str | None = None
    version: str | None = None
    providers: list[str] = []
    profiles: list[str] = []
    default_profile: str | None = None
    allow_paid: bool | None = None
    mode_source: str | None = None
    display_timezone: str | None = None
    catalog: list[CatalogEntry] = []
    chains: dict[str, list[str]] = {}
    ended: bool = False
    """The process has shut down."""


class LastError(NamedTuple):
    ts: float
    status: int | None
    retryable: bool | None
    error: str
    error_type: str | None = None


class LastFallback(NamedTuple):
    """The newest failure after which the next provider of a chain is tried."""

    ts: float
    provider: str
    error_type: str | None
    error: str


class RecentAttempt(NamedTuple):
    ts: float
    event: str
    provider: str
    stream: bool | None
    status: int | None
    retryable: bool | None


class Exemplar(NamedTuple):
    """The newest request that fell into a bucket; `number` is the observation in units of 1/`scale`."""

    request_id: str
    number: int
    ts: float


class HistogramSeries(msgspec.Struct):
    counts: list[int]
    """Observations by bucket, not cumulative; the last bucket is above every bound."""
    total: int = 0
    """The sum of the observations in units of 1/`scale`."""
    exemplars: dict[int, Exemplar] = {}
    """By the index of the bucket."""

    def cumulative(self) -> list[int]:
        return list(accumulate(self.counts))


class Queue(NamedTuple):
    """Requests of a proxy process at a provider with a limit, and those in line for a place there."""

    provider: str
    in_flight: int
    waiting: int


class ProxyHeartbeat(NamedTuple):
    """The newest state that a proxy process reported of itself."""

    ts: float
    in_flight: int
    ended: bool = False
    queues: tuple[Queue, ...] = ()


class Cooldown(NamedTuple):
    """The newest cooldown of a provider; it ends at `until`, or earlier when the provider answers."""

    ts: float
    until: float


class Learnt(NamedTuple):
    """What one proxy process remembers that a provider needs; `trait` is a field of `traits` in providers.yaml."""

    ts: float
    writer: str
    provider: str
    trait: str
    value: str
    reason: str


class State(msgspec.Struct, kw_only=True):
    created_ts: float
    """Since when the totals count; it changes only when they restart at 0."""
    series_max: int = SERIES_MAX
    """Label combinations that a family may have; beyond that, new ones are counted under `other`."""
    counts: dict[str, dict[Labels, int]] = {}
    histograms: dict[str, dict[Labels, HistogramSeries]] = msgspec.field(
        default_factory=dict, name="observed"
    )
    startup: StartupInfo | None = None
    last_event_ts: float = 0.0
    last_errors: dict[str, LastError] = {}
    recent_attempts: list[RecentAttempt] = msgspec.field(default_factory=list, name="recent")
    recent_events: list[RecentEvent] = msgspec.field(default_factory=list, name="journal")
    last_fallback: LastFallback | None = msgspec.field(default=None, name="moved_on")
    last_success_ts: dict[str, float] = msgspec.field(default_factory=dict, name="answered")
    """By provider."""
    minutes: Minutes = msgspec.field(default_factory=Minutes)
    heartbeats: dict[str, ProxyHeartbeat] = msgspec.field(default_factory=dict, name="pulses")
    """By writer."""
    cooldowns: dict[str, Cooldown] = msgspec.field(default_factory=dict, name="cooling")
    """By provider."""
    learnt: list[Learnt] = []
    """By the time of the event, the newest last; without what a process forgot when it reloaded or stopped."""
    month: str = ""
    """The newest month with a cost, such as `2026-11` (UTC)."""
    month_costs: dict[str, int] = {}
    """The cost of each provider in that month, in micro-dollars."""
    checkpoints: list[Checkpoint] = msgspec.field(default_factory=list, name="positions")
    writers: Writers = msgspec.field(default_factory=Writers)
    committed_ts: float = 0.0

    def encode(self) -> bytes:
        return _encoder.encode(self)

    @classmethod
    def decode(cls, document: bytes) -> "State":
        """Return the state that was encoded.

        Raises:
            msgspec.DecodeError: the document is not a state.
        """
        return _decoder.decode(document)

    @property
    def exact(self) -> bool:
        """Whether every event written is known to be counted once."""
        return not any(self.doubts.values())

    @property
    def doubts(self) -> dict[Labels, int]:
        """Return why the totals may not be exact, by reason: how many events, lines, writers or files."""
        return {
            ("events_missing",): self.events_missing,
            ("file_disappeared",): self.writers.in_doubt(),
            ("unproven_lines",): sum(self.counts.get(UNPROVEN.name, {}).values()),
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

    def add(self, family: Counter, labels: Labels, number: int) -> None:
        totals = self.counts.setdefault(family.name, {})
        if labels not in totals:
            labels = self._capped(family, totals, labels, number)
        totals[labels] = totals.get(labels, 0) + number

    def observe(
        self, family: Histogram, labels: Labels, counts: Mapping[int, int], total: int
    ) -> HistogramSeries:
        """Add observations, given as counts by bucket and their sum; return the series they were added to."""
        histogram = self.histograms.setdefault(family.name, {})
        if labels not in histogram:
            labels = self._capped(family, histogram, labels, sum(counts.values()))
        series = histogram.setdefault(labels, HistogramSeries([0] * (len(family.buckets) + 1)))
        for bucket, number in counts.items():
            series.counts[bucket] += number
        series.total += total
        return series

    def totals(self, family: Counter) -> dict[Labels, int]:
        """Return the totals, sorted by labels; preset label values are 0 until they are counted."""
        preset = [self._preset(values) for values in family.preset]
        zeros = dict.fromkeys(product(*preset), 0) if preset or not family.labels else {}
        return dict(sorted((zeros | self.counts.get(family.name, {})).items()))

    def _capped(
        self, family: Counter | Histogram, series: Mapping[Labels, object], labels: Labels, number: int
    ) -> Labels:
        """Return the labels of a new series: `other` when the family already has as many series as it may."""
        if len(series) < self.series_max:
            return labels
        self.add(LABEL_OVERFLOW, (family.name,), number)
        return (OTHER,) * len(labels)

    def _preset(self, values: tuple[str, ...] | Providers | Profiles) -> tuple[str, ...] | list[str]:
        match values:
            case Providers():
                return self.startup.providers if self.startup else []
            case Profiles():
                return self.startup.profiles if self.startup else []
            case _:
                return values


_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()
