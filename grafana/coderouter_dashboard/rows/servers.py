"""Local model servers with metrics of their own, which Prometheus scrapes by `coderouter prometheus-config`.

The names are those in vllm/v1/metrics/loggers.py of vLLM, whose counters end in `_total` when served, and in
tools/server/README.md of llama.cpp.
"""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of_providers, of_servers, quantile, rate, share
from coderouter_dashboard.rows.summary import FIRST_TOKEN

RUNNING = (of_servers("vllm:num_requests_running"), of_servers("llamacpp:requests_processing"))
WAITING = (of_servers("vllm:num_requests_waiting"), of_servers("llamacpp:requests_deferred"))
HITS = of_servers("vllm:prefix_cache_hits_total")
QUERIES = of_servers("vllm:prefix_cache_queries_total")
GENERATED = (of_servers("vllm:generation_tokens_total"), of_servers("llamacpp:tokens_predicted_total"))


def _now(metrics: tuple[str, ...]) -> str:
    return " or ".join(f"sum by (provider) ({metric})" for metric in metrics)


SERVERS = Row(
    "Local servers",
    (
        Panel(
            title="Requests in the server",
            description="Requests that vLLM or llama.cpp works on, and those that wait there.",
            unit="short",
            queries=(
                Query(_now(RUNNING), "{{provider}} running"),
                Query(_now(WAITING), "{{provider}} waiting"),
            ),
        ),
        Panel(
            title="First token, here and there",
            description="95 % of the streams had their first token within this time: as we measured it, and as vLLM "
            "did, without the way there.",
            unit="s",
            queries=(
                Query(quantile(0.95, of_providers, FIRST_TOKEN, "provider"), "{{provider}}"),
                Query(
                    quantile(0.95, of_servers, "vllm:time_to_first_token_seconds", "provider"),
                    "{{provider}} by vLLM",
                ),
            ),
        ),
        Panel(
            title="KV cache used",
            description="Share of vLLM's KV cache that is in use. Near 100 % requests wait or are preempted.",
            unit="percentunit",
            queries=(Query(f"max by (provider) ({of_servers('vllm:kv_cache_usage_perc')})", "{{provider}}"),),
        ),
        Panel(
            title="Prefix cache hits",
            description="Share of the prompt tokens that vLLM found in its prefix cache.",
            unit="percentunit",
            queries=(Query(share(rate(HITS, "provider"), rate(QUERIES, "provider")), "{{provider}}"),),
        ),
        Panel(
            title="Wait in the server",
            description="95 % of the requests waited at most this long in vLLM's queue.",
            unit="s",
            queries=(
                Query(
                    quantile(0.95, of_servers, "vllm:request_queue_time_seconds", "provider"), "{{provider}}"
                ),
            ),
        ),
        Panel(
            title="Tokens generated",
            description="Tokens that the server generates per second, for whichever client.",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(" or ".join(rate(metric, "provider") for metric in GENERATED), "{{provider}}"),),
        ),
    ),
)
