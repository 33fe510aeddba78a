"""What the proxies reported last: shown beside the totals."""

from typing import NamedTuple

import msgspec

from coderouter_exporter.state.order import Line


class CatalogEntry(msgspec.Struct):
    name: str
    kind: str | None = None
    paid: bool | None = None
    base_url: str | None = None
    monthly_budget_usd: float | None = None
    model: str | None = None


class StartupInfo(msgspec.Struct, kw_only=True):
    ts: float
    """When the process started."""
    line: Line | None = None
    """Which line reported this configuration: that of its start, or of a later reload."""
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
    line: Line | None = None
    suspect: bool = False
    """Its time was impossible when it was read."""


class LastFallback(NamedTuple):
    """The newest failure after which the next provider of a chain is tried."""

    ts: float
    provider: str
    error_type: str | None
    error: str
    line: Line | None = None
    suspect: bool = False


class AttemptEnd(NamedTuple):
    """How the newest attempt of a provider ended."""

    failed: bool
    line: Line | None = None


class RecentAttempt(NamedTuple):
    ts: float
    event: str
    provider: str
    stream: bool | None
    status: int | None
    retryable: bool | None
    line: Line | None = None
    suspect: bool = False


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
    line: Line | None = None
    queues: tuple[Queue, ...] = ()


class Cooldown(NamedTuple):
    """The newest cooldown of a provider; it ends at `until`, or earlier when the provider answers."""

    ts: float
    until: float
    line: Line | None = None


class BudgetSkip(NamedTuple):
    """The newest time a provider was skipped because its budget of that month (UTC) was spent."""

    ts: float
    spent_usd: float
    budget_usd: float
    line: Line | None = None


class Learnt(NamedTuple):
    """What one proxy process remembers that a provider needs; `trait` is a field of `traits` in providers.yaml."""

    ts: float
    writer: str
    provider: str
    trait: str
    value: str
    reason: str
    line: Line | None = None

    @property
    def what(self) -> tuple[str, str, str, str, str]:
        """Return which process learnt what, without the time."""
        return self.writer, self.provider, self.trait, self.value, self.reason
