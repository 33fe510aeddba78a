"""What Prometheus answers to the queries of a panel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support import promql
from support.prometheus import Prometheus, Series

STEP_S = 30.0
WINDOW = "2m"  # what $__rate_interval is at this step and a scrape every 15 s
LIVE_POINTS_MAX = 8


@dataclass(frozen=True)
class Answer:
    """The series of a panel, each with the words of its legend."""

    series: list[tuple[str, Series]]

    @property
    def live_only(self) -> bool:
        """Whether it began only now, as gauges do, which event files have no history of."""
        return all(len(series.points) <= LIVE_POINTS_MAX for _, series in self.series)

    def newest(self) -> list[tuple[str, float]]:
        return [(legend, series.points[-1][1]) for legend, series in self.series]


def asked(prometheus: Prometheus, panel: dict[str, Any], start: float, end: float) -> Answer:
    found: list[tuple[str, Series]] = []
    for target in panel["targets"]:
        expr = promql.filled(target["expr"], WINDOW)
        began = end if target["instant"] else start
        graph = prometheus.graph(expr, began, end, STEP_S)
        found += [(_legend(target["legendFormat"], series.labels), series) for series in graph]
    return Answer(found)


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda label: labels.get(label[1], ""), pattern)
