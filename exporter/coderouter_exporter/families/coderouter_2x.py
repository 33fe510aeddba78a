"""The metric families that have the names and labels of CodeRouter 2.x, for its dashboards.

Where a family of ours means the same, that one counts the events of 2.x too, and a recording rule of
`deploy/prometheus/coderouter-2x-compat.yml` gives it the other name.
"""

from coderouter_exporter.families.events_2x import (
    BackendHealthChanged,
    CacheObserved,
    ChainBudgetExceeded,
    ChainMemoryPressureBlocked,
    ContextBudgetTrimmed,
    ContextBudgetWarning,
    DemoteUnhealthyProvider,
    DriftDetected,
    DriftPromoted,
    DriftReloadAttempted,
    EmptyResponseDetected,
    FallbackOccurred,
    PartialStitchSurfaced,
    ProbeCapabilitiesDrift,
    ProbeCompleted,
    ProbeRoundCompleted,
    StreamTruncationDetected,
    TokensSaved,
    ToolLoopDetected,
)
from coderouter_exporter.families.kinds import (
    GIVEN,
    MISSING,
    NANO,
    Counter,
    Derived,
    Feed,
    Field,
    Gauge,
    Mapped,
    Numbers,
    Sum,
    closed,
    families_of,
)
from coderouter_exporter.families.labels import PROFILE, PROVIDER

ACTION = closed("action", ("off", "warn", "error", "inject", "break"))
FALLBACK_REASONS = (
    *("paid-gate", "budget-exceeded", "memory-pressure", "backend-unhealthy", "self-healing-excluded"),
    *("unknown-provider", "timeout", "ttft-timeout", "rate-limit", "auth", "upstream-5xx", "upstream-4xx"),
    *("connection", "upstream-error", "empty-response", "empty-stream", "stream-truncated"),
)
HEALTH_STATES = ("HEALTHY", "DEGRADED", "UNHEALTHY")


def _removed(before: Numbers, after: Numbers) -> Numbers:
    return [
        max(0, was - is_now) if MISSING not in (was, is_now) else MISSING
        for was, is_now in zip(before, after, strict=True)
    ]


TOKENS_REMOVED = Derived((("estimated_tokens_before", 1), ("estimated_tokens_after", 1)), _removed)

LANGUAGE_TAX = Counter(
    name="coderouter_language_tax_usd_total",
    help="The share of the cost that CodeRouter 2.x ascribed to text in languages which take more tokens than English.",
    labels=("provider",),
    feeds=(Feed(CacheObserved, (PROVIDER,), Sum("language_tax_usd")),),
    scale=NANO,
)
FALLBACK_HOPS = Counter(
    name="coderouter_fallback_occurred_total",
    help="Providers that a request of CodeRouter 2.x moved on from, tried or skipped, by reason.",
    labels=("provider", "reason"),
    feeds=(Feed(FallbackOccurred, (Field("from_provider"), closed("reason", FALLBACK_REASONS))),),
)
CHAIN_BUDGET_EXCEEDED = Counter(
    name="coderouter_chain_budget_exceeded_total",
    help="Requests of CodeRouter 2.x for which budgets left no provider to try.",
    feeds=(Feed(ChainBudgetExceeded),),
)
CHAIN_MEMORY_PRESSURE = Counter(
    name="coderouter_chain_memory_pressure_blocked_total",
    help="Requests of CodeRouter 2.x for which every provider had recently run out of memory.",
    feeds=(Feed(ChainMemoryPressureBlocked),),
)
DEMOTED = Counter(
    name="coderouter_provider_demoted_unhealthy_total",
    help="Requests of CodeRouter 2.x that moved an unhealthy provider to the end of their chain.",
    labels=("provider",),
    feeds=(Feed(DemoteUnhealthyProvider, (PROVIDER,)),),
)
HEALTH_TRANSITIONS = Counter(
    name="coderouter_backend_health_transitions_total",
    help="Changes of a provider's health in CodeRouter 2.x, by the new state: HEALTHY, DEGRADED or UNHEALTHY.",
    labels=("provider", "state"),
    feeds=(Feed(BackendHealthChanged, (PROVIDER, closed("new_state", HEALTH_STATES))),),
)
STREAM_TRUNCATED = Counter(
    name="coderouter_stream_truncated_total",
    help="Streams that ended without their last event, as CodeRouter 2.x noticed.",
    labels=("provider",),
    feeds=(Feed(StreamTruncationDetected, (PROVIDER,)),),
)
STREAM_TRUNCATED_BY_ACTION = Counter(
    name="coderouter_stream_truncated_by_action_total",
    help="The same streams by what the profile of CodeRouter 2.x does about them: warn or error.",
    labels=("action",),
    feeds=(Feed(StreamTruncationDetected, (ACTION,)),),
)
PARTIAL_STITCH = Counter(
    name="coderouter_partial_stitch_surfaced_total",
    help="Streams that failed after content had been sent, and that CodeRouter 2.x ended as if they were complete.",
    feeds=(Feed(PartialStitchSurfaced),),
)
EMPTY_RESPONSES = Counter(
    name="coderouter_empty_responses_total",
    help="Responses without text and tool calls, as CodeRouter 2.x noticed.",
    labels=("provider",),
    feeds=(Feed(EmptyResponseDetected, (PROVIDER,)),),
)
CONTEXT_WARNINGS = Counter(
    name="coderouter_context_budget_warnings_total",
    help="Requests of CodeRouter 2.x that nearly filled, or exceeded, the context of the first provider.",
    labels=("profile",),
    feeds=(Feed(ContextBudgetWarning, (PROFILE,)),),
)
CONTEXT_TRIMS = Counter(
    name="coderouter_context_budget_trims_total",
    help="Requests of CodeRouter 2.x whose old messages were left out to fit the context.",
    labels=("profile",),
    feeds=(Feed(ContextBudgetTrimmed, (PROFILE,)),),
)
CONTEXT_USAGE = Gauge(
    name="coderouter_context_budget_usage_ratio",
    help="Estimated tokens of the newest such request, as a share of the context.",
    labels=("profile",),
    reads="context_usage_ratios",
)
TOKENS_SAVED = Counter(
    name="coderouter_tokens_saved_total",
    help="Tokens that CodeRouter 2.x removed from requests, by how: trim (old messages were left out), or the name "
    "that a plugin gave.",
    labels=("mechanism",),
    feeds=(
        Feed(ContextBudgetTrimmed, ("trim",), Sum(TOKENS_REMOVED)),
        Feed(TokensSaved, (Field("mechanism"),), Sum("tokens_saved")),
    ),
)
TOOL_LOOPS = Counter(
    name="coderouter_tool_loop_detected_total",
    help="Requests of CodeRouter 2.x that repeated a tool call, by what was done about it: warn, inject or break.",
    labels=("profile", "action"),
    feeds=(Feed(ToolLoopDetected, (PROFILE, ACTION), where={"profile": GIVEN}),),
)
DRIFT_DETECTED = Counter(
    name="coderouter_drift_detected_total",
    help="How often the newest answers of a provider differed from those before them, as CodeRouter 2.x noticed.",
    labels=("provider",),
    feeds=(Feed(DriftDetected, (PROVIDER,)),),
)
DRIFT_PROMOTED = Counter(
    name="coderouter_drift_promoted_total",
    help="Providers that CodeRouter 2.x moved back in their chain because of drift.",
    feeds=(Feed(DriftPromoted),),
)
DRIFT_RELOADS = Counter(
    name="coderouter_drift_reload_total",
    help="Models that CodeRouter 2.x tried to unload because of drift.",
    feeds=(Feed(DriftReloadAttempted),),
)
DRIFT_RELOADS_OK = Counter(
    name="coderouter_drift_reload_success_total",
    help="Models that CodeRouter 2.x unloaded because of drift.",
    feeds=(Feed(DriftReloadAttempted, where={"success": (True,)}),),
)
PROBES = Counter(
    name="coderouter_probe_total",
    help="One-token requests by which CodeRouter 2.x checked whether a provider is up.",
    labels=("provider",),
    feeds=(Feed(ProbeCompleted, (PROVIDER,)),),
)
PROBE_OUTCOMES = Counter(
    name="coderouter_probe_outcomes_total",
    help="The same by their outcome: success or failure.",
    labels=("provider", "outcome"),
    feeds=(Feed(ProbeCompleted, (PROVIDER, Mapped("success", {"True": "success"}, default="failure"))),),
)
PROBE_ROUNDS = Counter(
    name="coderouter_probe_rounds_total",
    help="How often CodeRouter 2.x probed all providers.",
    feeds=(Feed(ProbeRoundCompleted),),
)
PROBE_DRIFT = Counter(
    name="coderouter_probe_drift_detected_total",
    help="Probes of CodeRouter 2.x that were answered by a model other than the configured one.",
    labels=("provider",),
    feeds=(Feed(ProbeCapabilitiesDrift, (PROVIDER,)),),
)
PROBE_LATENCY = Gauge(
    name="coderouter_probe_latency_ms",
    help="Duration of the newest probe in milliseconds.",
    labels=("provider",),
    reads="probe_latencies_ms",
)

FAMILIES = families_of(vars())
