"""How long clients wait, for what, and what the proxy itself adds."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of, of_profiles, of_providers, quantile, rate
from coderouter_dashboard.rows.summary import FIRST_TOKEN

PER_TOKEN = of_providers("coderouter_time_per_output_token_seconds_bucket")
PROVIDER_DURATION = of_providers("coderouter_provider_duration_seconds_bucket")


def _quantiles(buckets: str) -> tuple[Query, ...]:
    return tuple(Query(quantile(percent / 100, buckets), f"p{percent}") for percent in (50, 95, 99))


def _by_provider(buckets: str) -> tuple[Query, ...]:
    return (Query(quantile(0.95, buckets, "provider"), "{{provider}}"),)


LATENCY = Row(
    "Latency",
    (
        Panel(
            title="First token",
            description="From the client's request to the first content of a stream, tries that failed included.",
            unit="s",
            width=12,
            queries=_quantiles(FIRST_TOKEN),
        ),
        Panel(
            title="First token, spread",
            description="The same as a heat map: the stronger the colour, the more streams had to wait that long.",
            unit="s",
            kind=Kind.HEATMAP,
            width=12,
            queries=(Query(rate(FIRST_TOKEN, "le"), "{{le}}"),),
        ),
        Panel(
            title="Whole request",
            description="From the whole request read to the last byte handed over.",
            unit="s",
            queries=_quantiles(of_profiles("coderouter_client_request_duration_seconds_bucket")),
        ),
        Panel(
            title="First token by provider, p95",
            description="19 of 20 streams that this provider answered had their first token within this time.",
            unit="s",
            queries=_by_provider(FIRST_TOKEN),
        ),
        Panel(
            title="Answers by provider, p95",
            description="From asking the provider to its first content, or to the whole answer if it is not streamed; "
            "without tries that failed.",
            unit="s",
            queries=_by_provider(PROVIDER_DURATION),
        ),
        Panel(
            title="Time per output token",
            description="How long each token of a stream took after the first one.",
            unit="s",
            queries=_quantiles(PER_TOKEN),
        ),
        Panel(
            title="Time per output token by provider, p95",
            description="How long each token took after the first one, for 19 of 20 streams.",
            unit="s",
            queries=_by_provider(PER_TOKEN),
        ),
        Panel(
            title="The proxy's own part",
            description="The part of a request that was spent neither waiting for a provider nor for the client.",
            unit="s",
            queries=_quantiles(of("coderouter_proxy_overhead_seconds_bucket")),
        ),
    ),
)
