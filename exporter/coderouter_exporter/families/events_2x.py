"""The events of CodeRouter 2.x that the exporter counts, each with the fields that it reads.

They are not part of the contract: our proxy never writes them. They are here so that a file which CodeRouter 2.x wrote,
or began, counts in full. Names and fields are those of 2.19; whatever else a line has is ignored.
"""

from dataclasses import dataclass
from typing import ClassVar

from coderouter_events.events import Event


@dataclass(slots=True, kw_only=True)
class CacheObserved(Event):
    """A provider answered a Messages or Responses request: its tokens, what they cost, and whether its cache helped.

    A price that is not configured makes a cost of 0, and usage that was not reported makes tokens of 0.
    """

    msg: ClassVar[str] = "cache-observed"
    provider: str
    outcome: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    cost_usd: float
    cost_savings_usd: float
    language_tax_usd: float


@dataclass(slots=True, kw_only=True)
class FallbackOccurred(Event):
    """A provider of the chain did not answer, or was skipped before it was tried (`pre_attempt`).

    The lines of one request follow each other, numbered by `hop_index` from 0; those of skipped providers come first.
    """

    msg: ClassVar[str] = "fallback-occurred"
    from_provider: str
    to_provider: str | None
    reason: str
    profile: str
    pre_attempt: bool
    hop_index: int


@dataclass(slots=True, kw_only=True)
class ChainBudgetExceeded(Event):
    """Budgets left no provider to try."""

    msg: ClassVar[str] = "chain-budget-exceeded"


@dataclass(slots=True, kw_only=True)
class SkipMemoryPressure(Event):
    """A provider of the chain was skipped because it had recently run out of memory."""

    msg: ClassVar[str] = "skip-memory-pressure"
    provider: str


@dataclass(slots=True, kw_only=True)
class ChainMemoryPressureBlocked(Event):
    """Every provider of the chain had recently run out of memory."""

    msg: ClassVar[str] = "chain-memory-pressure-blocked"


@dataclass(slots=True, kw_only=True)
class BackendHealthChanged(Event):
    """A provider became healthy, degraded or unhealthy; what follows from it depends on the profile."""

    msg: ClassVar[str] = "backend-health-changed"
    provider: str
    new_state: str


@dataclass(slots=True, kw_only=True)
class DemoteUnhealthyProvider(Event):
    """A request found an unhealthy provider in its chain and moved it to the end."""

    msg: ClassVar[str] = "demote-unhealthy-provider"
    provider: str


@dataclass(slots=True, kw_only=True)
class StreamTruncationDetected(Event):
    """A provider's stream ended without its last event."""

    msg: ClassVar[str] = "stream-truncation-detected"
    provider: str
    action: str


@dataclass(slots=True, kw_only=True)
class PartialStitchSurfaced(Event):
    """A stream that failed after content had been sent was ended as if it were complete."""

    msg: ClassVar[str] = "partial-stitch-surfaced"


@dataclass(slots=True, kw_only=True)
class EmptyResponseDetected(Event):
    """A provider's answer had neither text nor tool calls."""

    msg: ClassVar[str] = "empty-response-detected"
    provider: str


@dataclass(slots=True, kw_only=True)
class ContextBudgetWarning(Event):
    """A request was estimated to nearly fill, or to exceed, the context of the first provider."""

    msg: ClassVar[str] = "context-budget-warning"
    profile: str
    usage_ratio: float


@dataclass(slots=True, kw_only=True)
class ContextBudgetTrimmed(Event):
    """Old messages of a request were left out to fit the context."""

    msg: ClassVar[str] = "context-budget-trimmed"
    profile: str
    estimated_tokens_before: int
    estimated_tokens_after: int


@dataclass(slots=True, kw_only=True)
class TokensSaved(Event):
    """A plugin made a request shorter."""

    msg: ClassVar[str] = "tokens-saved"
    mechanism: str
    tokens_saved: int


@dataclass(slots=True, kw_only=True)
class ToolLoopDetected(Event):
    """A request ended with the same tool call again and again."""

    msg: ClassVar[str] = "tool-loop-detected"
    profile: str
    action: str


@dataclass(slots=True, kw_only=True)
class DriftDetected(Event):
    """The newest answers of a provider differed from those before them."""

    msg: ClassVar[str] = "drift-detected"
    provider: str


@dataclass(slots=True, kw_only=True)
class DriftPromoted(Event):
    """A provider moved back in its chain because of drift."""

    msg: ClassVar[str] = "drift-promoted"


@dataclass(slots=True, kw_only=True)
class DriftReloadAttempted(Event):
    """A provider was made to unload its model because of drift."""

    msg: ClassVar[str] = "drift-reload-attempted"
    success: bool


@dataclass(slots=True, kw_only=True)
class ProbeCompleted(Event):
    """A provider got a one-token request to check whether it is up."""

    msg: ClassVar[str] = "probe-completed"
    provider: str
    success: bool
    latency_ms: float


@dataclass(slots=True, kw_only=True)
class ProbeRoundCompleted(Event):
    """All providers have been probed once more."""

    msg: ClassVar[str] = "probe-round-completed"


@dataclass(slots=True, kw_only=True)
class ProbeCapabilitiesDrift(Event):
    """A probe was answered by a model other than the configured one."""

    msg: ClassVar[str] = "probe-capabilities-drift"
    provider: str


EVENTS_2X: tuple[type[Event], ...] = (
    CacheObserved,
    FallbackOccurred,
    ChainBudgetExceeded,
    SkipMemoryPressure,
    ChainMemoryPressureBlocked,
    BackendHealthChanged,
    DemoteUnhealthyProvider,
    StreamTruncationDetected,
    PartialStitchSurfaced,
    EmptyResponseDetected,
    ContextBudgetWarning,
    ContextBudgetTrimmed,
    TokensSaved,
    ToolLoopDetected,
    DriftDetected,
    DriftPromoted,
    DriftReloadAttempted,
    ProbeCompleted,
    ProbeRoundCompleted,
    ProbeCapabilitiesDrift,
)
