"""Two proxies with an exporter each under one Prometheus: their counts add up."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.exporter.process import running_exporter
from support.grafana import targets
from support.processes import eventually
from support.prometheus import promql
from support.prometheus.rules import DEPLOYED
from support.prometheus.server import Prometheus, running_prometheus
from support.proxy.process import config, serving

pytestmark = pytest.mark.slow

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
REQUESTS = {"here:9847": 5, "there:9847": 12}
JOB = "coderouter"
WAIT_S = 60
ALL = sum(REQUESTS.values())


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with ExitStack() as stack:
        proxies, scrape_targets = {}, []
        for instance in REQUESTS:
            folder = tmp_path_factory.mktemp("machine")
            proxies[instance] = stack.enter_context(serving(folder, config([ECHO])))
            path = folder / "events.jsonl"
            exporter = stack.enter_context(running_exporter(path, state=folder / "state.db"))
            target = f"127.0.0.1:{exporter.port}"
            scrape_targets.append({"targets": [target], "labels": {"instance": instance}})
        job = {"job_name": JOB, "static_configs": scrape_targets}
        storage = tmp_path_factory.mktemp("fleet") / "tsdb"
        rules = sorted(DEPLOYED.glob("rules/*.yml"))
        prometheus = stack.enter_context(running_prometheus(storage, [job], rules))
        eventually(lambda: by_instance(prometheus) == dict.fromkeys(REQUESTS, 0), WAIT_S)
        for instance, requests in REQUESTS.items():
            for _ in range(requests):
                assert proxies[instance].chat().rest().status == 200
        eventually(lambda: prometheus.query("sum(coderouter_client_requests_total)") == {(): ALL}, WAIT_S)
        yield prometheus


def by_instance(prometheus: Prometheus) -> dict[str, float]:
    found = prometheus.query("sum by (instance) (coderouter_client_requests_total)")
    return {instance: requests for (instance,), requests in found.items()}


def panel(title: str, **chosen: str) -> str:
    [expr, *_] = [target.expr for target in targets() if target.panel["title"] == title]
    return promql.interpolate(expr, "5m", **chosen)


def test_the_fleet_has_the_requests_of_all_machines(fleet: Prometheus) -> None:
    assert by_instance(fleet) == REQUESTS
    assert fleet.query("sum(coderouter_client_requests_total)") == {(): ALL}


def test_the_dashboard_shows_all_machines_or_the_chosen_ones(fleet: Prometheus) -> None:
    def shown(at: float, **chosen: str) -> float:
        return fleet.query(panel("Requests", **chosen), at)[()] / 60

    for instance, requests in REQUESTS.items():
        eventually(lambda: is_about(shown(time.time(), instance=instance), requests), WAIT_S)  # noqa: B023
    at = time.time()
    assert shown(at) == pytest.approx(sum(shown(at, instance=instance) for instance in REQUESTS))


def test_the_rules_per_job_are_the_sums_of_those_per_instance(fleet: Prometheus) -> None:
    def recorded(level: str) -> dict[tuple[str, ...], float]:
        return fleet.query(f"{level}:coderouter_client_requests:rate5m")

    eventually(
        lambda: all(is_about(recorded("instance").get((name, JOB), 0), n) for name, n in REQUESTS.items()),
        WAIT_S,
    )
    eventually(lambda: is_about(recorded("job").get((JOB,), 0), ALL), WAIT_S)


def test_all_proxies_of_the_fleet_are_up(fleet: Prometheus) -> None:
    eventually(lambda: fleet.query("job:coderouter_up:sum") == {(JOB,): 2}, WAIT_S)
    assert fleet.query(panel("Proxy")) == {(): 1}


def is_about(rate: float, requests: int) -> bool:
    """Whether the rate is that of so many requests in five minutes, as Prometheus extrapolates it."""
    return requests <= rate * 300 * 1.001 < requests * 1.25
