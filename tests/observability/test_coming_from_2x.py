"""CodeRouter 2.19 is replaced on its event file, port and Prometheus target: its dashboards continue.

What 2.19 wrote and served is in `tests/exporter/data`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import copyfile
from threading import Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.exporter.golden import DATA
from support.exporter.process import running_exporter
from support.processes import eventually, free_port
from support.prometheus.rules import COMPAT_2X, DEPLOYED
from support.prometheus.server import Prometheus, running_prometheus
from support.proxy import openai_answers as says
from support.proxy import upstream
from support.proxy.process import config, provider, serving

pytestmark = pytest.mark.slow

SERVED_BY_2X = (DATA / "coderouter-2.19.prom").read_text(encoding="utf-8")
PROVIDER = "think"  # one of the capture
REQUESTS = 5
COST_USD = 0.000_076  # of 10 input tokens, 3 output tokens and 2 from the cache
PRICES = {"input_per_mtok": 3, "output_per_mtok": 15}
WAIT_S = 60

PANELS = (
    "coderouter_uptime_seconds",
    "sum(increase(coderouter_requests_total[5m]))",
    "sum by (provider) (increase(coderouter_provider_attempts_total[5m]))",
    "sum by (provider, outcome) (increase(coderouter_provider_outcomes_total[5m]))",
    'sum(coderouter_provider_outcomes_total{outcome="ok"}) / sum(coderouter_provider_outcomes_total)',
    "sum by (provider, reason) (coderouter_provider_skipped_total)",
    "sum by (provider) (coderouter_cost_total_usd_total)",
    "sum(increase(coderouter_cost_total_usd_total[5m]))",
    "sum by (provider) (coderouter_cost_savings_usd_total)",
    "sum by (provider) (coderouter_cache_read_tokens_total)",
    "sum by (provider) (coderouter_cache_creation_tokens_total)",
    'sum(coderouter_cache_observed_total{outcome="cache_hit"}) / sum(coderouter_cache_observed_total)',
    "sum by (provider, state) (coderouter_backend_health_transitions_total)",
    "topk(3, coderouter_provider_demoted_unhealthy_total)",
    "max by (profile) (coderouter_context_budget_usage_ratio)",
    "sum(coderouter_stream_truncated_total)",
    "coderouter_chain_paid_gate_blocked_total + coderouter_chain_budget_exceeded_total",
)


class Peer(BaseHTTPRequestHandler):
    """Serves what 2.19 served."""

    def do_GET(self) -> None:
        body = SERVED_BY_2X.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        pass


@contextmanager
def peer(port: int) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", port), Peer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Replaced:
    prometheus: Prometheus
    switched_at: float


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaced]:
    folder, port = tmp_path_factory.mktemp("replaced"), free_port()
    events = folder / "events.jsonl"
    copyfile(DATA / "coderouter-2.19.jsonl", events)
    job = {"job_name": "coderouter", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    rules = [COMPAT_2X, *sorted(DEPLOYED.glob("rules/*.yml"))]
    with running_prometheus(folder / "tsdb", [job], rules) as prometheus:
        with peer(port):
            eventually(lambda: prometheus.query("coderouter_probe_rounds_total"), WAIT_S)
        switched_at = time.time()
        exporter = running_exporter(events, state=folder / "state.db", listen=f"127.0.0.1:{port}", TZ="UTC")
        with exporter, upstream.serving() as providers:
            eventually(lambda: prometheus.query("coderouter_client_requests_total"), WAIT_S)
            answering = providers.provider("a")
            answering.plays(*[says.answer()] * REQUESTS)
            settings = config([provider(PROVIDER, answering.base_url, kind="openai_compat", cost=PRICES)])
            with serving(folder, settings, events_path=events) as served:
                for _ in range(REQUESTS):
                    assert served.chat().rest().status == 200
                wait_for(
                    prometheus,
                    "coderouter_requests_total",
                    peers()["coderouter_requests_total", ()] + REQUESTS,
                )
                wait_for(
                    prometheus, f'coderouter_cache_read_tokens_total{{provider="{PROVIDER}"}}', 2 * REQUESTS
                )
                yield Replaced(prometheus, switched_at)


def wait_for(prometheus: Prometheus, expression: str, value: float) -> None:
    eventually(lambda: value in prometheus.query(expression).values(), WAIT_S)


def peers() -> dict[tuple[str, tuple[str, ...]], float]:
    """Return what 2.19 served, by name and the values of the labels in the order of their names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(SERVED_BY_2X)
        for sample in family.samples
    }


def found(prometheus: Prometheus, name: str) -> dict[tuple[str, ...], float]:
    return prometheus.query(f"sum without (job, instance) ({name})")


def test_every_series_of_2x_is_there_and_no_counter_is_lower(replaced: Replaced) -> None:
    for (name, labels), value in peers().items():
        now = found(replaced.prometheus, name)
        assert labels in now, (name, labels)
        assert now[labels] >= value - COST_USD / 2 or name == "coderouter_uptime_seconds", (name, labels)


def test_counters_continue_with_what_our_proxy_adds(replaced: Replaced) -> None:
    before = peers()
    added = {
        ("coderouter_requests_total", ()): REQUESTS,
        ("coderouter_provider_attempts_total", (PROVIDER,)): REQUESTS,
        ("coderouter_provider_outcomes_total", ("ok", PROVIDER)): REQUESTS,
        ("coderouter_cache_read_tokens_total", (PROVIDER,)): 2 * REQUESTS,
        ("coderouter_cache_observed_total", ("cache_hit", PROVIDER)): REQUESTS,
        ("coderouter_cost_total_usd_total", (PROVIDER,)): COST_USD * REQUESTS,
    }
    for (name, labels), number in added.items():
        now = found(replaced.prometheus, name)[labels]
        assert now == pytest.approx(before.get((name, labels), 0) + number, abs=COST_USD / 2)
    assert found(replaced.prometheus, "coderouter_cost_savings_usd_total")[PROVIDER,] > 0


@pytest.mark.parametrize("name", ["coderouter_requests_total", "coderouter_provider_outcomes_total"])
def test_a_graph_continues_in_the_same_series_without_a_reset(replaced: Replaced, name: str) -> None:
    resets = replaced.prometheus.query(f"sum(resets({name}[10m]))")
    assert resets == {(): 0}
    for series in replaced.prometheus.graph(name, replaced.switched_at - 1, time.time(), 1):
        assert series.labels["job"] == "coderouter"


@pytest.mark.parametrize("expression", PANELS)
def test_a_panel_of_an_old_dashboard_has_data(replaced: Replaced, expression: str) -> None:
    values = replaced.prometheus.query(expression).values()
    assert values
    assert all(value >= 0 for value in values)
