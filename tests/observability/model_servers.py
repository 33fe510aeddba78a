"""What vLLM and llama.cpp serve at `/metrics`, as far as the dashboard shows it."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from support.proxy.upstream import Received, Script, Upstream, whole

JOBS = ("vllm", "llamacpp")


def vllm(requests: int = 1) -> bytes:
    """Return the metrics of a vLLM that has had so many requests."""
    labels = 'engine="0",model_name="qwen"'
    histograms = "".join(
        f"# TYPE vllm:{name} histogram\n"
        f'vllm:{name}_bucket{{{labels},le="0.5"}} {requests}\nvllm:{name}_bucket{{{labels},le="+Inf"}} {requests}\n'
        f"vllm:{name}_sum{{{labels}}} {requests * 0.25}\nvllm:{name}_count{{{labels}}} {requests}\n"
        for name in ("time_to_first_token_seconds", "request_queue_time_seconds")
    )
    counters = "".join(
        f"# TYPE vllm:{name}_total counter\nvllm:{name}_total{{{labels}}} {requests * each}\n"
        for name, each in (
            ("prefix_cache_queries", 100),
            ("prefix_cache_hits", 60),
            ("generation_tokens", 20),
        )
    )
    gauges = "".join(
        f"# TYPE vllm:{name} gauge\nvllm:{name}{{{labels}}} {value}\n"
        for name, value in (
            ("num_requests_running", 2),
            ("num_requests_waiting", 1),
            ("kv_cache_usage_perc", 0.4),
        )
    )
    return (histograms + counters + gauges).encode()


def llamacpp(requests: int = 1) -> bytes:
    """Return the metrics of a llama.cpp that has had so many requests."""
    return (
        f"# TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total {requests * 20}\n"
        "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 1\n"
        "# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred 0\n"
    ).encode()


def _answer(metrics: Callable[[int], bytes], requests: Iterator[int], _: Received) -> Script:
    return whole(metrics(next(requests)), headers={"Content-Type": "text/plain; version=0.0.4"})


def scrape_jobs(servers: Upstream) -> list[dict[str, object]]:
    """Let the server play both, with another request at each scrape; return the scrape configurations."""
    for name, metrics in (("vllm", vllm), ("llamacpp", llamacpp)):
        servers.provider(name).plays(always=partial(_answer, metrics, count(1)))
    return [
        {
            "job_name": f"provider-{name}",
            "metrics_path": f"/{name}/metrics",
            "static_configs": [
                {"targets": [f"127.0.0.1:{servers.port}"], "labels": {"provider": name, "server": name}}
            ],
        }
        for name in JOBS
    ]
