"""With native histograms in Prometheus, the dashboard and the rules show what they show with classic ones."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from coderouter_exporter.families.table import HISTOGRAMS
from support.exporter.process import append, line, running_exporter
from support.grafana import Target, targets
from support.processes import eventually
from support.prometheus import promql
from support.prometheus.rules import DEPLOYED, RECORDED, Rule
from support.prometheus.server import Prometheus, running_prometheus

pytestmark = pytest.mark.slow

NAMES = {family.name for family in HISTOGRAMS}
NATIVE = "--enable-feature=native-histograms"
DURATION_S, FIRST_TOKEN_S = 3.0, 0.7
WIDTH = 2 ** (1 / 8)
OF_QUANTILES = re.compile("p95_5m|p50_1h|empty_answers|output_tokens:increase1h")
OF_HISTOGRAMS = [
    target
    for target in targets()
    if any(selector.metric in NAMES for selector in promql.selectors(target.expr))
]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("native")
    path = folder / "events.jsonl"
    rules = sorted(DEPLOYED.glob("rules/*.yml"))
    with ExitStack() as stack:
        exporter = stack.enter_context(running_exporter(path, state=folder / "state.db"))
        job = {"job_name": "coderouter", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        served = stack.enter_context(running_prometheus(folder / "tsdb", [job], rules, [NATIVE]))
        for requests in (10, 20, 30):  # a rate needs growth between two scrapes of a series
            for number in range(requests - 10, requests):
                append(path, *answered(number))
            eventually(partial(has_requests, served, requests))
        yield served


def answered(number: int) -> tuple[bytes, bytes]:
    provider_ok = line(
        "provider-ok", provider="p", stream=True, duration_s=FIRST_TOKEN_S, writer="w", seq=2 * number + 1
    )
    finished = line(
        "request-finished", request_id="r", ingress="openai", profile="default", stream=True, outcome="ok",
        status=200, provider="p", model="m", attempts=1, duration_s=DURATION_S, ttft_s=FIRST_TOKEN_S,
        overhead_s=0.001, input_tokens=900, output_tokens=120, writer="w", seq=2 * number + 2,
    )  # fmt: skip
    return provider_ok, finished


def has_requests(prometheus: Prometheus, requests: int) -> bool:
    return prometheus.query("sum(histogram_count(coderouter_attempts_per_request))") == {(): requests}


def test_no_histogram_is_stored_as_classic_buckets(prometheus: Prometheus) -> None:
    assert prometheus.query('count({__name__=~"coderouter_.*_bucket"})') == {}


@pytest.mark.parametrize("target", OF_HISTOGRAMS, ids=str)
def test_every_query_of_a_histogram_has_data(target: Target, prometheus: Prometheus) -> None:
    assert prometheus.query(promql.interpolate(target.expr, "10m"))


def test_a_quantile_is_in_the_bucket_of_the_real_one(prometheus: Prometheus) -> None:
    [target] = [target for target in OF_HISTOGRAMS if str(target) == "First token: p95"]
    [shown] = prometheus.query(promql.interpolate(target.expr, "10m")).values()
    assert FIRST_TOKEN_S / WIDTH < shown < FIRST_TOKEN_S * WIDTH


@pytest.mark.parametrize(
    "rule", [rule for rule in RECORDED if OF_QUANTILES.search(rule.name)], ids=lambda rule: rule.name
)
def test_every_recorded_quantile_has_data(rule: Rule, prometheus: Prometheus) -> None:
    eventually(lambda: prometheus.query(rule.name))
