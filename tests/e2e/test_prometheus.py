"""A real Prometheus scrapes the exporter, and its own linter reads the exposition."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.exporter.process import Exporter, running_exporter
from support.processes import eventually
from support.programs import program
from support.prometheus.server import Prometheus, running_prometheus
from support.proxy.process import config, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}

# These names of 1.7 stay, for the dashboards that use them.
NAMES_OF_1_7 = {"coderouter_uptime_seconds"}


def test_prometheus_stores_what_was_counted_from_openmetrics(tmp_path: Path) -> None:
    with _traffic(tmp_path, requests=5) as exporter, _scraping(tmp_path, exporter.port) as prometheus:
        _assert_five_requests(prometheus)


def test_prometheus_stores_what_was_counted_from_the_plain_text_format(tmp_path: Path) -> None:
    with (
        _traffic(tmp_path, requests=5) as exporter,
        _requesting_plain_text(exporter) as plain,
        _scraping(tmp_path, plain) as prometheus,
    ):
        _assert_five_requests(prometheus)


def test_promtool_finds_no_problem_in_the_metrics(tmp_path: Path) -> None:
    with _traffic(tmp_path, requests=2) as exporter:
        _, body = exporter.get("/metrics")
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=body, capture_output=True, check=False
    )
    problems = [line for line in (checked.stdout + checked.stderr).decode().splitlines() if line]
    assert [line for line in problems if line.split()[0] not in NAMES_OF_1_7] == []


@contextmanager
def _traffic(folder: Path, requests: int) -> Iterator[Exporter]:
    path = folder / "events.jsonl"
    with (
        serving(folder, config([ECHO]), events_path=path) as proxy,
        running_exporter(path, state=folder / "state.db") as exporter,
    ):
        for _ in range(requests):
            assert proxy.chat().rest().status == 200
        yield exporter


def _assert_five_requests(prometheus: Prometheus) -> None:
    outcomes = 'sum(coderouter_provider_outcomes_total{provider="echo",outcome="ok"})'
    eventually(lambda: prometheus.query(outcomes) == {(): 5.0})
    assert prometheus.query("sum(coderouter_requests_total)") == {(): 5.0}
    assert prometheus.query('sum(up{job="coderouter"})') == {(): 1.0}


@contextmanager
def _scraping(folder: Path, port: int) -> Iterator[Prometheus]:
    targets = [{"targets": [f"127.0.0.1:{port}"]}]
    with running_prometheus(
        folder / "tsdb", [{"job_name": "coderouter", "scrape_interval": "1s", "static_configs": targets}]
    ) as prometheus:
        yield prometheus


@contextmanager
def _requesting_plain_text(exporter: Exporter) -> Iterator[int]:
    """Forward scrapes with the Accept header of a scraper without OpenMetrics; yield the port to scrape."""

    class Scrape(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            response, body = exporter.get("/metrics", Accept="text/plain;version=0.0.4")
            content_type = response.getheader("Content-Type", "")
            assert content_type.startswith("text/plain; version=0.0.4")
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Scrape)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
