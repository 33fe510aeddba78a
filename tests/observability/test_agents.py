"""Machines that push: an agent on each scrapes its exporter, and the counts add up where the agents write to."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from support.docs import ROOT
from support.exporter.process import append, running_exporter
from support.exporter.requests import Requests
from support.processes import eventually, free_port, running
from support.programs import program
from support.prometheus.server import Prometheus, running_prometheus

pytestmark = pytest.mark.slow

REQUESTS = {"dev-17": 3, "dev-18": 8}
WAIT_S = 60


def agent_settings(machine: str, exporter_port: int, prometheus_port: int) -> dict[str, object]:
    """Return the configuration that the documentation shows, with this machine's addresses."""
    text = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(# prometheus --agent .*?)```", text, re.DOTALL)
    assert found
    settings: dict[str, object] = yaml.safe_load(
        found[1]
        .replace("127.0.0.1:9847", f"127.0.0.1:{exporter_port}")
        .replace("dev-17", machine)
        .replace("https://mimir.example.org/api/v1/push", f"http://127.0.0.1:{prometheus_port}/api/v1/write")
        .replace("/etc/prometheus/remote-write.password", "/dev/null")
        .replace("scrape_interval: 15s", "scrape_interval: 1s")
    )
    return settings


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with ExitStack() as stack:
        storage = tmp_path_factory.mktemp("fleet") / "tsdb"
        prometheus = stack.enter_context(
            running_prometheus(storage, options=["--web.enable-remote-write-receiver"])
        )
        for machine, number in REQUESTS.items():
            folder = tmp_path_factory.mktemp("machine")
            events = folder / "events.jsonl"
            exporter = stack.enter_context(running_exporter(events, state=folder / "state.db"))
            stack.enter_context(
                running(*agent(folder, agent_settings(machine, exporter.port, prometheus.port)))
            )
            requests = Requests(time.time() - 60)
            append(events, *(requests.answered(f"r{each}") for each in range(number)))
        yield prometheus


def agent(folder: Path, settings: dict[str, object]) -> tuple[str, ...]:
    file = folder / "agent.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return (
        program("prometheus"),
        "--enable-feature=agent",
        f"--config.file={file}",
        f"--storage.agent.path={folder / 'wal'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    )


def test_the_counts_of_all_machines_add_up_and_each_has_its_own(fleet: Prometheus) -> None:
    by_machine = "sum by (machine, site) (coderouter_client_requests_total)"
    expected = {(machine, "berlin"): number for machine, number in REQUESTS.items()}
    eventually(lambda: fleet.query(by_machine) == expected, WAIT_S)
    assert fleet.query("sum(coderouter_client_requests_total)") == {(): sum(REQUESTS.values())}


def test_histograms_of_all_machines_add_up(fleet: Prometheus) -> None:
    observed = 'sum(coderouter_client_request_duration_seconds_bucket{le="1.28"})'
    eventually(lambda: fleet.query(observed) == {(): sum(REQUESTS.values())}, WAIT_S)
