"""Which provider does the work, which one fails, and how."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import increase, of_providers, per_hour, per_minute, quantile, rate, share
from coderouter_dashboard.rows.summary import COST, FIRST_TOKEN, TOKENS

ATTEMPTS = of_providers("coderouter_provider_attempts_total")
ENDED = of_providers("coderouter_provider_outcomes_total")
FAILED = of_providers("coderouter_provider_outcomes_total", 'outcome=~"failed|failed_midstream"')
FAILURES = share(rate(FAILED, "provider"), rate(ENDED, "provider"))

PROVIDERS = Row(
    "Providers",
    (
        Panel(
            title="Providers now",
            description="Current traffic of each provider. An empty cell means that nothing happened.",
            unit="short",
            kind=Kind.TABLE,
            width=16,
            queries=(
                Query(per_minute(ATTEMPTS, "provider"), "Attempts", "reqpm"),
                Query(FAILURES, "Failed", "percentunit"),
                Query(quantile(0.95, of_providers, FIRST_TOKEN, "provider"), "First token p95", "s"),
                Query(per_minute(TOKENS, "provider"), "Tokens per minute", "short"),
                Query(per_hour(COST, "provider"), "Cost per hour", "currencyUSD"),
            ),
        ),
        Panel(
            title="Cooldown",
            description="Providers that kept failing and have moved to the end of the chain for a while.",
            unit="none",
            kind=Kind.TIMELINE,
            queries=(
                Query(
                    f"max by (provider) ({of_providers('coderouter_provider_cooldown')})",
                    "{{provider}}",
                ),
            ),
            states=(State(0, "normal", GOOD), State(1, "cooldown", BAD)),
        ),
        Panel(
            title="Attempts by provider",
            description="Attempts per minute; one client request may need several.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(ATTEMPTS, "provider"), "{{provider}}"),),
            requests="provider=${__field.labels.provider}",
        ),
        Panel(
            title="Failed attempts by provider",
            description="Share of each provider's attempts that failed, before or after the first content.",
            unit="percentunit",
            queries=(Query(FAILURES, "{{provider}}"),),
            requests="failed=1&provider=${__field.labels.provider}",
        ),
        Panel(
            title="Failures by type",
            description="Failed attempts by cause.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(
                Query(
                    per_minute(of_providers("coderouter_provider_errors_total"), "provider", "error_type"),
                    "{{provider}} {{error_type}}",
                ),
            ),
        ),
        Panel(
            title="Stream ends",
            description="Streams by how they ended.",
            unit="reqpm",
            kind=Kind.STACK,
            width=12,
            queries=(
                Query(per_minute(of_providers("coderouter_stream_ends_total"), "reason"), "{{reason}}"),
            ),
        ),
        Panel(
            title="Cooldowns started",
            description="Times that a provider moved to the end of the chain.",
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
