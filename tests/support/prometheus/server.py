"""Run a real Prometheus and query it."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.processes import eventually, free_port, running
from support.programs import program


@dataclass(frozen=True)
class Series:
    """One line of a graph: points of Unix time and value."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Prometheus:
    def __init__(self, port: int) -> None:
        self.port = port

    def query(self, expression: str, at: float | None = None) -> dict[tuple[str, ...], float]:
        """Return each result by its label values, without the metric name, in the order of the labels' names.

        A native histogram is returned as the number of its observations. `at` is Unix time; None means now.
        """
        parameters = {"query": expression} | ({} if at is None else {"time": str(at)})
        found = self._fetch("query", parameters)
        return {
            tuple(value for label, value in sorted(series["metric"].items()) if label != "__name__"): float(
                series["value"][1] if "value" in series else series["histogram"][1]["count"]
            )
            for series in found
        }

    def graph(self, expression: str, start: float, end: float, step_s: float) -> list[Series]:
        """Return the points of a graph from `start` to `end`, in Unix time."""
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": str(step_s)}
        return [
            Series(series["metric"], [(float(at), float(value)) for at, value in series["values"]])
            for series in self._fetch("query_range", parameters)
        ]

    def exemplars(self, series: str) -> list[dict[str, Any]]:
        """Return the exemplars of the series, each with its labels, value and timestamp."""
        found = self._read("query_exemplars", {"query": series, "start": "0", "end": str(time.time() + 60)})
        return [exemplar for one in found for exemplar in one["exemplars"]]

    def _fetch(self, path: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._read(path, parameters)["result"]
        return found

    def _read(self, path: str, parameters: dict[str, str]) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=30) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False  # it is still reading its storage


@contextmanager
def running_prometheus(
    storage: Path,
    scrape_configs: Sequence[object] = (),
    rule_files: Sequence[Path] = (),
    options: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Start it on this storage and a free port, scraping and evaluating rules every second; it ends with the block."""
    port = free_port()
    rules = [
        _without_intervals(path, storage.with_name(f"{storage.name}-{path.name}")) for path in rule_files
    ]
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": list(scrape_configs),
        "rule_files": [str(path) for path in rules],
    }
    file = storage.with_suffix(".json")
    file.write_text(json.dumps(settings), encoding="utf-8")
    arguments = (
        f"--config.file={file}",
        f"--storage.tsdb.path={storage}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        *options,
    )
    with running(program("prometheus"), *arguments) as command:
        command.wait_for_port(port)
        prometheus = Prometheus(port)
        eventually(prometheus.is_ready)
        yield prometheus


def _without_intervals(rules: Path, copy: Path) -> Path:
    """Write a copy of the rules in which no group is evaluated less often than the others."""
    groups = yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"]
    kept = [{name: value for name, value in group.items() if name != "interval"} for group in groups]
    copy.write_text(yaml.safe_dump({"groups": kept}), encoding="utf-8")
    return copy
