"""The contract of the event file: every event the proxy writes and the exporter counts, declared once.

A line is a UTF-8 JSON object of at most `LINE_BYTES_MAX` bytes: the fields of the envelope, then those of
the event, in the order in which they stand here. This module imports the standard library only, so that both
sides, and any other reader, can use it.
"""

from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Literal, TypedDict, get_type_hints

LINE_BYTES_MAX = 64 * 1024
ERROR_CHARS_MAX = 500
LOGGER = "coderouter"

Ingress = Literal["openai", "anthropic"]
Outcome = Literal["ok", "client_error", "exhausted", "blocked", "midstream", "client_gone"]
DegradedReason = Literal["provider-does-not-support", "translation-lossy", "non-standard-field"]
CooldownReason = Literal["failures", "retry_after", "memory_pressure"]
ModeSource = Literal["flag", "env", "config"]

# A closed set, grouped by whose fault it is: the network's, the provider's, or (cancelled) that of a client that left
# or of a proxy that stops.
ErrorType = Literal[
    "connect",
    "timeout_connect",
    "timeout_first_byte",
    "timeout_idle",
    "auth",
    "rate_limited",
    "overloaded",
    "upstream_5xx",
    "upstream_4xx",
    "not_found",
    "protocol",
    "empty",
    "cancelled",
]

RequestId = Annotated[str, "Id of the client's request; the answer carries it as a header."]
ProviderName = Annotated[str, "Name of the provider in providers.yaml."]
ProfileName = Annotated[str, "Name of the profile that the request was routed by."]
Hint = Annotated[str, "What the operator can do about it."]


class CatalogEntry(TypedDict):
    """One provider as configured, without anything secret."""

    name: str
    kind: str
    model: str
    paid: bool
    base_url: str
    monthly_budget_usd: float | None


@dataclass(slots=True, kw_only=True)
class Event:
    """What all events share; `msg` is the event's name on the line."""

    msg: ClassVar[str]
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "INFO"


@dataclass(slots=True, kw_only=True)
class Startup(Event):
    """A proxy process is ready to serve."""

    msg: ClassVar[str] = "coderouter-startup"
    version: Annotated[str, "Version of the proxy."]
    providers: Annotated[list[str], "Names of all providers, in the order of providers.yaml."]
    profiles: Annotated[list[str], "Names of all profiles."]
    default_profile: Annotated[str, "Profile of a request that names none."]
    allow_paid: Annotated[bool, "Whether paid providers may be asked."]
    mode_source: Annotated[ModeSource, "What decided `default_profile`."]
    display_timezone: Annotated[str | None, "IANA name of the zone in which people want to read times."]
    catalog: Annotated[list[CatalogEntry], "What each provider is; its `base_url` without credentials."]
    chains: Annotated[dict[str, list[str]], "The providers of each profile, in the order of trying."]


@dataclass(slots=True, kw_only=True)
class ConfigReloaded(Startup):
    """A proxy process goes on with a providers.yaml that was read anew."""

    msg: ClassVar[str] = "config-reloaded"


@dataclass(slots=True, kw_only=True)
class ConfigReloadFailed(Event):
    """A providers.yaml that was read anew has faults; the process goes on with the one it has."""

    msg: ClassVar[str] = "config-reload-failed"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "ERROR"
    faults: Annotated[list[str], "The first ten faults, each with its line."]


@dataclass(slots=True, kw_only=True)
class Shutdown(Event):
    """A proxy process ends in good order; the last line of its writer."""

    msg: ClassVar[str] = "coderouter-shutdown"
    reason: Annotated[str, "Why it ends, e.g. `SIGTERM`."]


@dataclass(slots=True, kw_only=True)
class Heartbeat(Event):
    """A proxy process is alive; written every 15 seconds."""

    msg: ClassVar[str] = "proxy-heartbeat"
    in_flight: Annotated[int, "Client requests being answered."]
    rss_bytes: Annotated[int, "Resident memory of the process."]
    events_dropped: Annotated[int, "Events lost since the start because the file could not be written."]


@dataclass(slots=True, kw_only=True)
class TryProvider(Event):
    """A provider is about to be asked; each ends in one `provider-ok` or `provider-failed`."""

    msg: ClassVar[str] = "try-provider"
    request_id: RequestId
    provider: ProviderName
    stream: Annotated[bool, "Whether a streamed answer is asked for."]


@dataclass(slots=True, kw_only=True)
class ProviderOk(Event):
    """A provider answered: the first content of a stream arrived, or the whole answer did."""

    msg: ClassVar[str] = "provider-ok"
    request_id: RequestId
    provider: ProviderName
    stream: Annotated[bool, "Whether the answer is streamed."]
    duration_s: Annotated[float, "From the start of the try to the first content, or to the whole answer."]


@dataclass(slots=True, kw_only=True)
class ProviderFailed(Event):
    """A provider did not answer; nothing of it reached the client."""

    msg: ClassVar[str] = "provider-failed"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName
    status: Annotated[int | None, "HTTP status of its answer; null when there was none."]
    retryable: Annotated[bool, "Whether the next provider of the chain is tried."]
    error_type: Annotated[ErrorType, "Whose fault it was, from a closed set."]
    error: Annotated[str, "What went wrong: at most 500 characters, without keys."]
    duration_s: Annotated[float, "From the start of the try to the failure."]


@dataclass(slots=True, kw_only=True)
class ProviderFailedMidstream(ProviderFailed):
    """A provider failed after its first content; the client's stream ends with an error frame."""

    msg: ClassVar[str] = "provider-failed-midstream"


@dataclass(slots=True, kw_only=True)
class SkipPaidProvider(Event):
    """A paid provider of the chain was passed over because `allow_paid` is false."""

    msg: ClassVar[str] = "skip-paid-provider"
    request_id: RequestId
    provider: ProviderName


@dataclass(slots=True, kw_only=True)
class SkipUnknownProvider(Event):
    """A chain names a provider that providers.yaml does not have."""

    msg: ClassVar[str] = "skip-unknown-provider"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName


@dataclass(slots=True, kw_only=True)
class SkipBudgetExceeded(Event):
    """A provider of the chain was passed over because its budget for this month is spent."""

    msg: ClassVar[str] = "skip-budget-exceeded"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName
    spent_usd: Annotated[float, "What it has cost this month (UTC)."]
    budget_usd: Annotated[float, "What it may cost in a month."]


@dataclass(slots=True, kw_only=True)
class ProviderCooldown(Event):
    """A provider kept failing; it is tried last for a while."""

    msg: ClassVar[str] = "provider-cooldown"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    provider: ProviderName
    reason: Annotated[CooldownReason, "What began it, from a closed set."]
    failures: Annotated[int, "Failures in a row."]
    seconds: Annotated[float, "How long."]


@dataclass(slots=True, kw_only=True)
class ProviderRecovered(Event):
    """A provider that was in cooldown answered."""

    msg: ClassVar[str] = "provider-recovered"
    provider: ProviderName
    cooldown_s: Annotated[float, "Since its cooldown began."]


@dataclass(slots=True, kw_only=True)
class ChainPaidGateBlocked(Event):
    """The paid gate left no provider to try."""

    msg: ClassVar[str] = "chain-paid-gate-blocked"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    profile: ProfileName
    blocked_providers: Annotated[list[str], "The paid providers that were passed over."]
    hint: Hint


@dataclass(slots=True, kw_only=True)
class ChainUniformAuthFailure(Event):
    """Every provider tried refused our credentials: a key is wrong, not a provider down."""

    msg: ClassVar[str] = "chain-uniform-auth-failure"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    profile: ProfileName
    status: Annotated[int, "The status they answered, 401 or 403."]
    count: Annotated[int, "How many providers answered it."]
    providers: Annotated[list[str], "Their names."]
    hint: Hint


@dataclass(slots=True, kw_only=True)
class CapabilityDegraded(Event):
    """Something the client asked for, or the provider sent, could not be carried over and was dropped."""

    msg: ClassVar[str] = "capability-degraded"
    request_id: RequestId
    provider: ProviderName
    dropped: Annotated[list[str], "What was dropped: thinking, cache_control, reasoning …"]
    reason: Annotated[DegradedReason, "Why, from a closed set."]


@dataclass(slots=True, kw_only=True)
class OutputFilterApplied(Event):
    """Output filters changed an answer; written once per answer."""

    msg: ClassVar[str] = "output-filter-applied"
    request_id: RequestId
    provider: ProviderName
    filters: Annotated[list[str], "The filters that changed something, in the order in which they ran."]
    streaming: Annotated[bool, "Whether the answer is streamed."]


@dataclass(slots=True, kw_only=True)
class ToolCallRepaired(Event):
    """Tool calls that the model wrote as text became real ones."""

    msg: ClassVar[str] = "tool-call-repaired"
    request_id: RequestId
    provider: ProviderName
    count: Annotated[int, "How many calls of the answer."]


@dataclass(slots=True, kw_only=True)
class AutoRouterResolved(Event):
    """The auto router chose a profile by a rule."""

    msg: ClassVar[str] = "auto-router-resolved"
    request_id: RequestId
    rule_id: Annotated[str, "The rule that matched first."]
    resolved_profile: ProfileName
    signals: Annotated[dict[str, object], "What the rules looked at: counts and flags, never content."]


@dataclass(slots=True, kw_only=True)
class AutoRouterFallthrough(Event):
    """No rule of the auto router matched; its default profile was taken."""

    msg: ClassVar[str] = "auto-router-fallthrough"
    request_id: RequestId
    resolved_profile: ProfileName
    signals: Annotated[dict[str, object], "What the rules looked at: counts and flags, never content."]


@dataclass(slots=True, kw_only=True)
class RequestFinished(Event):
    """A client's request is over; written exactly once for each."""

    msg: ClassVar[str] = "request-finished"
    request_id: RequestId
    ingress: Annotated[Ingress, "The client's wire."]
    profile: Annotated[str | None, "Profile the request was routed by; null when it was refused before."]
    stream: Annotated[bool, "Whether the client asked for a stream."]
    outcome: Annotated[Outcome, "How it ended for the client, from a closed set."]
    status: Annotated[int, "HTTP status of the answer; 499 when the client left before there was one."]
    provider: Annotated[str | None, "The provider that answered, or null."]
    model: Annotated[str | None, "That provider's model as configured, or null."]
    attempts: Annotated[int, "Providers tried."]
    duration_s: Annotated[float, "From the whole request read to the last byte handed over."]
    ttft_s: Annotated[float | None, "To the first content of a stream; null without one."]
    overhead_s: Annotated[float, "The part of `duration_s` not spent waiting for a provider or the client."]
    input_tokens: Annotated[int | None, "Prompt tokens, cached ones left out; null when not told."]
    output_tokens: Annotated[int | None, "Completion tokens."]
    cache_read_tokens: Annotated[int | None, "Prompt tokens read from the provider's cache."]
    cache_creation_tokens: Annotated[int | None, "Prompt tokens written to the provider's cache."]
    cost_usd: Annotated[float | None, "What the answer cost; null when no price is known."]
    stop_reason: Annotated[str | None, "Why the model stopped, in the provider's words."]
    error_type: Annotated[ErrorType | None, "Why a `midstream` answer broke off, from a closed set."]


EVENTS: tuple[type[Event], ...] = (
    Startup,
    ConfigReloaded,
    ConfigReloadFailed,
    Shutdown,
    Heartbeat,
    TryProvider,
    ProviderOk,
    ProviderFailed,
    ProviderFailedMidstream,
    SkipPaidProvider,
    SkipUnknownProvider,
    SkipBudgetExceeded,
    ProviderCooldown,
    ProviderRecovered,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    CapabilityDegraded,
    OutputFilterApplied,
    ToolCallRepaired,
    AutoRouterResolved,
    AutoRouterFallthrough,
    RequestFinished,
)

ENVELOPE: dict[str, str] = {
    "ts": "When it was written: RFC 3339 in UTC with milliseconds and `Z`.",
    "level": "INFO, WARNING or ERROR.",
    "logger": f"Always `{LOGGER}`.",
    "msg": "The event's name.",
    "writer": "Random id of the writing process, new at every start.",
    "seq": "1, 2, 3 … within one writer; a number that never shows up is an event that was lost.",
}


def described(event: type[Event]) -> dict[str, str]:
    """Return the event's own fields in the order of the line, each with what it means."""
    hints = get_type_hints(event, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in fields(event)}
