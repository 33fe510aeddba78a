"""How many tokens are read and written, and what they cost."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import in_last, of_providers, per_hour, per_minute, quantile, rate, share
from coderouter_dashboard.rows.summary import COST as COST_USD
from coderouter_dashboard.rows.summary import TOKENS

PROMPT = of_providers("coderouter_tokens_total", 'direction!="output"')
FROM_CACHE = of_providers("coderouter_tokens_total", 'direction="cache_read"')
INPUT_TOKENS = "coderouter_request_input_tokens"
OUTPUT_TOKENS = "coderouter_request_output_tokens"
USED = of_providers("coderouter_budget_used_usd")
LIMIT = of_providers("coderouter_budget_limit_usd")

COST = Row(
    "Tokens and cost",
    (
        Panel(
            title="Tokens per minute by direction",
            description="Input leaves out tokens read from or written to the provider's cache.",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(per_minute(TOKENS, "direction"), "{{direction}}"),),
        ),
        Panel(
            title="Tokens per minute by model",
            description="Tokens in all directions.",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(per_minute(TOKENS, "provider", "model"), "{{provider}} {{model}}"),),
        ),
        Panel(
            title="Prompt tokens from the cache",
            description="Share of the prompt tokens that the provider read from its cache.",
            unit="percentunit",
            queries=(Query(share(rate(FROM_CACHE, "provider"), rate(PROMPT, "provider")), "{{provider}}"),),
        ),
        Panel(
            title="Cost per hour by model",
            description="US dollars per hour, for models with a configured price.",
            unit="currencyUSD",
            kind=Kind.STACK,
            queries=(Query(per_hour(COST_USD, "provider", "model"), "{{provider}} {{model}}"),),
        ),
        Panel(
            title="Cost per day",
            description="US dollars in the 24 hours before each point, for models with a configured price.",
            unit="currencyUSD",
            kind=Kind.STACK,
            queries=(Query(in_last("1d", COST_USD, "provider"), "{{provider}}"),),
            requests="sort=-cost&provider=${__field.labels.provider}",
        ),
        Panel(
            title="Cost, last 30 days",
            description="US dollars by provider in the last 30 days, for models with a configured price.",
            unit="currencyUSD",
            kind=Kind.GAUGE,
            queries=(Query(in_last("30d", COST_USD, "provider"), "{{provider}}"),),
        ),
        Panel(
            title="Prompt size",
            description="Prompt tokens per request, cached ones included: 50 % and 95 % of the prompts are at most "
            "this long.",
            unit="short",
            queries=(
                Query(quantile(0.5, of_providers, INPUT_TOKENS, "provider"), "{{provider}} p50"),
                Query(quantile(0.95, of_providers, INPUT_TOKENS, "provider"), "{{provider}} p95"),
            ),
        ),
        Panel(
            title="Answer size",
            description="Completion tokens per request: half of the answers are at most this long. A sudden change is "
            "a sign of another model behind the same name.",
            unit="short",
            queries=(Query(quantile(0.5, of_providers, OUTPUT_TOKENS, "provider"), "{{provider}}"),),
        ),
        Panel(
            title="Budget used this month",
            description="Cost of each provider this month (UTC), as a share of its monthly budget.",
            unit="percentunit",
            kind=Kind.GAUGE,
            queries=(Query(f"max by (provider) ({share(USED, LIMIT)})", "{{provider}}"),),
            warn_at=0.75,
            bad_at=0.9,
            most=1,
        ),
        Panel(
            title="Responses without usage or price",
            width=24,
            description="Responses that the other panels of this row do not fully include: the provider reported no "
            "token usage, or has no price.",
            unit="reqpm",
            queries=(
                Query(
                    per_minute(of_providers("coderouter_usage_missing_total"), "provider"),
                    "{{provider}}: no usage",
                ),
                Query(
                    per_minute(of_providers("coderouter_unpriced_requests_total"), "provider"),
                    "{{provider}}: no price",
                ),
            ),
        ),
    ),
)
