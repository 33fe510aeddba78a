"""The metric families about what the proxy did, each a row: what it is called, what it means, what feeds it."""

from typing import get_args

from coderouter_events.closed_sets import (
    AdaptationReason,
    ErrorType,
    Outcome,
    StateKind,
    TraitName,
)
from coderouter_events.events import (
    AutoRouterFallthrough,
    AutoRouterResolved,
    CapabilityDegraded,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    OutputFilterApplied,
    ProviderAdapted,
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    SkipUnknownProvider,
    StateMissed,
    ToolCallRepaired,
    ToolLoopDetected,
    TryProvider,
)
from coderouter_exporter.families.events_2x import CacheObserved, SkipMemoryPressure
from coderouter_exporter.families.kinds import (
    GIVEN,
    MICRO,
    MISSING,
    NANO,
    Absent,
    Counter,
    Derived,
    EachOf,
    Feed,
    Field,
    Gauge,
    GreaterThan,
    Histogram,
    Numbers,
    Present,
    Profiles,
    Providers,
    Sum,
    closed,
    families_of,
)
from coderouter_exporter.families.labels import (
    BROKEN_BY,
    CONVERSATIONS,
    ERROR_TYPE,
    INGRESS,
    MODEL,
    PROFILE,
    PROVIDER,
    STOP_REASON,
)

# OpenTelemetry's buckets for GenAI client operations, extended to the longest responses of coding agents.
DURATION_BUCKETS = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
    *(163.84, 327.68, 600.0),
)
FIRST_TOKEN_BUCKETS = (
    *(0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 30.0, 60.0, 120.0, 300.0),
)
OUTPUT_TOKEN_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5),
)
OVERHEAD_BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    1.0,
)
ATTEMPTS_BUCKETS = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0)


def _per_output_token(durations: Numbers, first_tokens: Numbers, output_tokens: Numbers) -> Numbers:
    """Return the time per token after the first one of each stream."""
    return [
        (duration - first) // (tokens - 1) if tokens > 1 and 0 <= first <= duration else MISSING
        for duration, first, tokens in zip(durations, first_tokens, output_tokens, strict=True)
    ]


PER_OUTPUT_TOKEN = Derived(
    (("duration_s", MICRO), ("ttft_s", MICRO), ("output_tokens", 1)), _per_output_token
)

DIRECTIONS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
}
"""Of tokens, with the field that has them in the events of CodeRouter 2.x."""
NO_MODEL = ""
"""Those events do not have the model."""
NO_PRICE_2X = Derived((("cost_usd", NANO),), lambda costs: [1 if cost == 0 else MISSING for cost in costs])

UPTIME = Gauge(
    name="coderouter_uptime_seconds",
    help="Seconds since the newest proxy process started; 0 after it has shut down.",
    reads="uptime_s",
)
REQUESTS = Counter(
    name="coderouter_requests_total",
    help="Provider attempts (not client requests), kept for CodeRouter 1.7 dashboards.",
    feeds=(Feed(TryProvider),),
)
PAID_GATE_BLOCKED = Counter(
    name="coderouter_chain_paid_gate_blocked_total",
    help="Client requests for which the paid gate left no provider to try.",
    feeds=(Feed(ChainPaidGateBlocked),),
)
UNIFORM_AUTH_FAILURE = Counter(
    name="coderouter_chain_uniform_auth_failure_total",
    help="Client requests for which every provider tried rejected the credentials.",
    feeds=(Feed(ChainUniformAuthFailure),),
)
AUTO_ROUTER_FALLTHROUGH = Counter(
    name="coderouter_auto_router_fallthrough_total",
    help="Client requests that matched no rule of the auto router.",
    feeds=(Feed(AutoRouterFallthrough),),
)
PROVIDER_ATTEMPTS = Counter(
    name="coderouter_provider_attempts_total",
    help="Attempts, by provider.",
    labels=("provider",),
    feeds=(Feed(TryProvider, (PROVIDER,)),),
    preset=(Providers(),),
)
PROVIDER_OUTCOMES = Counter(
    name="coderouter_provider_outcomes_total",
    help="Attempts by outcome: ok, failed, or failed_midstream (after content had been sent).",
    labels=("provider", "outcome"),
    feeds=(
        Feed(ProviderOk, (PROVIDER, "ok")),
        Feed(ProviderFailed, (PROVIDER, "failed")),
        Feed(ProviderFailedMidstream, (PROVIDER, "failed_midstream")),
    ),
    preset=(Providers(), ("ok", "failed", "failed_midstream")),
)
PROVIDER_SKIPPED = Counter(
    name="coderouter_provider_skipped_total",
    help="Providers of a chain that were not tried: paid while allow_paid is false, not configured, over budget, "
    "with a context too small for the request, or (CodeRouter 2.x) recently out of memory.",
    labels=("provider", "reason"),
    feeds=(
        Feed(SkipPaidProvider, (PROVIDER, "paid")),
        Feed(SkipUnknownProvider, (PROVIDER, "unknown")),
        Feed(SkipBudgetExceeded, (PROVIDER, "budget")),
        Feed(SkipShortContext, (PROVIDER, "context")),
        Feed(SkipMemoryPressure, (PROVIDER, "memory_pressure")),
    ),
    preset=(Providers(), ("paid",)),
)
CAPABILITY_DEGRADED = Counter(
    name="coderouter_capability_degraded_total",
    help="Features dropped because the other side does not support them, by feature.",
    labels=("capability",),
    feeds=(Feed(CapabilityDegraded, (EachOf("dropped"),)),),
)
OUTPUT_FILTER_APPLIED = Counter(
    name="coderouter_output_filter_applied_total",
    help="Responses changed by an output filter.",
    labels=("filter",),
    feeds=(Feed(OutputFilterApplied, (EachOf("filters"),)),),
)

CLIENT_REQUESTS = Counter(
    name="coderouter_client_requests_total",
    help="Client requests by outcome: ok, client_error (the client's own error), exhausted (no provider answered), "
    "blocked (by the paid gate or a budget), midstream (failed after content had been sent), or client_gone (the "
    "client disconnected).",
    labels=("ingress", "profile", "outcome"),
    feeds=(Feed(RequestFinished, (INGRESS, PROFILE, closed("outcome", get_args(Outcome)))),),
    preset=(CONVERSATIONS, Profiles(), get_args(Outcome)),
)
FALLBACKS = Counter(
    name="coderouter_fallbacks_total",
    help="Client requests that needed more than one attempt; those of CodeRouter 2.x by its `fallback-occurred`.",
    labels=("profile",),
    feeds=(Feed(RequestFinished, (PROFILE,), where={"attempts": GreaterThan(1)}),),
    preset=(Profiles(),),
)
PROVIDER_ERRORS = Counter(
    name="coderouter_provider_errors_total",
    help="Failed attempts, before or after their first content, by cause.",
    labels=("provider", "error_type"),
    feeds=(
        Feed(ProviderFailed, (PROVIDER, ERROR_TYPE)),
        Feed(ProviderFailedMidstream, (PROVIDER, ERROR_TYPE)),
    ),
    preset=(Providers(), get_args(ErrorType)),
)
STREAM_ENDS = Counter(
    name="coderouter_stream_ends_total",
    help="Streams by how they ended: stop, length, tool_calls, content_filter or other, as reported by the model; "
    "error or idle_timeout when they failed; client_gone when the client disconnected.",
    labels=("provider", "reason"),
    feeds=(
        Feed(RequestFinished, (PROVIDER, STOP_REASON), Present("ttft_s"), {"outcome": ("ok",)}),
        Feed(RequestFinished, (PROVIDER, BROKEN_BY), Present("ttft_s"), {"outcome": ("midstream",)}),
        Feed(RequestFinished, (PROVIDER, "client_gone"), Present("ttft_s"), {"outcome": ("client_gone",)}),
    ),
)
REQUEST_DURATION = Histogram(
    name="coderouter_client_request_duration_seconds",
    help="Time from the end of the request body to the last byte sent.",
    labels=("ingress", "profile"),
    feeds=(Feed(RequestFinished, (INGRESS, PROFILE), Sum("duration_s")),),
    buckets=DURATION_BUCKETS,
    exemplars=True,
)
PROVIDER_DURATION = Histogram(
    name="coderouter_provider_duration_seconds",
    help="Time from the start of an attempt to the first content of a stream, or to the whole response; failed "
    "attempts are left out.",
    labels=("provider",),
    feeds=(Feed(ProviderOk, (PROVIDER,), Sum("duration_s")),),
    buckets=DURATION_BUCKETS,
    exemplars=True,
)
FIRST_TOKEN = Histogram(
    name="coderouter_time_to_first_token_seconds",
    help="Time from the end of the request body to the first content of a stream, including failed attempts, by the "
    "provider that sent it.",
    labels=("provider",),
    feeds=(Feed(RequestFinished, (PROVIDER,), Sum("ttft_s")),),
    buckets=FIRST_TOKEN_BUCKETS,
    exemplars=True,
)
OUTPUT_TOKEN = Histogram(
    name="coderouter_time_per_output_token_seconds",
    help="Time per token after the first one, of complete streams with token usage.",
    labels=("provider",),
    feeds=(Feed(RequestFinished, (PROVIDER,), Sum(PER_OUTPUT_TOKEN), {"outcome": ("ok",)}),),
    buckets=OUTPUT_TOKEN_BUCKETS,
)
OVERHEAD = Histogram(
    name="coderouter_proxy_overhead_seconds",
    help="Time from the end of the request body to the first content, minus the wait for providers.",
    labels=("ingress",),
    feeds=(Feed(RequestFinished, (INGRESS,), Sum("overhead_s")),),
    buckets=OVERHEAD_BUCKETS,
)
ATTEMPTS = Histogram(
    name="coderouter_attempts_per_request",
    help="Attempts per client request; 0 when there was no provider to try.",
    labels=("profile",),
    feeds=(Feed(RequestFinished, (PROFILE,), Sum("attempts")),),
    buckets=ATTEMPTS_BUCKETS,
    scale=1,
)
TOKENS = Counter(
    name="coderouter_tokens_total",
    help="Tokens reported by providers; each token is counted in exactly one direction, so input leaves out tokens "
    "read from or written to a cache.",
    labels=("provider", "model", "direction"),
    feeds=tuple(
        feed
        for direction, of_2x in DIRECTIONS.items()
        for feed in (
            Feed(RequestFinished, (PROVIDER, MODEL, direction), Sum(f"{direction}_tokens")),
            Feed(CacheObserved, (PROVIDER, NO_MODEL, direction), Sum(of_2x)),
        )
    ),
)
USAGE_MISSING = Counter(
    name="coderouter_usage_missing_total",
    help="Responses without token usage.",
    labels=("provider",),
    feeds=(
        Feed(RequestFinished, (PROVIDER,), Absent("output_tokens"), {"outcome": ("ok",)}),
        Feed(CacheObserved, (PROVIDER,), where={"outcome": ("unknown",)}),
    ),
    preset=(Providers(),),
)
COST = Counter(
    name="coderouter_cost_usd_total",
    help="Cost of the responses in US dollars, at the configured prices.",
    labels=("provider", "model"),
    feeds=(
        Feed(RequestFinished, (PROVIDER, MODEL), Sum("cost_usd")),
        Feed(CacheObserved, (PROVIDER, NO_MODEL), Sum("cost_usd")),
    ),
    scale=MICRO,
)
UNPRICED = Counter(
    name="coderouter_unpriced_requests_total",
    help="Responses of unknown cost: the provider has no price, or reported no token usage.",
    labels=("provider", "model"),
    feeds=(
        Feed(RequestFinished, (PROVIDER, MODEL), Absent("cost_usd"), {"outcome": ("ok",)}),
        Feed(CacheObserved, (PROVIDER, NO_MODEL), Sum(NO_PRICE_2X)),
    ),
)
BUDGET_LIMIT = Gauge(
    name="coderouter_budget_limit_usd",
    help="Monthly budget of a provider in US dollars, for providers that have one; months are in UTC.",
    labels=("provider",),
    reads="budget_limits_usd",
)
BUDGET_USED = Gauge(
    name="coderouter_budget_used_usd",
    help="Cost of a provider this month in US dollars, for providers that have a budget; months are in UTC.",
    labels=("provider",),
    reads="budgets_used_usd",
)
TOOL_CALLS_REPAIRED = Counter(
    name="coderouter_tool_calls_repaired_total",
    help="Tool calls that a model wrote as text and the proxy turned into real ones.",
    labels=("provider",),
    feeds=(Feed(ToolCallRepaired, (PROVIDER,), Sum("count")),),
    preset=(Providers(),),
)
TOOL_LOOPS = Counter(
    name="coderouter_tool_loops_total",
    help="Client requests that ended with the same tool call, with the same arguments, again and again.",
    labels=("provider",),
    feeds=(Feed(ToolLoopDetected, (PROVIDER,), where={"provider": GIVEN}),),
    preset=(Providers(),),
)
STATE_MISSES = Counter(
    name="coderouter_state_misses_total",
    help="Responses requests that referred to an item or a previous response that the proxy process does not have.",
    labels=("what",),
    feeds=(Feed(StateMissed, (closed("what", get_args(StateKind)),)),),
    preset=(get_args(StateKind),),
)
PROVIDER_ADAPTATIONS = Counter(
    name="coderouter_provider_adaptations_total",
    help="Refused requests that a provider answered in another form, by the trait that helped and the complaint.",
    labels=("provider", "trait", "reason"),
    feeds=(
        Feed(
            ProviderAdapted,
            (PROVIDER, closed("trait", get_args(TraitName)), closed("reason", get_args(AdaptationReason))),
        ),
    ),
)
AUTO_ROUTER_RESOLVED = Counter(
    name="coderouter_auto_router_resolved_total",
    help="Client requests whose profile was chosen by a rule of the auto router.",
    labels=("rule", "profile"),
    feeds=(Feed(AutoRouterResolved, (Field("rule_id"), Field("resolved_profile"))),),
)
COOLDOWN = Gauge(
    name="coderouter_provider_cooldown",
    help="1 while the provider is in cooldown (moved to the end of the chain), as last reported by the proxy.",
    labels=("provider",),
    reads="cooldowns",
)
COOLDOWNS = Counter(
    name="coderouter_provider_cooldowns_total",
    help="Cooldowns started.",
    labels=("provider",),
    feeds=(Feed(ProviderCooldown, (PROVIDER,)),),
    preset=(Providers(),),
)

FAMILIES = families_of(vars())
