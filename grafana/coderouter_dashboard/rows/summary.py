"""Is it up, does it answer, how fast, and what does it cost: one number each."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import of, of_profiles, of_providers, per_hour, quantile, rate, share_or_zero

REQUESTS = of_profiles("coderouter_client_requests_total")
ERRORS = of_profiles("coderouter_client_requests_total", 'outcome=~"exhausted|blocked|midstream"')
FALLBACKS = of_profiles("coderouter_fallbacks_total")
FIRST_TOKEN = of_providers("coderouter_time_to_first_token_seconds_bucket")
TOKENS = of_providers("coderouter_tokens_total")
COST = of_providers("coderouter_cost_usd_total")

SUMMARY = Row(
    "Summary",
    (
        Panel(
            title="Requests",
            description="Client requests per second, whatever became of them.",
            unit="reqps",
            kind=Kind.STAT,
            width=3,
            queries=(Query(rate(REQUESTS)),),
        ),
        Panel(
            title="User-visible errors",
            description="Share of client requests that no provider answered, that the paid gate or a budget closed, "
            "or whose stream broke off. The client's own mistakes and clients that left are not among them.",
            unit="percentunit",
            kind=Kind.STAT,
            width=3,
            queries=(Query(share_or_zero(rate(ERRORS), rate(REQUESTS))),),
            warn_at=0.01,
            bad_at=0.05,
        ),
        Panel(
            title="Fallbacks",
            description="Share of client requests that went past the first provider tried.",
            unit="percentunit",
            kind=Kind.STAT,
            width=3,
            queries=(Query(share_or_zero(rate(FALLBACKS), rate(REQUESTS))),),
            warn_at=0.1,
            bad_at=0.5,
        ),
        Panel(
            title="First token, p95",
            description="19 of 20 streams had their first token within this time. The newest value of the time range: "
            "there is none while nothing is streamed.",
            unit="s",
            kind=Kind.STAT,
            width=3,
            queries=(Query(quantile(0.95, FIRST_TOKEN)),),
            warn_at=5,
            bad_at=20,
        ),
        Panel(
            title="Tokens per second",
            description="Tokens read and written, cached ones included.",
            unit="short",
            kind=Kind.STAT,
            width=3,
            queries=(Query(rate(TOKENS)),),
        ),
        Panel(
            title="Cost per hour",
            description="US dollars per hour at the present rate, as far as prices are configured.",
            unit="currencyUSD",
            kind=Kind.STAT,
            width=3,
            queries=(Query(per_hour(COST)),),
        ),
        Panel(
            title="Proxy",
            description="Up while each chosen target has a proxy process that lives.",
            unit="none",
            kind=Kind.STAT,
            width=3,
            queries=(Query(f"min({of('coderouter_up')})"),),
            states=(State(1, "up", GOOD), State(0, "down", BAD)),
        ),
        Panel(
            title="Counts",
            description="Exact while every event written is known to be counted once, by each chosen exporter.",
            unit="none",
            kind=Kind.STAT,
            width=3,
            queries=(Query(f"min({of('cr_exporter_exact')})"),),
            states=(State(1, "exact", GOOD), State(0, "not exact", BAD)),
        ),
    ),
)
