"""How many tokens are read and written, and what they cost."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of_providers, per_hour, rate, share
from coderouter_dashboard.rows.summary import COST as COST_USD
from coderouter_dashboard.rows.summary import TOKENS

PROMPT = of_providers("coderouter_tokens_total", 'direction!="output"')
FROM_CACHE = of_providers("coderouter_tokens_total", 'direction="cache_read"')
USED = of_providers("coderouter_budget_used_usd")
LIMIT = of_providers("coderouter_budget_limit_usd")

COST = Row(
    "Tokens and cost",
    (
        Panel(
            title="Tokens per second by direction",
            description="Input leaves out tokens read from or written to the provider's cache.",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(rate(TOKENS, "direction"), "{{direction}}"),),
        ),
        Panel(
            title="Tokens per second by model",
            description="Tokens in all directions.",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(rate(TOKENS, "provider", "model"), "{{provider}} {{model}}"),),
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
            description="Responses that the other panels of this row do not fully include: the provider reported no "
            "token usage, or has no price.",
            unit="reqps",
            queries=(
                Query(
                    rate(of_providers("coderouter_usage_missing_total"), "provider"), "{{provider}}: no usage"
                ),
                Query(
                    rate(of_providers("coderouter_unpriced_requests_total"), "provider"),
                    "{{provider}}: no price",
                ),
            ),
        ),
    ),
)
