"""The contract of the event file: every event the proxy writes and the exporter counts, declared once.

A line is a UTF-8 JSON object of at most `LINE_BYTES_MAX` bytes: the fields of the envelope, then those of the event,
in the order of their declaration. This module imports only the standard library, so that both programs and any other
reader can use it.
"""

from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar, Literal, TypedDict, get_type_hints

from coderouter_events.closed_sets import (
    AdaptationReason,
    Agent,
    CooldownReason,
    DegradedReason,
    ErrorType,
    Ingress,
    LostReason,
    ModeSource,
    Outcome,
    QueueResult,
    RequestClass,
    StateKind,
    ToolLoopAction,
    TraitName,
)

LINE_BYTES_MAX = 64 * 1024
ERROR_CHARS_MAX = 500
LOGGER = "coderouter"

RequestId = Annotated[str, "Id of the client's request, also sent to the client as a response header."]
ProviderName = Annotated[str, "Name of the provider in providers.yaml."]
ProfileName = Annotated[str, "Name of the profile that the request was routed to."]
Hint = Annotated[str, "What the operator can do about it."]


class CatalogEntry(TypedDict):
    """One provider as configured, without secrets."""

    name: str
    kind: str
    model: str
    paid: bool
    base_url: str
    monthly_budget_usd: float | None


@dataclass(kw_only=True)
class Event:
    """Base of all events; `msg` is the event's name on the line.

    None has slots: orjson encodes an object without them in less than half the time.
    """

    msg: ClassVar[str]
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "INFO"


@dataclass(kw_only=True)
class Startup(Event):
    """A proxy process is ready to serve."""

    msg: ClassVar[str] = "coderouter-startup"
    version: Annotated[str, "Version of the proxy."]
    providers: Annotated[list[str], "Names of all providers, in the order of providers.yaml."]
    profiles: Annotated[list[str], "Names of all profiles."]
    default_profile: Annotated[str, "Profile for requests that do not name one."]
    allow_paid: Annotated[bool, "Whether paid providers may be used."]
    mode_source: Annotated[ModeSource, "Where `default_profile` was set."]
    display_timezone: Annotated[str | None, "IANA time zone for displayed times."]
    catalog: Annotated[list[CatalogEntry], "Each provider as configured; `base_url` without credentials."]
    chains: Annotated[dict[str, list[str]], "The providers of each profile, in the order they are tried."]
    ended_writers: Annotated[
        dict[str, int],
        "At a start: the writers that ended before it, each with the number of events it had numbered; a reader that "
        "has seen fewer has missed some.",
    ] = field(default_factory=dict)


@dataclass(kw_only=True)
class ConfigReloaded(Startup):
    """The proxy reloaded providers.yaml."""

    msg: ClassVar[str] = "config-reloaded"


@dataclass(kw_only=True)
class ConfigReloadFailed(Event):
    """The reload of providers.yaml failed; the proxy keeps its previous configuration."""

    msg: ClassVar[str] = "config-reload-failed"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "ERROR"
    faults: Annotated[list[str], "The first ten errors, each with its line."]


@dataclass(kw_only=True)
class Shutdown(Event):
    """The proxy shut down cleanly; always the writer's last line."""

    msg: ClassVar[str] = "coderouter-shutdown"
    reason: Annotated[str, "Why it stopped, e.g. `SIGTERM`."]


@dataclass(kw_only=True)
class WorkerLost(Event):
    """A worker was killed or crashed; the last line of its writer. Its `seq` skips one number per request in flight."""

    msg: ClassVar[str] = "worker-lost"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "ERROR"
    pid: Annotated[int, "Its process id."]
    reason: Annotated[
        LostReason, "`hung`: its supervisor killed it as unresponsive; `exited`: it ended by itself."
    ]
    in_flight: Annotated[int, "Client requests that were in progress, and have no `request-finished`."]


@dataclass(kw_only=True)
class Heartbeat(Event):
    """The proxy process is alive; written every 15 seconds."""

    msg: ClassVar[str] = "proxy-heartbeat"
    in_flight: Annotated[int, "Client requests in progress."]
    provider_in_flight: Annotated[
        dict[str, int], "Requests in progress at each provider with `max_in_flight`, from this process."
    ] = field(default_factory=dict)
    provider_waiting: Annotated[
        dict[str, int], "Requests of this process that wait for a place at each of these."
    ] = field(default_factory=dict)
    rss_bytes: Annotated[int, "Resident memory of the process; its peak where /proc does not exist (macOS)."]
    events_dropped: Annotated[int, "Events lost since startup because the file could not be written."]
    refused_connections: Annotated[
        int, "Connections refused since the previous heartbeat because too many were open."
    ] = 0
    refused_requests: Annotated[
        int, "Requests refused since then before anything else: not valid HTTP, or their head too large."
    ] = 0
    refused_bodies: Annotated[int, "Requests refused since then for lack of memory for their bodies."] = 0
    closed_slow: Annotated[
        int, "Connections closed since then whose clients sent a request or read an answer too slowly."
    ] = 0


@dataclass(kw_only=True)
class TryProvider(Event):
    """A provider is about to be tried; each attempt ends in one `provider-ok` or `provider-failed`."""

    msg: ClassVar[str] = "try-provider"
    request_id: RequestId
    provider: ProviderName
    stream: Annotated[bool, "Whether a streamed answer is requested."]


@dataclass(kw_only=True)
class ProviderOk(Event):
    """A provider answered: the first content of a stream arrived, or the complete answer did."""

    msg: ClassVar[str] = "provider-ok"
    request_id: RequestId
    provider: ProviderName
    stream: Annotated[bool, "Whether the answer is streamed."]
    duration_s: Annotated[
        float, "Seconds from the start of the attempt to the first content, or to the complete answer."
    ]


@dataclass(kw_only=True)
class ProviderFailed(Event):
    """A provider failed before any of its answer reached the client."""

    msg: ClassVar[str] = "provider-failed"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName
    status: Annotated[int | None, "HTTP status of its response; null if there was none."]
    retryable: Annotated[bool, "Whether the next provider of the chain is tried."]
    error_type: Annotated[ErrorType, "Cause of the failure, from a closed set."]
    error: Annotated[str, "Error message: at most 500 characters, without keys."]
    duration_s: Annotated[float, "Seconds from the start of the attempt to the failure."]
    key_index: Annotated[int | None, "Which of its API keys was sent, from 0; null without one."] = None


@dataclass(kw_only=True)
class ProviderFailedMidstream(ProviderFailed):
    """A provider failed after its first content; the client's stream ends with an error frame."""

    msg: ClassVar[str] = "provider-failed-midstream"


@dataclass(kw_only=True)
class SkipPaidProvider(Event):
    """A paid provider of the chain was skipped because `allow_paid` is false."""

    msg: ClassVar[str] = "skip-paid-provider"
    request_id: RequestId
    provider: ProviderName


@dataclass(kw_only=True)
class SkipUnknownProvider(Event):
    """A provider of the chain was skipped because it is not in providers.yaml."""

    msg: ClassVar[str] = "skip-unknown-provider"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName


@dataclass(kw_only=True)
class SkipBudgetExceeded(Event):
    """A provider of the chain was skipped because its budget for this month is spent."""

    msg: ClassVar[str] = "skip-budget-exceeded"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: ProviderName
    spent_usd: Annotated[float, "US dollars spent on it this month (UTC)."]
    budget_usd: Annotated[float, "Its monthly budget in US dollars."]


@dataclass(kw_only=True)
class SkipShortContext(Event):
    """A provider of the chain was skipped because the request is longer than its context."""

    msg: ClassVar[str] = "skip-short-context"
    request_id: RequestId
    provider: ProviderName
    needed_tokens: Annotated[int, "Tokens of the request, estimated as this provider counts them."]
    window_tokens: Annotated[int, "Tokens of its context."]


@dataclass(kw_only=True)
class ProviderQueued(Event):
    """A request had to wait for a provider that had as many requests as its `max_in_flight` allows."""

    msg: ClassVar[str] = "provider-queued"
    request_id: RequestId
    provider: ProviderName
    waited_s: Annotated[float, "Seconds it waited."]
    result: Annotated[
        QueueResult,
        "`place`: it got one; `timeout`: it did not within `queue_s`, and the provider was skipped; `left`: its client "
        "disconnected, or the proxy stopped.",
    ]


@dataclass(kw_only=True)
class ProviderCooldown(Event):
    """A provider kept failing; it moves to the end of the chain for a while."""

    msg: ClassVar[str] = "provider-cooldown"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    provider: ProviderName
    reason: Annotated[CooldownReason, "What started the cooldown, from a closed set."]
    failures: Annotated[int, "Consecutive failures."]
    seconds: Annotated[float, "Duration of the cooldown."]


@dataclass(kw_only=True)
class ProviderRecovered(Event):
    """A provider in cooldown answered again."""

    msg: ClassVar[str] = "provider-recovered"
    provider: ProviderName
    cooldown_s: Annotated[float, "Seconds since its cooldown started."]


@dataclass(kw_only=True)
class ChainPaidGateBlocked(Event):
    """The paid gate left no provider to try."""

    msg: ClassVar[str] = "chain-paid-gate-blocked"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    profile: ProfileName
    blocked_providers: Annotated[list[str], "The paid providers that were skipped."]
    hint: Hint


@dataclass(kw_only=True)
class ChainUniformAuthFailure(Event):
    """Every provider tried rejected our credentials: a key is wrong, the providers are up."""

    msg: ClassVar[str] = "chain-uniform-auth-failure"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    profile: ProfileName
    status: Annotated[int, "The status they returned, 401 or 403."]
    count: Annotated[int, "Number of providers that returned it."]
    providers: Annotated[list[str], "Their names."]
    hint: Hint


@dataclass(kw_only=True)
class CapabilityDegraded(Event):
    """A feature of the request or the answer was dropped because the other side does not support it."""

    msg: ClassVar[str] = "capability-degraded"
    request_id: RequestId
    provider: ProviderName
    dropped: Annotated[list[str], "What was dropped: thinking, cache_control, reasoning …"]
    reason: Annotated[DegradedReason, "Why, from a closed set."]


@dataclass(kw_only=True)
class ProviderAdapted(Event):
    """A provider refused a request and answered it in another form; later requests may start with that form."""

    msg: ClassVar[str] = "provider-adapted"
    request_id: RequestId
    provider: ProviderName
    trait: Annotated[TraitName, "What it needs, from a closed set: a field of `traits` in providers.yaml."]
    value: Annotated[str, "The value that helped; names are separated by commas."]
    reason: Annotated[AdaptationReason, "How the refusal was recognised, from a closed set."]
    remembered: Annotated[
        bool, "Whether later requests of this process start with it, until it reloads or stops."
    ]


@dataclass(kw_only=True)
class OutputFilterApplied(Event):
    """Output filters changed an answer; written once per answer."""

    msg: ClassVar[str] = "output-filter-applied"
    request_id: RequestId
    provider: ProviderName
    filters: Annotated[list[str], "The filters that changed something, in the order they ran."]
    streaming: Annotated[bool, "Whether the answer is streamed."]


@dataclass(kw_only=True)
class ToolCallRepaired(Event):
    """Tool calls that the model wrote as text were turned into structured ones."""

    msg: ClassVar[str] = "tool-call-repaired"
    request_id: RequestId
    provider: ProviderName
    count: Annotated[int, "Number of tool calls repaired in the answer."]


@dataclass(kw_only=True)
class ToolLoopDetected(Event):
    """A request ends with the same tool call, with the same arguments, again and again."""

    msg: ClassVar[str] = "tool-loop-detected"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    provider: Annotated[str, "The first provider of the chain that may be tried."]
    repeats: Annotated[int, "How many times in a row."]
    action: Annotated[ToolLoopAction, "What was done, from a closed set: `tool_loop` of the profile."]


@dataclass(kw_only=True)
class StateMissed(Event):
    """A Responses client referred to something that the proxy process does not have, and got an error."""

    msg: ClassVar[str] = "state-missed"
    level: ClassVar[Literal["INFO", "WARNING", "ERROR"]] = "WARNING"
    request_id: RequestId
    what: Annotated[StateKind, "`item`, an item by its id, or `response`, a previous response."]


@dataclass(kw_only=True)
class AutoRouterResolved(Event):
    """A rule of the auto router chose the profile."""

    msg: ClassVar[str] = "auto-router-resolved"
    request_id: RequestId
    rule_id: Annotated[str, "The first rule that matched."]
    resolved_profile: ProfileName
    signals: Annotated[dict[str, object], "What the rules examined: counts and flags, never content."]


@dataclass(kw_only=True)
class AutoRouterFallthrough(Event):
    """No rule of the auto router matched; its default profile is used."""

    msg: ClassVar[str] = "auto-router-fallthrough"
    request_id: RequestId
    resolved_profile: ProfileName
    signals: Annotated[dict[str, object], "What the rules examined: counts and flags, never content."]


@dataclass(kw_only=True)
class RequestFinished(Event):
    """A client request is finished; written exactly once per request."""

    msg: ClassVar[str] = "request-finished"
    request_id: RequestId
    ingress: Annotated[Ingress, "The client's wire; `embeddings` and `rerank` are passed on as they are."]
    profile: Annotated[
        str | None,
        "Profile that the request was routed to, or the provider that it named as its model; null if it was rejected "
        "before.",
    ]
    stream: Annotated[bool, "Whether the client requested a stream."]
    outcome: Annotated[Outcome, "How the request ended for the client, from a closed set."]
    status: Annotated[int, "HTTP status of the answer; 499 if the client disconnected before there was one."]
    provider: Annotated[str | None, "Provider that answered, or null."]
    model: Annotated[str | None, "That provider's configured model, or null."]
    attempts: Annotated[int, "Providers tried."]
    duration_s: Annotated[float, "Seconds from the end of the request body to the last byte sent."]
    ttft_s: Annotated[
        float | None,
        "Seconds from the end of the request body to the first content of a stream; null without one.",
    ]
    overhead_s: Annotated[
        float,
        "Seconds from the end of the request body to the first content, or to the end without one, minus the wait for "
        "providers.",
    ]
    input_tokens: Annotated[int | None, "Prompt tokens, excluding cached ones; null if not reported."]
    output_tokens: Annotated[int | None, "Completion tokens."]
    cache_read_tokens: Annotated[int | None, "Prompt tokens read from the provider's cache."]
    cache_creation_tokens: Annotated[int | None, "Prompt tokens written to the provider's cache."]
    cost_usd: Annotated[float | None, "Cost of the answer in US dollars; null if no price is known."]
    cache_savings_usd: Annotated[
        float | None,
        "How much more the prompt tokens read from the provider's cache would have cost without it; null if no price "
        "is known, or if none were reported.",
    ]
    stop_reason: Annotated[str | None, "Why the model stopped, as reported by the provider."]
    error_type: Annotated[ErrorType | None, "Why a `midstream` answer broke off, from a closed set."]
    agent: Annotated[Agent, "The client by its `User-Agent`, from a closed set."]
    request_class: Annotated[
        RequestClass | None,
        "What the request is for, as its agent reports it, from a closed set; null if it does not.",
    ]
    requested_model: Annotated[str | None, "The model that the client named: at most 128 characters."]
    tool_calls: Annotated[int, "Tool calls in the answer, those that were repaired included."]
    had_tools: Annotated[bool, "Whether the request has tools."]
    waited_s: Annotated[
        float, "Seconds it waited for places at providers with `max_in_flight`; part of `duration_s`."
    ]
    key_index: Annotated[
        int | None, "Which API key of the provider that answered was sent, from 0; null without one."
    ]
    traceparent: Annotated[str | None, "The client's W3C `traceparent` header, if it is valid."]
    session: Annotated[
        str | None,
        "Name of the session that the request belongs to: 12 hexadecimal digits, a hash of its id with a key that only"
        " the proxy has; null if the request does not show one.",
    ]


EVENTS: tuple[type[Event], ...] = (
    Startup,
    ConfigReloaded,
    ConfigReloadFailed,
    Shutdown,
    WorkerLost,
    Heartbeat,
    TryProvider,
    ProviderOk,
    ProviderFailed,
    ProviderFailedMidstream,
    SkipPaidProvider,
    SkipUnknownProvider,
    SkipBudgetExceeded,
    SkipShortContext,
    ProviderQueued,
    ProviderCooldown,
    ProviderRecovered,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    CapabilityDegraded,
    ProviderAdapted,
    OutputFilterApplied,
    ToolCallRepaired,
    ToolLoopDetected,
    StateMissed,
    AutoRouterResolved,
    AutoRouterFallthrough,
    RequestFinished,
)

ENVELOPE: dict[str, str] = {
    "ts": "When it was written: RFC 3339, UTC, with milliseconds and `Z`.",
    "level": "INFO, WARNING or ERROR.",
    "logger": f"Always `{LOGGER}`.",
    "msg": "The event's name.",
    "writer": "Random id of the writing process, new at every start.",
    "seq": "1, 2, 3 … within one writer; a missing number is a lost event.",
}


def field_descriptions(event: type[Event]) -> dict[str, str]:
    """Return the event's own fields in the order of the line, each with its description."""
    hints = get_type_hints(event, include_extras=True)
    return {own.name: hints[own.name].__metadata__[0] for own in fields(event)}
