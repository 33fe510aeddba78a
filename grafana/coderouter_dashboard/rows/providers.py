"""Which provider does the work, which one fails, and how."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import increase, of_providers, per_hour, quantile, rate, share
from coderouter_dashboard.rows.summary import COST, FIRST_TOKEN, TOKENS

TRIES = of_providers("coderouter_provider_attempts_total")
ENDED = of_providers("coderouter_provider_outcomes_total")
FAILED = of_providers("coderouter_provider_outcomes_total", 'outcome=~"failed|failed_midstream"')
FAILURES = share(rate(FAILED, "provider"), rate(ENDED, "provider"))

PROVIDERS = Row(
    "Providers",
    (
        Panel(
            title="Providers at present",
            description="What each provider is doing. Empty cells: nothing happened.",
            unit="short",
            kind=Kind.TABLE,
            width=16,
            queries=(
                Query(rate(TRIES, "provider"), "Tries", "reqps"),
                Query(FAILURES, "Failed", "percentunit"),
                Query(quantile(0.95, FIRST_TOKEN, "provider"), "First token p95", "s"),
                Query(rate(TOKENS, "provider"), "Tokens per second", "short"),
                Query(per_hour(COST, "provider"), "Cost per hour", "currencyUSD"),
            ),
        ),
        Panel(
            title="Cooldown",
            description="Providers that kept failing and are tried last for a while.",
            unit="none",
            kind=Kind.TIMELINE,
            queries=(
                Query(
                    f"max by (provider) ({of_providers('coderouter_provider_cooldown')})",
                    "{{provider}}",
                ),
            ),
            states=(State(0, "in turn", GOOD), State(1, "cooldown", BAD)),
        ),
        Panel(
            title="Tries by provider",
            description="How often each provider is asked; one client request may make several tries.",
            unit="reqps",
            kind=Kind.STACK,
            queries=(Query(rate(TRIES, "provider"), "{{provider}}"),),
        ),
        Panel(
            title="Failed tries by provider",
            description="Share of each provider's tries that failed, before or after the first content.",
            unit="percentunit",
            queries=(Query(FAILURES, "{{provider}}"),),
        ),
        Panel(
            title="Failures by type",
            description="Failed tries by whose fault they were.",
            unit="reqps",
            kind=Kind.STACK,
            queries=(
                Query(
                    rate(of_providers("coderouter_provider_errors_total"), "provider", "error_type"),
                    "{{provider}} {{error_type}}",
                ),
            ),
        ),
        Panel(
            title="Ends of streams",
            description="Why streamed answers ended.",
            unit="reqps",
            kind=Kind.STACK,
            width=12,
            queries=(Query(rate(of_providers("coderouter_stream_ends_total"), "reason"), "{{reason}}"),),
        ),
        Panel(
            title="Cooldowns begun",
            description="How often a provider was put last.",
            unit="short",
            kind=Kind.BARS,
            width=12,
            queries=(
                Query(
                    increase(of_providers("coderouter_provider_cooldowns_total"), "provider"), "{{provider}}"
                ),
            ),
        ),
    ),
)
