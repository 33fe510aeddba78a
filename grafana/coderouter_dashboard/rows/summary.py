"""Is it up, does it answer, how fast, and what does it cost? One number each."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import (
    in_last,
    of,
    of_profiles,
    of_providers,
    per_minute,
    quantile,
    rate,
    share_or_zero,
)

REQUESTS = of_profiles("coderouter_client_requests_total")
ERRORS = of_profiles("coderouter_client_requests_total", 'outcome=~"exhausted|blocked|midstream"')
FALLBACKS = of_profiles("coderouter_fallbacks_total")
FIRST_TOKEN = "coderouter_time_to_first_token_seconds"
TOKENS = of_providers("coderouter_tokens_total")
COST = of_providers("coderouter_cost_usd_total")

SUMMARY = Row(
    "Summary",
    (
        Panel(
            title="Requests",
            description="Client requests per minute, whatever their outcome.",
            unit="reqpm",
            kind=Kind.STAT,
            width=3,
            queries=(Query(per_minute(REQUESTS)),),
        ),
        Panel(
            title="User-visible errors",
            description="Share of client requests that no provider answered, that the paid gate or a budget blocked, "
            "or whose stream failed. The client's own errors and disconnects are not included.",
            unit="percentunit",
            kind=Kind.STAT,
            width=3,
            queries=(Query(share_or_zero(rate(ERRORS), rate(REQUESTS))),),
            warn_at=0.01,
            bad_at=0.05,
        ),
        Panel(
            title="Fallbacks",
            description="Share of client requests that needed more than one attempt.",
            unit="percentunit",
            kind=Kind.STAT,
            width=3,
            queries=(Query(share_or_zero(rate(FALLBACKS), rate(REQUESTS))),),
            warn_at=0.1,
            bad_at=0.5,
        ),
        Panel(
            title="First token, p95",
            description="95 % of streams had their first token within this time. This is the newest value in the "
            "time range; without streams there is none.",
            unit="s",
            kind=Kind.STAT,
            width=3,
            queries=(Query(quantile(0.95, of_providers, FIRST_TOKEN)),),
            warn_at=5,
            bad_at=20,
        ),
        Panel(
            title="Tokens per minute",
            description="Tokens read and written, including cached ones.",
            unit="short",
            kind=Kind.STAT,
            width=3,
            queries=(Query(per_minute(TOKENS)),),
        ),
        Panel(
            title="Cost, last 24 hours",
            description="US dollars, for models with a configured price.",
            unit="currencyUSD",
            kind=Kind.STAT,
            width=3,
            queries=(Query(in_last("1d", COST)),),
        ),
        Panel(
            title="Proxy",
            description="Up while every selected target has a live proxy process.",
            unit="none",
            kind=Kind.STAT,
            width=3,
            queries=(Query(f"min({of('coderouter_up')})"),),
            states=(State(1, "up", GOOD), State(0, "down", BAD)),
        ),
        Panel(
            title="Counts",
            description="Exact while every selected exporter is known to have counted each event exactly once.",
            unit="none",
            kind=Kind.STAT,
            width=3,
            queries=(Query(f"min({of('cr_exporter_exact')})"),),
            states=(State(1, "exact", GOOD), State(0, "not exact", BAD)),
        ),
    ),
)
