"""What Prometheus answers to the queries of a panel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.prometheus import promql
from support.prometheus.server import Prometheus, Series

SCRAPE_S = 15
STEP_S = 30
LIVE_POINTS_MAX = 8


@dataclass(frozen=True)
class Answer:
    """The series of a panel in this time, each with its legend."""

    series: list[tuple[str, Series]]
    start: float
    end: float

    @property
    def live_only(self) -> bool:
        """Whether it has only the newest points, like a gauge, of which event files have no history."""
        return all(len(series.points) <= LIVE_POINTS_MAX for _, series in self.series)

    def newest(self) -> list[tuple[str, float]]:
        return [(legend, series.points[-1][1]) for legend, series in self.series]


def query_panel(prometheus: Prometheus, panel: dict[str, Any], start: float, end: float) -> Answer:
    """Return what Grafana would get for the panel, with its step and rate interval."""
    step_s = int(panel.get("interval", f"{STEP_S}s").removesuffix("s"))
    window = f"{max(step_s + SCRAPE_S, 4 * SCRAPE_S)}s"
    found: list[tuple[str, Series]] = []
    for target in panel["targets"]:
        began = end if target["instant"] else start
        graph = prometheus.graph(promql.interpolate(target["expr"], window), began, end, step_s)
        found += [(_legend(target["legendFormat"], series.labels), series) for series in graph]
    return Answer(found, start, end)


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    shown = {name: Path(value).name if name == "path" else value for name, value in labels.items()}
    return re.sub(r"\{\{(\w+)\}\}", lambda label: shown.get(label[1], ""), pattern)
