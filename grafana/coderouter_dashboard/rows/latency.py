"""How long clients wait, for what, and how much the proxy itself adds."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import Select, buckets, of, of_profiles, of_providers, quantile
from coderouter_dashboard.rows.summary import FIRST_TOKEN

PER_TOKEN = "coderouter_time_per_output_token_seconds"
PROVIDER_DURATION = "coderouter_provider_duration_seconds"


def _quantiles(select: Select, histogram: str) -> tuple[Query, ...]:
    return tuple(Query(quantile(percent / 100, select, histogram), f"p{percent}") for percent in (50, 95, 99))


def _by_provider(histogram: str) -> tuple[Query, ...]:
    return (Query(quantile(0.95, of_providers, histogram, "provider"), "{{provider}}"),)


LATENCY = Row(
    "Latency",
    (
        Panel(
            title="First token",
            description="Time from the end of the request body to the first content of a stream, including failed "
            "attempts.",
            unit="s",
            width=12,
            queries=_quantiles(of_providers, FIRST_TOKEN),
        ),
        Panel(
            title="First token, heat map",
            description="The same as a heat map: the stronger the colour, the more streams waited that long.",
            unit="s",
            kind=Kind.HEATMAP,
            width=12,
            queries=(Query(buckets(of_providers, FIRST_TOKEN), "{{le}}"),),
        ),
        Panel(
            title="Whole request",
            description="Time from the end of the request body to the last byte sent.",
            unit="s",
            queries=_quantiles(of_profiles, "coderouter_client_request_duration_seconds"),
        ),
        Panel(
            title="First token by provider, p95",
            description="95 % of the streams from this provider had their first token within this time.",
            unit="s",
            queries=_by_provider(FIRST_TOKEN),
            requests="sort=-ttft&provider=${__field.labels.provider}",
        ),
        Panel(
            title="Answers by provider, p95",
            description="Time from the start of an attempt to the first content, or to the whole response if it is "
            "not streamed. Failed attempts are left out.",
            unit="s",
            queries=_by_provider(PROVIDER_DURATION),
            requests="sort=-duration&provider=${__field.labels.provider}",
        ),
        Panel(
            title="Time per output token",
            description="Time per token of a stream after the first one.",
            unit="s",
            queries=_quantiles(of_providers, PER_TOKEN),
        ),
        Panel(
            title="Time per output token by provider, p95",
            description="95 % of the streams from this provider took at most this long per token after the first "
            "one.",
            unit="s",
            queries=_by_provider(PER_TOKEN),
        ),
        Panel(
            title="Proxy overhead",
            description="Time from the end of the request body to the first content, minus the wait for providers.",
            unit="s",
            queries=_quantiles(of, "coderouter_proxy_overhead_seconds"),
        ),
    ),
)
