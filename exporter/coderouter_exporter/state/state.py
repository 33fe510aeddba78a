"""The counted document: every total, what the newest startup said, and how far each file has been read.

It is committed as a whole, so counts and positions can never disagree.
"""

from collections.abc import Mapping
from itertools import accumulate, product
from typing import NamedTuple

import msgspec

from coderouter_exporter.families.exporter import LABEL_OVERFLOW, UNMATCHED, UNPROVEN
from coderouter_exporter.families.kinds import Counter, Histogram, Profiles, Providers
from coderouter_exporter.state.minutes import Minutes
from coderouter_exporter.state.recent_events import Entry
from coderouter_exporter.state.sequences import Writers

RECENT_MAX = 256
SERIES_MAX = 1000
OTHER = "other"
"""Stands for all label values of a family that has its `series_max` combinations of them."""

Labels = tuple[str, ...]


class Checkpoint(msgspec.Struct, kw_only=True):
    """How far one file has been read. Its content says which file it is, whatever it is called by now."""

    path: str
    """The event file as configured; this file is it, or was."""
    inode: int
    """A hint only: a file system gives the number of a removed file to the next one."""
    place: str = ""
    """Where the file was seen last."""
    offset: int = 0
    head_bytes: int = 0
    head_digest: bytes = b""
    marker_bytes: int = 0
    marker_digest: bytes = b""
    """Of the last bytes before the offset; together with the head it tells that the offset is in this file."""
    skipping: bool = False
    """The offset is inside a line that is too long: the rest of it is still to be passed over."""
    packed: bool = False
    """The file is a compressed one; the offset counts what it unpacks to."""
    size: int = 0
    """Of the file on disk when it was finished."""
    finished: bool = False
    """It had been rotated away and read to its end when it was seen last; or it can never be read."""


class CatalogEntry(msgspec.Struct):
    name: str
    kind: str | None = None
    paid: bool | None = None
    base_url: str | None = None
    monthly_budget_usd: float | None = None


class StartupInfo(msgspec.Struct, kw_only=True):
    ts: float
    configured_ts: float = 0.0
    """When it told its configuration, which it may have read anew since it started."""
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
    """The process that wrote it has shut down."""


class LastError(NamedTuple):
    ts: float
    status: int | None
    retryable: bool | None
    error: str
    error_type: str | None = None


class LastFallback(NamedTuple):
    """The newest failure after which the next provider of a chain was to be tried."""

    ts: float
    provider: str
    error_type: str | None
    error: str


class Recent(NamedTuple):
    ts: float
    event: str
    provider: str
    stream: bool | None
    status: int | None
    retryable: bool | None


class Exemplar(NamedTuple):
    """The newest request that fell into a bucket; `number` is what was observed, as the sum counts it."""

    request_id: str
    number: int
    ts: float


class Observed(msgspec.Struct):
    """One series of a histogram."""

    counts: list[int]
    """Observations by bucket, each in one only; the last is of those above every bound."""
    total: int = 0
    """Their sum, in units of 1/`scale`."""
    exemplars: dict[int, Exemplar] = {}
    """By the number of the bucket."""

    def cumulative(self) -> list[int]:
        return list(accumulate(self.counts))


class ProxyHeartbeat(NamedTuple):
    """The newest word of a proxy process about itself."""

    ts: float
    in_flight: int
    ended: bool = False


class Cooldown(NamedTuple):
    """The newest word about a provider that kept failing; it is over when it has answered, or at `until`."""

    ts: float
    until: float


class State(msgspec.Struct, kw_only=True):
    created_ts: float
    """Since when the totals count; it changes only when they begin at 0 again."""
    series_max: int = SERIES_MAX
    """Combinations of label values that a family may have; those beyond count together."""
    counts: dict[str, dict[Labels, int]] = {}
    observed: dict[str, dict[Labels, Observed]] = {}
    startup: StartupInfo | None = None
    last_event_ts: float = 0.0
    last_errors: dict[str, LastError] = {}
    recent: list[Recent] = []
    journal: list[Entry] = []
    moved_on: LastFallback | None = None
    answered: dict[str, float] = {}
    """When each provider answered last."""
    minutes: Minutes = msgspec.field(default_factory=Minutes)
    pulses: dict[str, ProxyHeartbeat] = {}
    """By writer."""
    cooling: dict[str, Cooldown] = {}
    """By provider."""
    month: str = ""
    """The newest one with a cost, such as `2026-11` (UTC)."""
    month_costs: dict[str, int] = {}
    """What each provider has cost in that month, in millionths of a dollar."""
    positions: list[Checkpoint] = []
    writers: Writers = msgspec.field(default_factory=Writers)
    committed_ts: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether every event written is known to be counted once."""
        doubts = (UNMATCHED, UNPROVEN)
        return not self.writers.missing() and not any(self.counts.get(doubt.name) for doubt in doubts)

    def add(self, family: Counter, labels: Labels, number: int) -> None:
        totals = self.counts.setdefault(family.name, {})
        if labels not in totals:
            labels = self._capped(family, totals, labels, number)
        totals[labels] = totals.get(labels, 0) + number

    def observe(self, family: Histogram, labels: Labels, counts: Mapping[int, int], total: int) -> Observed:
        """Add observations, counted by the number of their bucket; return the series they went to."""
        series = self.observed.setdefault(family.name, {})
        if labels not in series:
            labels = self._capped(family, series, labels, sum(counts.values()))
        observed = series.setdefault(labels, Observed([0] * (len(family.buckets) + 1)))
        for bucket, number in counts.items():
            observed.counts[bucket] += number
        observed.total += total
        return observed

    def totals(self, family: Counter) -> dict[Labels, int]:
        """Return the totals, sorted by labels; label values known beforehand stand at 0 until they are counted."""
        known = [self._known(values) for values in family.known]
        zeros = dict.fromkeys(product(*known), 0) if known or not family.labels else {}
        return dict(sorted((zeros | self.counts.get(family.name, {})).items()))

    def _capped(
        self, family: Counter | Histogram, series: Mapping[Labels, object], labels: Labels, number: int
    ) -> Labels:
        """Return the labels for a new series: those of all others when the family has as many as it may."""
        if len(series) < self.series_max:
            return labels
        self.add(LABEL_OVERFLOW, (family.name,), number)
        return (OTHER,) * len(labels)

    def _known(self, values: tuple[str, ...] | Providers | Profiles) -> tuple[str, ...] | list[str]:
        match values:
            case Providers():
                return self.startup.providers if self.startup else []
            case Profiles():
                return self.startup.profiles if self.startup else []
            case _:
                return values


_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()


def encode(state: State) -> bytes:
    return _encoder.encode(state)


def decode(document: bytes) -> State:
    """Return the state.

    Raises:
        msgspec.DecodeError: the document is not one.
    """
    return _decoder.decode(document)
